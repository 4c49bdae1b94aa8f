"""The main job: load, plan, collect, grade, compare, decide, record. Read this file first.

For each operation, the baseline and every variant answer the suite's cases in one fixed random order, a wave at a time.
After each wave the evidence is looked at, and who is proven green or red is asked no more. Looking costs nothing: the
evidence is a betting process that may be looked at after every case (`evalgate.stats`).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from evalgate.catalog import Catalog, Endpoint
from evalgate.collect import Collector, require_keys
from evalgate.documents import did_you_mean
from evalgate.errors import EvalgateError, InputError
from evalgate.exchange import Answer, Question
from evalgate.gate import Board, Differences, OperationBoard, Ruling, VariantFacts, rule, usage, verdict
from evalgate.graders import Grading, bind
from evalgate.store import Scored, Store, answer_key
from evalgate.suite import Case, Suite

WAVE = 25  # cases between two looks; small enough to waste little, large enough to keep endpoints busy


class Progress(Protocol):
    """Who wants to watch."""

    def answered(self, operation: str, variant: str, *, known: bool) -> None:
        """An answer came in; `known`: it was in the store."""

    def ruled(self, operation: str, rulings: Mapping[str, Ruling], cases: int) -> None:
        """The evidence was looked at after `cases` cases."""


@dataclass(frozen=True)
class Contest:
    """One operation, ready to be run: nothing about it can be wrong any more; `cases` stand in the order asked."""

    suite: Suite
    grading: Grading
    baseline: Endpoint
    variants: Mapping[str, Endpoint]
    cases: Sequence[Case]


async def check(
    contests: Sequence[Contest],
    store: Store,
    environment: Mapping[str, str],
    *,
    progress: Progress,
    now: Callable[[], float] = time.time,
    refresh: bool = False,
) -> Board:
    """Judge every variant on every operation as planned; returns the board, which is also recorded in the store.

    `refresh` buys every answer anew, also those that the store has.

    Raises `InputError` when a key is not set, before anything is asked, and `InfrastructureError` when a provider or the
    store fails; what was answered until then is kept.
    """
    require_keys([endpoint for each in contests for endpoint in (each.baseline, *each.variants.values())], environment)
    async with Collector(store, environment, now=now, refresh=refresh) as collector:
        running = (run_contest(each, collector, store, progress) for each in contests)
        operations = await asyncio.gather(*running, return_exceptions=True)
    for outcome in sorted(operations, key=lambda each: not isinstance(each, EvalgateError)):
        if isinstance(outcome, BaseException):
            raise outcome
    at = now()
    run = time.strftime("%Y%m%d-%H%M%S-", time.gmtime(at)) + secrets.token_hex(2)
    done = tuple(board for board in operations if isinstance(board, OperationBoard))
    board = Board(run, at, collector.requests, done)
    store.record_run(board.run, board.at, board.to_json())
    return board


def plan(
    suites: Sequence[Suite], catalog: Catalog, *, only: Sequence[str] = (), max_cases: int | None = None
) -> list[Contest]:
    """Find out who is asked what; raises `InputError` for all that cannot work.

    `only` restricts the variants (a suite that has none of them is left out), `max_cases` the cases of each suite.
    """
    known = {name for suite in suites for name in catalog.endpoints(suite.file.model)}
    for name in only:
        if name not in known:
            raise InputError(f"{catalog.path}: no variant {name!r}{did_you_mean(name, known)}")
    contests = []
    for suite in suites:
        endpoints = dict(catalog.endpoints(suite.file.model))
        wanted = suite.file.variants if suite.file.variants is not None else list(endpoints)
        for place, name in ("baseline", suite.file.baseline), *(("variants", name) for name in wanted):
            if name not in endpoints:
                message = f"no variant {name!r} of {suite.file.model!r} in {catalog.path}"
                raise suite.error(message + did_you_mean(name, set(endpoints)), place)
        baseline = endpoints[suite.file.baseline]
        others = {name: endpoints[name] for name in wanted if name != baseline.id}
        if not others:
            message = f"nothing to hold against the baseline: {suite.file.model!r} has no other variant"
            raise suite.error(message, "variants")
        variants = {name: endpoint for name, endpoint in others.items() if name in only or not only}
        cases = suite.cases[: min(max_cases or len(suite.cases), suite.gate.max_cases or len(suite.cases))]
        if variants:
            contests.append(Contest(suite, bind(suite), baseline, variants, cases))
    if not contests:
        raise InputError("nothing to check: no suite has any of the variants asked for")
    return contests


async def run_contest(contest: Contest, collector: Collector, store: Store, progress: Progress) -> OperationBoard:
    """Ask, grade, compare and decide, wave by wave, until every variant is ruled on or the cases are used up."""
    operation, cases = contest.suite.operation, contest.cases
    sides = {endpoint.id: _Side(endpoint) for endpoint in (contest.baseline, *contest.variants.values())}
    baseline = sides[contest.baseline.id]
    undecided, rulings, asked = set(contest.variants), dict[str, Ruling](), 0
    while undecided and asked < len(cases):
        wave = cases[asked : asked + WAVE]
        asked += len(wave)
        answering = (
            _answer(sides[name], wave, contest, collector, progress) for name in (baseline.endpoint.id, *undecided)
        )
        await _all(*answering)
        await asyncio.to_thread(
            _remember, [sides[name] for name in (baseline.endpoint.id, *undecided)], len(wave), contest, store
        )
        rulings = rule(
            {name: _differences(sides[name], baseline, contest) for name in contest.variants}, contest.suite.gate
        )
        undecided = {name for name, ruling in rulings.items() if ruling.outcome == "inconclusive"}
        progress.ruled(operation, rulings, asked)
    return _board(contest, sides, rulings)


@dataclass
class _Side:
    """What one endpoint has answered so far: per case its answers (one per repeat) and its mean score per metric."""

    endpoint: Endpoint
    answers: list[list[Answer]] = field(default_factory=list)
    questions: list[list[Question]] = field(default_factory=list)
    grades: list[list[dict[str, float]]] = field(default_factory=list)

    def scores(self, metric: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Mean over the repeats, per case: the case is the unit, never the pooled answers."""
        return np.array([sum(grade[metric] for grade in grades) / len(grades) for grades in self.grades])


