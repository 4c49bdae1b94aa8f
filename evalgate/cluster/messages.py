"""What passes between the processes of a job. Plain data; no key, and no password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from evalgate.catalog import Endpoint
from evalgate.check import Heard
from evalgate.exchange import Answer, Question, Request
from evalgate.plan import Contest

Needs = Sequence[tuple[Sequence[Endpoint], Request]]


@dataclass(frozen=True, slots=True)
class Terms:
    """Which known answers count, for all processes of a job: see `Collector`. Seconds since the epoch."""

    since: float
    started: float
    retry_failed: bool


@dataclass(frozen=True, slots=True)
class Order:
    """Questions for one endpoint, and the budget that they are paid from."""

    terms: Terms
    endpoint: Endpoint
    questions: Sequence[Question]
    max_age: float | None
    dollars: Decimal | None
    calls: int | None
    purse: str


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an order: all answers, or the `failure`; `told` are those that arrived, and if each was known."""

    answers: Sequence[Answer]
    told: Sequence[tuple[Answer, bool]]
    calls: int
    spent: Decimal
    failure: Exception | None


@dataclass(frozen=True, slots=True)
class Source:
    """Files that are the same wherever this job has processes."""

    suite: Path
    catalog: Path


@dataclass(frozen=True, slots=True)
class Charge:
    """A contest to be heard, as a decider finds it in its files, and what it must find there."""

    source: Source
    variants: tuple[str, ...]
    max_cases: int | None
    suite_hash: str
    configs: tuple[str, ...]
    run: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class News:
    """What a decider has to tell since it was asked last: calls of `Progress` by name, and how it ended, if it did."""

    told: Sequence[tuple[str, tuple[Any, ...]]]
    heard: Heard | None
    failure: Exception | None


def needs_of(contests: Sequence[Contest]) -> Needs:
    """Who is asked what in these contests, judges included: for the processes of a cluster to see that they can."""
    asked: list[tuple[Sequence[Endpoint], Request]] = []
    for contest in contests:
        asked += [(contest.endpoints, request) for request in contest.suite.kinds_of_requests()]
        asked += [([judge], request) for judge, request in contest.grading.example_requests(contest.cases[0])]
    return asked
