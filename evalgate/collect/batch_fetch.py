"""Takes in what a batch brought: all of it, in groups, each of which is durable before the next is read.

The results are a file that may break off, be read twice, or hold lines that nobody can read or has asked for. Reading
it again costs nothing and asking again costs money, so it is read again first.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from decimal import Decimal

from evalgate.catalog import Endpoint
from evalgate.collect.batch_line import BatchLine
from evalgate.exchange import Answer
from evalgate.providers import AttemptFailed
from evalgate.providers.batch import BatchState, BatchUnknown
from evalgate.providers.usage import plausible
from evalgate.store import Bought
from evalgate.store.batches import Item, OpenBatch

GROUP = 500  # answers in one commit
Keep = Callable[[Sequence[Bought]], Awaitable[None]]
Price = Callable[[Item, Answer], Decimal]


@dataclass(slots=True)
class Results:
    """What the results said of each question: that it is `answered`, or why it `failed`."""

    answered: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.answered) + len(self.failed)


async def fetch_batch(
    line: BatchLine, batch: OpenBatch, items: Mapping[str, Item], state: BatchState, keep: Keep, price: Price
) -> Results:
    """Hand every answer of a batch that is done to `keep`, in groups; a question has the first answer that it got.

    `price` says what an answer would cost at once.

    Raises as `BatchLine.attempt` does when the results cannot be read to their end, and whatever `keep` raises. When
    they are fewer than promised time and again, those that are there must do.
    """
    results = Results()
    for attempt in itertools.count(1):
        try:
            await _read(line, batch, items, results, keep, price)
        except AttemptFailed as failure:
            await line.pause(failure, attempt)
            continue
        except BatchUnknown:  # it was known a moment ago
            await line.pause(AttemptFailed(f"batch {batch.name} is not there any more"), attempt)
            continue
        short = AttemptFailed(f"batch {batch.name} promised {state.finished:,} results and brings {len(results):,}")
        if len(results) >= min(state.finished, len(items)) or line.gives_up(short, attempt):
            break
        await line.pause(short, attempt)
    return results


async def _read(
    line: BatchLine, batch: OpenBatch, items: Mapping[str, Item], results: Results, keep: Keep, price: Price
) -> None:
    group: list[Bought] = []
    async with aclosing(line.client.fetch(batch.name)) as rows:
        try:
            async for key, answer in rows:
                item = items.get(key)
                if item is None or key in results.answered:
                    continue
                if answer.finish_reason == "error":
                    results.failed[key] = answer.error or "no reason"
                    continue
                results.answered.add(key)
                results.failed.pop(key, None)
                group.append(_bought(line.endpoint, batch, item, answer, price))
                if len(group) == GROUP:
                    full, group = group, []
                    await keep(full)
        except AttemptFailed:
            await keep(group)
            raise
    await keep(group)


def _bought(endpoint: Endpoint, batch: OpenBatch, item: Item, answer: Answer, price: Price) -> Bought:
    discount = Decimal(str(endpoint.variant.batch_discount or 0))
    answer = plausible(endpoint, answer)
    cost = price(item, answer) * (1 - discount)
    at = batch.submitted_at
    answer = replace(answer, details={**answer.details, "batch": batch.name}, answered_at=at)
    # whoever handed it in knew of the answers until then, and wanted a younger one
    return Bought(item.request, batch.config, item.repeat, endpoint.id, cost, answer, since=at)