async def _answer(
    side: _Side, wave: Sequence[Case], contest: Contest, collector: Collector, progress: Progress
) -> None:
    suite, repeats = contest.suite, range(contest.suite.file.repeats)
    questions = [[Question(case.id, request, k) for k in repeats] for case in wave for request in [suite.request(case)]]

    def on_answer(answer: Answer, known: bool) -> None:
        progress.answered(suite.operation, side.endpoint.id, known=known)

    answers = iter(await collector.ask(side.endpoint, [one for group in questions for one in group], on_answer))
    for case, group in zip(wave, questions, strict=True):
        given = [next(answers) for _ in group]
        side.questions.append(group)
        side.answers.append(given)
        side.grades.append([contest.grading.grade(answer, case) for answer in given])


def _remember(sides: Sequence[_Side], wave: int, contest: Contest, store: Store) -> None:
    store.add_scores(
        Scored(
            answer_key(question.request.hash, side.endpoint.config, question.repeat),
            contest.grading.hash,
            metric,
            score,
        )
        for side in sides
        for questions, answers, grades in zip(
            side.questions[-wave:], side.answers[-wave:], side.grades[-wave:], strict=True
        )
        for question, answer, grade in zip(questions, answers, grades, strict=True)
        if answer.finish_reason != "error"
        for metric, score in grade.items()
    )


def _differences(side: _Side, baseline: _Side, contest: Contest) -> Differences:
    count = len(side.grades)
    metrics = {name: side.scores(name) - baseline.scores(name)[:count] for name in contest.grading.metrics}
    return Differences(metrics, contest.suite.gate)


def _board(contest: Contest, sides: Mapping[str, _Side], rulings: Mapping[str, Ruling]) -> OperationBoard:
    suite, baseline = contest.suite, sides[contest.baseline.id]
    scores = {name: baseline.scores(name) for name in contest.grading.metrics}
    verdicts = []
    for name, endpoint in contest.variants.items():
        ruling = rulings[name]
        verdicts.append(
            verdict(
                endpoint,
                ruling,
                _differences(sides[name], baseline, contest),
                case_ids=[case.id for case in contest.cases],
                baseline_scores=scores,
                usage=usage(endpoint, _flat(sides[name].answers[: ruling.cases])),
                baseline_usage=usage(contest.baseline, _flat(baseline.answers[: ruling.cases])),
            )
        )
    gate = suite.gate
    return OperationBoard(
        operation=suite.operation,
        model=suite.file.model,
        suite=str(suite.path),
        suite_hash=suite.hash,
        grading_hash=contest.grading.hash,
        baseline=VariantFacts.of(contest.baseline),
        available=len(contest.cases),
        repeats=suite.file.repeats,
        seed=gate.seed,
        margin=gate.margin,
        alpha=gate.alpha,
        beta=gate.beta,
        claim=gate.claim,
        control=gate.control,
        valid_seconds=int(gate.valid_for.total_seconds()),
        on_inconclusive=gate.on_inconclusive,
        verdicts=tuple(verdicts),
    )


def _flat(answers: Sequence[Sequence[Answer]]) -> list[Answer]:
    return [answer for group in answers for answer in group]


async def _all(*running: object) -> None:
    """Wait for all, then raise the first failure: whoever is still being answered is not cut off."""
    for outcome in await asyncio.gather(*running, return_exceptions=True):  # type: ignore[call-overload]
        if isinstance(outcome, BaseException):
            raise outcome
