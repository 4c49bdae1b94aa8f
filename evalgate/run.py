"""Collect and grade without a verdict: what other tools call an eval.

The answers go to the same store under the same keys, so a later check of the same suite asks none of them again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evalgate.catalog import Endpoint
from evalgate.collect import Collector, OnAnswer, require_keys
from evalgate.exchange import Answer, JsonValue, Question
from evalgate.gate import Transcript, Usage, VariantFacts
from evalgate.gate.decide import usage
from evalgate.graders import Grading
from evalgate.store import Store
from evalgate.suite import Case, Suite

CHUNK = 1024  # cases whose prompts are in memory at a time


@dataclass(frozen=True, slots=True)
class RunResult:
    """The scores of one variant on one suite: `scores[metric]` holds one mean over the repeats for each of `cases`."""

    operation: str
    variant: VariantFacts
    cases: tuple[str, ...]
    scores: Mapping[str, tuple[float, ...]]
    usage: Usage
    requests: int

    def rows(self) -> list[dict[str, JsonValue]]:
        """One JSON object for each case and metric, as `evalgate compare` reads them."""
        return [
            {"id": case, "metric": metric, "score": score}
            for metric, scores in self.scores.items()
            for case, score in zip(self.cases, scores, strict=True)
        ]


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
    refresh: bool = False,
) -> RunResult:
    """Let `endpoint` answer `cases` and grade what it says; raises as `Collector.ask` does."""
    require_keys([endpoint], environment)
    transcript, repeats = Transcript(endpoint), range(suite.file.repeats)
    async with Collector(store, environment, now=now, refresh=refresh) as collector:
        for start in range(0, len(cases), CHUNK):
            some = cases[start : start + CHUNK]
            requests = [suite.request(case) for case in some]
            asked = [Question(case.id, q, k) for case, q in zip(some, requests, strict=True) for k in repeats]
            answers = iter(await collector.ask(endpoint, asked, on_answer))
            for case in some:
                given: list[Answer] = [next(answers) for _ in repeats]
                transcript.add(given, [grading.grade(answer, case) for answer in given])
    return RunResult(
        operation=suite.operation,
        variant=VariantFacts.of(endpoint),
        cases=tuple(case.id for case in cases),
        scores={metric: tuple(transcript.scores(metric).tolist()) for metric in grading.metrics},
        usage=usage(endpoint, transcript.flat(len(cases))),
        requests=collector.requests,
    )
