"""Collect and grade without a verdict: what other tools call an eval.

The answers go to the same store under the same keys, so a later check of the same suite asks none of them again. Only
numbers are kept in memory, so that a suite may have as many cases as the disk holds.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from evalgate.catalog import Endpoint
from evalgate.collect import (
    Batching,
    Budget,
    Collector,
    Crew,
    OnAnswer,
    OnTrouble,
    ReasonGroup,
    Reasons,
    Stop,
    require_ready,
    with_opinions,
)
from evalgate.exchange import Answer, JsonValue, Question
from evalgate.exchange.tokens import prompt_bytes
from evalgate.facts import Given, Tally, Usage, VariantFacts
from evalgate.graders import Grading, Seen
from evalgate.graders.classes import Classes
from evalgate.store import Store
from evalgate.suite import Case, Suite

CHUNK = 500  # cases whose prompts and answers are in memory at a time; the store finds so many in one look
BATCH_CHUNK = 10_000  # the same, where a chunk may take a day
AT_ONCE = 2  # chunks that are asked at the same time


@dataclass(frozen=True, slots=True)
class RunResult:
    """The scores of one variant on one suite: `scores[metric]` holds one mean over the repeats for each of `cases`."""

    operation: str
    variant: VariantFacts
    cases: Sequence[Case]
    scores: Mapping[str, Sequence[float]]
    usage: Usage
    requests: int
    failures: Sequence[ReasonGroup]  # why answers failed, the most frequent reason first
    classes: Mapping[str, Classes] = field(default_factory=dict)  # by metric, where a grader asks for a label

    def rows(self) -> Iterator[dict[str, JsonValue]]:
        """One JSON object for each case and metric, as `evalgate compare` reads them."""
        for index, case in enumerate(self.cases):
            for metric, scores in self.scores.items():
                yield {"id": case.id, "metric": metric, "score": scores[index]}


async def run(
    suite: Suite,
    grading: Grading,
    endpoint: Endpoint,
    store: Store,
    environment: Mapping[str, str],
    *,
    cases: Sequence[Case],
    on_answer: OnAnswer = lambda answer, known: None,
    now: Callable[[], float] = time.time,
    since: float = 0.0,
    stop: Stop | None = None,
    batching: Batching | None = None,
    retry_failed: bool = False,
    on_trouble: OnTrouble = lambda trouble: None,
    crew: AbstractAsyncContextManager[Crew] | None = None,
) -> RunResult:
    """Let `endpoint` answer `cases` and grade what it says; raises as `Collector.ask` does.

    With `retry_failed`, known answers that are none are bought anew; `on_trouble` hears of attempts that fail. With a
    `crew`, others see to all of that, and to the keys.
    """
    if grading.compares:
        raise suite.error("compares with the baseline, which only a check asks; use `evalgate check`", "assert")
    repeats = range(suite.file.repeats)
    budget, max_age = Budget.of(suite, f"run {endpoint.id}"), suite.file.max_age(endpoint.id)
    if crew is None:
        for asked in suite.kinds_of_requests():
            require_ready([endpoint], asked, environment)
        for judge, request in grading.example_requests(cases[0]):
            require_ready([judge], request, environment)
        crew = Collector(
            store,
            environment,
            now=now,
            since=since,
            stop=stop,
            batching=batching,
            retry_failed=retry_failed,
            on_trouble=on_trouble,
        )
    async with crew as collector:

        async def heard(seen: Sequence[Seen]) -> list[Seen]:
            return await with_opinions(collector, grading, seen, budget, max_age=max_age)

        scores = _Scores(grading, endpoint, heard, collector)

        async def ask(some: Sequence[Case]) -> list[Answer]:
            requests = [(case.id, suite.request(case)) for case in some]
            scores.prompt_sizes |= {name: prompt_bytes(request) for name, request in requests}
            questions = [Question(name, request, repeat) for name, request in requests for repeat in repeats]
            return await collector.ask(endpoint, questions, on_answer, budget, max_age=max_age)

        size = CHUNK if batching is None else BATCH_CHUNK
        chunks = (cases[start : start + size] for start in range(0, len(cases), size))
        async for some, answers in _overlapping(ask, chunks):
            await scores.add(some, answers)
    return RunResult(
        operation=suite.operation,
        variant=VariantFacts.of(endpoint),
        cases=cases,
        scores=scores.means,
        usage=scores.tally.usage(endpoint),
        requests=collector.requests,
        failures=scores.reasons.groups(),
        classes=scores.classes,
    )


class _Scores:
    """What was scored so far, in numbers."""

    def __init__(
        self,
        grading: Grading,
        endpoint: Endpoint,
        heard: Callable[[Sequence[Seen]], Awaitable[list[Seen]]],
        crew: Crew,
    ) -> None:
        self._grading, self._endpoint, self._heard, self._crew = grading, endpoint, heard, crew
        self.means = {metric: array("d") for metric in grading.metrics}
        self.prompt_sizes: dict[str, int] = {}  # of the cases that are being asked
        self.tally, self.reasons = Tally(), Reasons()
        self.classes: dict[str, Classes] = {}

    async def add(self, cases: Sequence[Case], answers: Sequence[Answer]) -> None:
        """Grade the answers to some cases, the same number to each."""
        repeats = len(answers) // len(cases)
        seen = [Seen(answer, cases[index // repeats], self._endpoint) for index, answer in enumerate(answers)]
        all_grades = await self._crew.graded(self._grading, await self._heard(seen))
        for index, case in enumerate(cases):
            given = answers[index * repeats : (index + 1) * repeats]
            grades = all_grades[index * repeats : (index + 1) * repeats]
            for answer in given:
                self.tally.add(Given.of(answer, self._endpoint, self.prompt_sizes[case.id]))
                self.reasons.add(answer)
                for metric, target, said in self._grading.labels(answer, case):
                    self.classes.setdefault(metric, Classes()).add(target, said)
            for metric, means in self.means.items():
                means.append(sum(grade[metric] for grade in grades) / repeats)
            del self.prompt_sizes[case.id]


async def _overlapping(
    ask: Callable[[Sequence[Case]], Awaitable[list[Answer]]], chunks: Iterable[Sequence[Case]]
) -> AsyncIterator[tuple[Sequence[Case], list[Answer]]]:
    """Each chunk with its answers, in order; the next chunk has begun while the last answers of one come in."""
    asking: deque[tuple[Sequence[Case], asyncio.Future[list[Answer]]]] = deque()
    try:
        for some in chunks:
            asking.append((some, asyncio.ensure_future(ask(some))))
            if len(asking) == AT_ONCE:
                first, answers = asking.popleft()
                yield first, await answers
        while asking:
            first, answers = asking.popleft()
            yield first, await answers
    except asyncio.CancelledError:  # somebody is in a hurry
        for _, given in asking:
            given.cancel()
        raise
    finally:  # what is under way is paid: it is waited for, also when another chunk failed
        await asyncio.gather(*(answers for _, answers in asking), return_exceptions=True)
