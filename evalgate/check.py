"""The main job: load, plan, collect, grade, compare, decide, record. Read this file first.

For each operation, the baseline and every variant answer the suite's cases in one fixed random order, a wave at a time.
After each wave the evidence is looked at, and who is proven green or red is asked no more. Looking costs nothing: the
evidence is a betting process that may be looked at after every case (`evalgate.stats`).
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from evalgate.collect import (
    Batching,
    Budget,
    BudgetSpentError,
    Collector,
    Crew,
    Stop,
    Trouble,
    all_of,
    require_ready,
    with_opinions,
)
from evalgate.errors import ProviderError
from evalgate.exchange import Answer, Question
from evalgate.exchange.tokens import prompt_bytes
from evalgate.gate import Board, OperationBoard, Ruling, Transcript, operation_board
from evalgate.graders import Seen
from evalgate.plan import Contest
from evalgate.store import Attempts, Scored, Store, answer_key
from evalgate.suite import Case

PAGE = 500  # cases that are looked up in the store at a time
LOOK = 10  # units between two looks, at least; more where no verdict is possible before
BATCH_ROUNDS = 4  # a batch may take a day


class Progress(Protocol):
    """Who wants to watch."""

    def answered(self, operation: str, variant: str, *, known: bool) -> None:
        """An answer came in; `known`: it was in the store."""

    def spent(self, operation: str, dollars: Decimal) -> None:
        """What this check has paid for the operation so far, in USD; told whenever an answer was bought."""

    def troubled(self, trouble: Trouble) -> None:
        """An attempt failed; it is tried again, or given up."""

    def ruled(self, operation: str, rulings: Mapping[str, Ruling], cases: int) -> None:
        """The evidence was looked at after `cases` cases."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a hearing: the operation's part of the board, the calls that it took, and if any side answered."""

    board: OperationBoard
    requests: int
    anybody: bool


# Holds the hearing of one contest of a run, somewhere else than here; raises as `check` does.
Hear = Callable[[Contest, str, Progress], Coroutine[Any, Any, Heard]]


async def check(
    contests: Sequence[Contest],
    store: Store,
    environment: Mapping[str, str],
    *,
    progress: Progress,
    now: Callable[[], float] = time.time,
    since: float = 0.0,
    stop: Stop | None = None,
    batching: Batching | None = None,
    retry_failed: bool = False,
    hear: Hear | None = None,
) -> Board:
    """Judge every variant on every operation as planned; returns the board, which is also recorded in the store.

    Answers that were given before `since` (seconds since the epoch) are bought anew, and with `retry_failed` those that
    were none; `stop` lets it end early; with `batching`, endpoints that have a batch API are asked through it. With
    `hear`, others see to all of that, and to the keys.

    An endpoint that cannot be reached is not judged, and everybody else is. Raises `InputError` when a key is not set,
    before anything is asked, `InfrastructureError` when nobody could be reached or the store fails, and `Interrupted`
    when it was stopped; what was answered until then is kept.
    """
    run = time.strftime("%Y%m%d-%H%M%S-", time.gmtime(now())) + secrets.token_hex(2)
    if hear is not None:
        heard = await all_of(hear(contest, run, progress) for contest in contests)
        requests = sum(each.requests for each in heard)
    else:
        require_keys(contests, environment)
        collector = Collector(
            store,
            environment,
            now=now,
            since=since,
            stop=stop,
            batching=batching,
            retry_failed=retry_failed,
            on_trouble=progress.troubled,
        )
        rounds = BATCH_ROUNDS if batching is not None else None
        async with collector:
            hearings = [Hearing(contest, collector, store, progress, run, now) for contest in contests]
            heard = await all_of(hearing.hold(rounds) for hearing in hearings)
            requests = collector.requests
    operations = [each.board for each in heard]
    board = Board(run, now(), requests, tuple(operations))
    if not any(each.anybody for each in heard):
        require_anybody(operations)
    store.record_run(board.run, board.at, board.to_json())
    return board


