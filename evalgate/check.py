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
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from evalgate.collect import Batching, Budget, BudgetSpentError, Collector, Stop, Trouble, all_of, require_ready
from evalgate.exchange import Answer, Question
from evalgate.gate import Board, OperationBoard, Record, Ruling, Transcript
from evalgate.plan import Contest
from evalgate.store import Scored, Store, answer_key
from evalgate.suite import Case

LOOK = 10  # units between two looks, at least; more where no verdict is possible before
BATCH_ROUNDS = 4  # a batch may take a day


class Progress(Protocol):
    """Who wants to watch."""

    def answered(self, operation: str, variant: str, *, known: bool) -> None:
        """An answer came in; `known`: it was in the store."""

    def troubled(self, trouble: Trouble) -> None:
        """An attempt failed; another may follow."""

    def ruled(self, operation: str, rulings: Mapping[str, Ruling], cases: int) -> None:
        """The evidence was looked at after `cases` cases."""


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
) -> Board:
    """Judge every variant on every operation as planned; returns the board, which is also recorded in the store.

    Answers that were given before `since` (seconds since the epoch) are bought anew; `stop` lets it end early; with
    `batching`, endpoints that have a batch API are asked through it.

    Raises `InputError` when a key is not set, before anything is asked, `InfrastructureError` when a provider or the
    store fails, and `Interrupted` when it was stopped; what was answered until then is kept.
    """
    for contest in contests:
        require_ready(contest.endpoints, contest.suite.request(contest.cases[0]), environment)
    async with Collector(
        store, environment, now=now, since=since, stop=stop, batching=batching, on_trouble=progress.troubled
    ) as collector:
        rounds = BATCH_ROUNDS if batching is not None else None
        operations = await all_of(run_contest(contest, collector, store, progress, rounds) for contest in contests)
    at = now()
    run = time.strftime("%Y%m%d-%H%M%S-", time.gmtime(at)) + secrets.token_hex(2)
    board = Board(run, at, collector.requests, tuple(operations))
    store.record_run(board.run, board.at, board.to_json())
    return board


async def run_contest(
    contest: Contest, collector: Collector, store: Store, progress: Progress, rounds: int | None = None
) -> OperationBoard:
    """Ask, grade, compare and decide, wave by wave, until all is ruled on, or cases or budget are used up.

    `rounds` are the most waves there may be, where each takes long.
    """
    suite, record = contest.suite, Record(contest.suite, contest.sides, contest.grading.metrics, contest.units)
    budget = Budget.of(suite)
    asked, note = 0, ""
    look = LOOK if rounds is None else math.ceil(len(contest.units) / rounds)
    while (open_sides := record.open_sides()) and asked < len(contest.units):
        first = sum(contest.units[:asked])
        asked = min(asked + max(look, record.least_further_units()), len(contest.units))
        wave = range(first, sum(contest.units[:asked]))
        try:
            asking = Wave(contest, contest.cases[wave.start : wave.stop], budget)
            await all_of(_answer(asking, side, collector, store, progress) for side in open_sides)
        except BudgetSpentError:
            note = f"the budget of {budget} is spent"
            break
        progress.ruled(suite.operation, record.rule(), wave.stop)
    return record.board(contest.grading.hash, note=note)


class Wave:
    """The next cases of a contest, and what is asked for them: rendered once, for all sides."""

    def __init__(self, contest: Contest, cases: Sequence[Case], budget: Budget) -> None:
        self.contest, self.cases, self.budget = contest, cases, budget
        self.requests = [contest.suite.request(case) for case in cases]

    def questions(self, side: Transcript) -> list[list[Question]]:
        """Per case, one question for each repeat."""
        repeats = range(side.first_repeat, side.first_repeat + self.contest.suite.file.repeats)
        pairs = zip(self.cases, self.requests, strict=True)
        return [[Question(case.id, request, repeat) for repeat in repeats] for case, request in pairs]


async def _answer(wave: Wave, side: Transcript, collector: Collector, store: Store, progress: Progress) -> None:
    """Let one side answer the cases of a wave, grade what it says, and remember the scores."""
    operation, grading = wave.contest.suite.operation, wave.contest.grading

    def on_answer(answer: Answer, known: bool) -> None:
        del answer
        progress.answered(operation, side.endpoint.id, known=known)

    questions = wave.questions(side)
    flat = [question for group in questions for question in group]
    max_age = wave.contest.suite.file.max_age(side.endpoint.id)
    answers = iter(await collector.ask(side.endpoint, flat, on_answer, wave.budget, max_age=max_age))
    scored: list[Scored] = []
    for case, group in zip(wave.cases, questions, strict=True):
        given = [next(answers) for _ in group]
        grades = [grading.grade(answer, case) for answer in given]
        side.add(given, grades)
        for question, answer, grade in zip(group, given, grades, strict=True):
            key = answer_key(question.request.hash, side.endpoint.config, question.repeat)
            if answer.finish_reason != "error":  # was never bought, so there is nothing to remember it by
                scored += [Scored(key, grading.hash, metric, score) for metric, score in grade.items()]
    await asyncio.to_thread(store.add_scores, scored)
