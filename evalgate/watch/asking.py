"""Asks a round: the baseline and all variants the same cases, side by side, for answers of this round alone.

A round's answers are kept under its number, so nothing is bought twice, a round that was killed goes on where it
stopped, and the answers of a certification stay what they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalgate.catalog import Endpoint
from evalgate.collect import Budget, BudgetSpentError, Crew, all_of
from evalgate.errors import ProviderError
from evalgate.exchange import ROUND, Question
from evalgate.exchange.tokens import prompt_bytes
from evalgate.gate import Transcript
from evalgate.plan import Contest
from evalgate.store import Store, answer_key
from evalgate.suite import Case
from evalgate.watch.detection import Reference
from evalgate.watch.look import Scale, Side, differences

WAVE = 10  # cases that all sides answer before the next are asked: then no hour of the day is one side's alone


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: the sides that answered everything, and why others did not, by variant."""

    baseline: Side
    sides: Mapping[str, Side]
    down: Mapping[str, str]


async def ask(
    contest: Contest,
    variants: Sequence[Endpoint],
    cases: Sequence[Case],
    collector: Crew,
    number: int,
    budget: Budget,
) -> Asked:
    """Let the baseline and `variants` answer `cases` in round `number`.

    An endpoint that cannot be reached ends its own part; without the baseline nobody has one. Raises as
    `Collector.ask` does for what concerns everybody.
    """
    baseline = Side(Transcript(contest.baseline))
    sides = {endpoint.id: Side(Transcript(endpoint)) for endpoint in variants}
    down = dict[str, str]()

    async def answer(side: Side, some: Sequence[Case]) -> None:
        endpoint = side.transcript.endpoint
        questions = [_questions(contest, case, number) for case in some]
        flat = [question for group in questions for question in group]
        try:
            answers = iter(await collector.ask(endpoint, flat, budget=budget))
        except ProviderError as failure:
            down[endpoint.id] = str(failure)
            return
        for case, group in zip(some, questions, strict=True):
            given = [next(answers) for _ in group]
            grades = [contest.grading.grade(each, case) for each in given]
            side.add(given, grades, prompt_bytes(group[0].request))

    for start in range(0, len(cases), WAVE):
        open_sides = [side for name, side in sides.items() if name not in down]
        if contest.baseline.id in down or not open_sides:
            break
        try:
            await all_of(answer(side, cases[start : start + WAVE]) for side in (baseline, *open_sides))
        except BudgetSpentError:
            down[contest.baseline.id] = f"the budget of {budget} is spent"
    if (reason := down.get(contest.baseline.id)) is not None:
        down |= dict.fromkeys(sides, reason)
    return Asked(baseline, {name: side for name, side in sides.items() if name not in down}, down)


def _questions(contest: Contest, case: Case, number: int) -> list[Question]:
    request = contest.suite.request(case)
    repeats = range(contest.suite.file.repeats)
    return [Question(case.id, request, ROUND * number + repeat) for repeat in repeats]


def recalled(contest: Contest, endpoint: Endpoint, units: int, certified: int, store: Store) -> Reference | None:
    """What a certification over the first `units` units rests on, from the store; None where it is not there any more.

    Nothing is asked. Answers that were bought anew since then are of another certification, and would tell of it.
    """
    sizes = list(contest.suite.units[:units])
    cases = contest.suite.cases[: sum(sizes)]
    if not sizes:
        return None
    sides = []
    for each in (contest.baseline, endpoint):
        groups = [_questions(contest, case, 0) for case in cases]
        keys = [[answer_key(one.request.hash, each.config, one.repeat) for one in group] for group in groups]
        found = store.find([key for group in keys for key in group])
        if any(key not in found for group in keys for key in group):
            return None
        side = Side(Transcript(each))
        for case, group, named in zip(cases, groups, keys, strict=True):
            given = [found[key] for key in named]
            grades = [contest.grading.grade(answer, case) for answer in given]
            side.add(given, grades, prompt_bytes(group[0].request))
        sides.append(side)
    baseline, side = sides
    if int(min(baseline.oldest, side.oldest)) != certified:
        return None
    scale = Scale.of(contest.policy, contest.suite.units)
    moved, short = differences(contest.policy, scale, baseline.transcript, side.transcript, sizes)
    return Reference(moved, short, frozenset(side.known_as), frozenset(side.fingerprints))