def require_keys(contests: Sequence[Contest], environment: Mapping[str, str]) -> None:
    """Raise `InputError` for the first endpoint or judge without its key, or that cannot be asked what it would be."""
    for contest in contests:
        for request in contest.suite.kinds_of_requests():
            require_ready(contest.endpoints, request, environment)
        for judge, request in contest.grading.example_requests(contest.cases[0]):
            require_ready([judge], request, environment)


class Hearing:
    """One operation's way to its verdicts: ask, grade, compare and decide, wave by wave."""

    def __init__(
        self,
        contest: Contest,
        crew: Crew,
        store: Store,
        progress: Progress,
        run: str,
        now: Callable[[], float],
    ) -> None:
        self.contest, self.crew, self.store, self.progress = contest, crew, store, progress
        self.run, self.now = run, now
        self.record, self.budget = contest.record(), Budget.of(contest.suite, "check")

    async def hold(self, rounds: int | None = None) -> Heard:
        """Until all is ruled on, or cases or budget are used up; `rounds` are the most waves there may be."""
        contest, record, ended = self.contest, self.record, ""
        look = LOOK if rounds is None else math.ceil(len(contest.units) / rounds)
        asked = remembered = 0
        await self._know_baseline()
        while (open_sides := record.open_sides()) and asked < len(contest.units):
            first = sum(contest.units[:asked])
            asked = min(asked + max(look, record.least_further_units()), len(contest.units))
            wave = range(first, sum(contest.units[:asked]))
            try:
                asking = Wave(contest, contest.cases[wave.start : wave.stop], self.budget)
                for sides in self._turns(open_sides):
                    await all_of(self._answer(asking, side) for side in sides)
            except BudgetSpentError:
                ended = f"the budget of {self.budget} is spent"
                break
            self.progress.ruled(contest.suite.operation, record.rule(), wave.stop)
            if asked >= 1.5 * remembered:  # from the first look on it is an attempt, whatever ends it
                await self._remember()
                remembered = asked
        await self._remember()
        board = operation_board(record, contest.grading.metrics, ended=ended)
        return Heard(board, self.budget.made, self._heard_anybody)

    def _turns(self, sides: list[Transcript]) -> list[list[Transcript]]:
        """Who answers together: all, or first the baseline where others are compared with what it says."""
        return [sides[:1], sides[1:]] if self.contest.grading.compares else [sides]

    @property
    def _heard_anybody(self) -> bool:
        """Whether any side answered at all."""
        sides = self.record.sides
        return any(side.cases for side in (sides.baseline, *sides.variants.values()))

    async def _know_baseline(self) -> None:
        """Where all of the baseline's answers to a finite suite are in the store, they are used: they cost nothing."""
        suite, side = self.contest.suite, Transcript(self.contest.baseline)
        if suite.gate.claim != "suite" or not suite.gate.control_variate or self.contest.grading.judges:
            return  # a judge would have to be asked about all of them
        max_age = suite.file.max_age(side.endpoint.id)
        for start in range(0, len(suite.cases), PAGE):
            page = Wave(self.contest, suite.cases[start : start + PAGE], self.budget)
            questions = page.questions(side)
            flat = [question for group in questions for question in group]
            found = await self.crew.known(side.endpoint, flat, max_age=max_age)
            if found is None:
                return
            for _, _, given, grades in await self._graded(page, questions, found, side):
                side.add(given, grades)
        self.record.know_baseline(side)

    async def _remember(self) -> None:
        suite, memory = self.contest.suite, Attempts(self.store)
        made = [(each.key, each.at, each.to_json()) for each in self.record.attempts(self.now(), self.run)]
        await asyncio.to_thread(memory.remember, suite.operation, self.contest.baseline.kin, made)
        await asyncio.to_thread(memory.keep_order, suite.operation, suite.gate.seed, suite.order_digests())

    async def _answer(self, wave: Wave, side: Transcript) -> None:
        """Let one side answer the cases of a wave, grade what it says, and remember the scores."""
        suite, grading = self.contest.suite, self.contest.grading

        def on_answer(answer: Answer, known: bool) -> None:
            del answer
            self.progress.answered(suite.operation, side.endpoint.id, known=known)
            if not known:
                self.progress.spent(suite.operation, self.budget.spent)

        questions = wave.questions(side)
        flat = [question for group in questions for question in group]
        max_age = suite.file.max_age(side.endpoint.id)
        if grading.compares and side is not self.record.sides.baseline and not wave.baseline:
            return  # the baseline is gone, and nobody can be judged without it
        try:
            answers = await self.crew.ask(side.endpoint, flat, on_answer, wave.budget, max_age=max_age)
        except ProviderError as failure:
            self.record.drop(side, str(failure))
            return
        try:
            judged = await self._graded(wave, questions, answers, side)
        except ProviderError as failure:  # of a judge: without it there are no scores, whoever answered
            self.record.drop(self.record.sides.baseline, str(failure))
            return
        scored: list[Scored] = []
        for _, group, given, grades in judged:
            side.add(given, grades, prompt_bytes(group[0].request))
            for question, answer, grade in zip(group, given, grades, strict=True):
                key = answer_key(question.request.hash, side.endpoint.config, question.repeat)
                if answer.finish_reason != "error":  # was never bought, so there is nothing to remember it by
                    scored += [Scored(key, grading.hash, metric, score) for metric, score in grade.items()]
        await asyncio.to_thread(self.store.add_scores, scored)

    async def _graded(
        self, wave: Wave, questions: Sequence[Sequence[Question]], answers: Sequence[Answer], side: Transcript
    ) -> list[tuple[Case, Sequence[Question], list[Answer], list[dict[str, float]]]]:
        """Per case: what was asked, what was answered, and the score per metric of each answer."""
        suite, grading, repeats = self.contest.suite, self.contest.grading, self.contest.suite.file.repeats
        is_baseline = side.endpoint is self.contest.baseline and side is not self.record.sides.again
        cases = [case for case in wave.cases for _ in range(repeats)]
        rivals: Sequence[Answer | None] = [None] * len(cases)
        if grading.compares:
            wave.baseline = answers if is_baseline else wave.baseline
            rivals = wave.baseline
        seen = [
            Seen(answer, case, side.endpoint, rival, is_baseline)
            for answer, case, rival in zip(answers, cases, rivals, strict=True)
        ]
        max_age = suite.file.max_age(side.endpoint.id)
        seen = await with_opinions(self.crew, grading, seen, wave.budget, max_age=max_age)
        grades = await self.crew.graded(grading, seen)
        parts = [slice(start, start + repeats) for start in range(0, len(cases), repeats)]
        return [
            (case, group, list(answers[part]), grades[part])
            for case, group, part in zip(wave.cases, questions, parts, strict=True)
        ]


class Wave:
    """The next cases of a contest, and what is asked for them: rendered once, for all sides."""

    def __init__(self, contest: Contest, cases: Sequence[Case], budget: Budget) -> None:
        self.contest, self.cases, self.budget = contest, cases, budget
        self.requests = [contest.suite.request(case) for case in cases]
        self.baseline: Sequence[Answer] = ()  # what the baseline said, where graders compare with it

    def questions(self, side: Transcript) -> list[list[Question]]:
        """Per case, one question for each repeat."""
        repeats = range(side.first_repeat, side.first_repeat + self.contest.suite.file.repeats)
        pairs = zip(self.cases, self.requests, strict=True)
        return [[Question(case.id, request, repeat) for repeat in repeats] for case, request in pairs]


def require_anybody(operations: Sequence[OperationBoard]) -> None:
    """Raise `ProviderError` when nobody could be asked: then there is nothing to tell of any operation."""
    reasons = [each.reason for board in operations for each in board.verdicts if each.cause == "unreachable"]
    if reasons and len(reasons) == sum(len(board.verdicts) for board in operations):
        raise ProviderError("\n".join(dict.fromkeys(reasons)))
