"""A store, and a way to ask a real server through a Collector."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evalgate.catalog import Endpoint
from evalgate.collect import Collector
from evalgate.exchange import Answer, Question
from evalgate.store import Store, answer_key, open_store

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


def collect(store: Store, endpoint: Endpoint, questions: Sequence[Question], *, refresh: bool = False) -> Collected:
    """Ask `questions` in a collection of their own."""
    collected = Collected()

    async def ask() -> None:
        async with Collector(store, {"KEY": KEY}, now=lambda: 1234.5, refresh=refresh) as collector:
            try:
                collected.answers = await collector.ask(
                    endpoint, questions, lambda answer, known: collected.known.append(known)
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
