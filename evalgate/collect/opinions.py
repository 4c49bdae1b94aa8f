"""Asks the judges what graders need to know, before anything is graded.

What a judge says is an answer like any other: bought once, durable before it counts, paid from the suite's budget, as
old as answers may be. So a check that is resumed asks no judge again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalgate.catalog import Endpoint
from evalgate.collect.budget import Budget
from evalgate.collect.crew import Crew
from evalgate.errors import ProviderError
from evalgate.exchange import Answer, Question, Request
from evalgate.graders import Grading, Seen
from evalgate.stats.agreement import Agreement, agreement


async def with_opinions(
    crew: Crew, grading: Grading, seen: Sequence[Seen], budget: Budget, *, max_age: float, repeat: int = 0
) -> list[Seen]:
    """Each with what its judges say; as they are where nobody is to be asked.

    Raises as `Crew.ask` does, and `ProviderError` also when a judge gives no answer after all retries: whoever
    was not judged has no score.
    """
    if not grading.judges:
        return list(seen)
    wanted = [grading.requests(each) for each in seen]
    said: dict[tuple[str, str], Answer] = {}
    for judge in grading.judges.values():
        requests = {request.hash: (case, request) for case, request in _of(judge, seen, wanted)}
        questions = [Question(case, request, repeat) for case, request in requests.values()]
        if not questions:
            continue
        try:
            answers = await crew.ask(judge, questions, budget=budget, max_age=max_age)
        except ProviderError as failure:
            raise ProviderError(f"judge {judge.id}: {failure}") from failure
        for question, answer in zip(questions, answers, strict=True):
            if answer.finish_reason == "error":
                raise ProviderError(f"judge {judge.id}: case {question.case_id!r} is not judged: {answer.error}")
            said[judge.config, question.request.hash] = answer
    return [
        replace(each, replies=tuple(said[judge.config, request.hash] for judge, request in asked))
        for each, asked in zip(seen, wanted, strict=True)
    ]


async def judged_twice(
    crew: Crew, grading: Grading, seen: Sequence[Seen], budget: Budget, *, max_age: float
) -> dict[str, Agreement]:
    """The judges held against themselves (A/A): by metric, how far a second asking gives the scores of the first.

    Both askings are bought and kept as any answer, the second as its repeat.
    """
    first, second = [
        [
            grading.grade_seen(each)
            for each in await with_opinions(crew, grading, seen, budget, max_age=max_age, repeat=repeat)
        ]
        for repeat in (0, 1)
    ]
    return {
        metric: agreement(*([grades[metric] for grades in asking] for asking in (first, second)))
        for metric in grading.metrics
    }


def _of(
    judge: Endpoint, seen: Sequence[Seen], wanted: Sequence[Sequence[tuple[Endpoint, Request]]]
) -> list[tuple[str, Request]]:
    return [
        (each.case.id, request)
        for each, asked in zip(seen, wanted, strict=True)
        for asking, request in asked
        if asking.config == judge.config
    ]
