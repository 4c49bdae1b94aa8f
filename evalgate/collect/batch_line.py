"""The way to one provider's batch API: calls with retries, and no batch that is paid and not known.

A batch is written into the store before it is handed in, and its id as soon as it is heard. Whatever kills this
process, the next one that works on the same store takes it up again; what it finds of a process that still lives it
leaves alone.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

from evalgate.catalog import Endpoint
from evalgate.collect.handing_in import InDoubt, hand_in_once
from evalgate.collect.share import Workbench
from evalgate.errors import ProviderError
from evalgate.providers import AttemptFailed
from evalgate.providers.batch import BatchClient, BatchState, BatchUnknown, KeyedQuestion
from evalgate.providers.retry import RetryPolicy
from evalgate.store import batches
from evalgate.store.batches import Item, OpenBatch

KEPT_SECONDS = 29 * 86_400.0  # both providers throw results away after about this time
DOUBT_SECONDS = 5.0  # so long a batch may take to appear in a provider's list
_UNDER_WAY: set[str] = set()  # tokens of what this process is handing in at this moment
T = TypeVar("T")


class BatchLine:
    """Everything that the batches of one endpoint share."""

    def __init__(
        self, endpoint: Endpoint, client: BatchClient, bench: Workbench, on_notice: Callable[[str], None]
    ) -> None:
        self.endpoint, self.client, self.bench, self._notice = endpoint, client, bench, on_notice
        self.retry = RetryPolicy(endpoint.provider.retries)
        self._random = random.Random()  # noqa: S311  # jitter, not cryptography
        self._reached = False

    async def hand_in(
        self, questions: Sequence[KeyedQuestion], at: float, since: float
    ) -> tuple[OpenBatch, dict[str, Item]] | None:
        """Submit what is free of `questions` (see `batches.intend`) as one batch, or nothing when none of them is.

        When this returns, its id is in the store. Raises `ProviderError` when the provider does not take it; then it is
        written down no more, unless nobody can tell whether it was taken.
        """
        store, intent = self.bench.store, self.new_intent(at)
        token = intent.token or ""
        items = {key: Item(key, question.request.hash, question.repeat) for key, question in questions}
        _UNDER_WAY.add(token)
        try:
            ours = await asyncio.to_thread(batches.intend, store, intent, list(items.values()), since=since)
            if not ours:
                return None
            items = {key: item for key, item in items.items() if key in ours}
            name = await self._submit(intent, token, [(key, it) for key, it in questions if key in ours])
            return await asyncio.to_thread(batches.remember, store, intent, name, items.values()), items
        finally:
            _UNDER_WAY.discard(token)

    def new_intent(self, at: float) -> OpenBatch:
        """A batch that this process is about to hand in."""
        provider, config = self.endpoint.provider.id, self.endpoint.config
        return batches.new_intent(self.bench.claims.worker, provider, config, at)

    async def settle_intents(self) -> None:
        """See what became of the batches that somebody was handing in when he was killed."""
        store = self.bench.store
        intents = [(batch.token, batch) for batch in await self.open_batches() if batch.token]
        if not intents:
            return
        await asyncio.to_thread(self.bench.claims.bury_the_dead)  # after the look: who writes an intent lives already
        alive = await asyncio.to_thread(batches.living, store) - {self.bench.claims.worker}
        orphans = {token: it for token, it in intents if token not in _UNDER_WAY and it.worker not in alive}
        if not orphans:
            return
        since = min(orphan.submitted_at for orphan in orphans.values())
        found = await self._find(orphans.keys(), since)
        for token, orphan in orphans.items():
            items = await asyncio.to_thread(batches.items_of, store, orphan.name)
            if token in found:
                await asyncio.to_thread(batches.remember, store, orphan, found[token], items.values())
                continue
            if not self.client.traceable:
                what = f"a batch of {len(items):,} questions was being handed in to {orphan.provider!r} when that ended"
                self._notice(f"{what}; whether it was taken cannot be found out, so they are asked again")
            await asyncio.to_thread(batches.forget, store, orphan.name)

    async def open_batches(self) -> list[OpenBatch]:
        """What is open for this endpoint, intents included."""
        return await asyncio.to_thread(batches.open_batches, self.bench.store, self.endpoint.config)

    async def look(self, batch: OpenBatch, at: float, *, wanted: bool) -> BatchState | None:
        """How far it is; None, and it is forgotten, when its results cannot be there any more at the time `at`.

        Raises `ProviderError` when the provider does not know it although it should, and it is wanted.
        """
        try:
            return await self.attempt(lambda: self.client.poll(batch.name))
        except BatchUnknown:
            provider = self.endpoint.provider
            if at - batch.submitted_at >= KEPT_SECONDS:
                self._notice(f"batch {batch.name} of provider {provider.id!r} is gone: nobody fetched it in 29 days")
                await asyncio.to_thread(batches.forget, self.bench.store, batch.name)
                return None
            what = f"provider {provider.id!r} does not know batch {batch.name}, which was handed in to it"
            advice = "use the key that it was handed in with, or give it up: evalgate batches --cancel"
            if wanted:
                raise ProviderError(f"{what}; {advice}") from None
            self._notice(f"{what}; {advice}")
            return None

    async def attempt(self, call: Callable[[], Awaitable[T]]) -> T:
        """What `call` returns, tried again as the retry policy says."""
        attempts = 0
        while True:
            attempts += 1
            try:
                result = await call()
            except AttemptFailed as failure:
                await self.pause(failure, attempts)
            else:
                self._reached = True
                return result

    def gives_up(self, failure: AttemptFailed, attempts: int) -> bool:
        """Whether the attempt that just failed was the last."""
        return self.retry.gives_up(attempts, failure, ever_reached=self._reached)

    async def pause(self, failure: AttemptFailed, attempts: int) -> None:
        """Wait until the next attempt; raises `ProviderError` when there is none."""
        self._reached = self._reached or not failure.unreachable
        if self.gives_up(failure, attempts):
            provider = self.endpoint.provider
            state = "fails" if self._reached else "cannot be reached"
            what = f"the batch API of provider {provider.id!r} at {provider.base_url} {state}: {failure.reason}"
            raise ProviderError(
                f"{what} ({attempts} attempts); what was handed in is kept; run the same command to go on"
            )
        seconds = self.retry.pause(attempts, failure, self._random)
        what = f"the batch API of provider {self.endpoint.provider.id!r} fails: {failure.reason}"
        self._notice(f"{what} (attempt {attempts}, again in {seconds:.1f} s)")
        await self.bench.stop.sleep(seconds)

    async def _submit(self, intent: OpenBatch, token: str, questions: Sequence[KeyedQuestion]) -> str:
        async def find() -> str | None:
            return (await self._find({token}, intent.submitted_at)).get(token)

        try:
            return await hand_in_once(
                self.client,
                lambda: self.client.submit(self.endpoint, questions, token),
                find,
                self.pause,
                partial(asyncio.to_thread, batches.forget, self.bench.store, intent.name),
            )
        except InDoubt as doubt:
            raise self._in_doubt(intent, questions, doubt.failure) from None

    def _in_doubt(self, intent: OpenBatch, questions: Sequence[KeyedQuestion], why: AttemptFailed) -> ProviderError:
        what = f"provider {intent.provider!r} did not say whether it took a batch of {len(questions):,} questions"
        advice = "look at its console and cancel it there; run the same command to hand it in again"
        return ProviderError(f"{what}: {why.reason}; {advice}")

    async def _find(self, tokens: Collection[str], since: float) -> Mapping[str, str]:
        """What was handed in under these tokens; only what is not there twice is not there."""
        found = await self.attempt(lambda: self.client.find(tokens, since))
        if self.client.traceable and len(found) < len(tokens):
            await self.bench.stop.sleep(DOUBT_SECONDS)
            found = await self.attempt(lambda: self.client.find(tokens, since))
        return found
