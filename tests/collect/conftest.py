"""A store, and a way to ask a real server through a Collector."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evalgate.catalog import Endpoint
from evalgate.collect import Budget, Collector
from evalgate.exchange import Answer, Question
from evalgate.store import Store, answer_key, open_store
from tests.store.conftest import database, postgresql

__all__ = ["database", "postgresql"]  # fixtures: either database, a real server for the second

KEY = "sk-0123456789abcdefghij"


@dataclass
class Collected:
    """What one collection brought: the answers, the calls made, and who was known already."""

    answers: list[Answer] = field(default_factory=list)
    requests: int = 0
    known: list[bool] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [answer.text for answer in self.answers]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "evalgate.db")) as opened:
        yield opened


def collect(
    store: Store,
    endpoint: Endpoint,
    questions: Sequence[Question],
    *,
    now: float = 1234.5,
    since: float = 0.0,
    max_age: float | None = None,
    budget: Budget | None = None,
) -> Collected:
    """Ask `questions` in a collection of their own, at the time `now`."""
    collected = Collected()

    async def ask() -> None:
        async with Collector(store, {"KEY": KEY}, now=lambda: now, since=since) as collector:
            try:
                told = collected.known
                collected.answers = await collector.ask(
                    endpoint, questions, lambda answer, known: told.append(known), budget, max_age=max_age
                )
            finally:
                collected.requests = collector.requests

    asyncio.run(ask())
    return collected


def kept(store: Store, endpoint: Endpoint, questions: Sequence[Question]) -> list[str]:
    """Cases of `questions` whose answer is in the store."""
    keys = [answer_key(one.request.hash, endpoint.config, one.repeat) for one in questions]
    found = store.find(keys)
    return [question.case_id for question, key in zip(questions, keys, strict=True) if key in found]
