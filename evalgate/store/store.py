"""Remembers every paid answer, every score and every board of verdicts.

SQLAlchemy Core, the same statements on SQLite and PostgreSQL. Writes are few and large (the collector commits in
groups), so everything here is synchronous; the collector calls it from a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import TypeVar

import orjson
import sqlalchemy as sa

from evalgate.errors import StoreError
from evalgate.exchange import Answer, JsonValue
from evalgate.store import dialect, schema
from evalgate.store.url import reason

PICO = Decimal(10) ** 12
_LOOKUP = 500  # keys in one SELECT; SQLite binds 999 variables at the least
_PAUSE_SECONDS = 0.2  # between two attempts while the server restarts
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bought:
    """An answer with what identifies it: who was asked (`config`), what (`request`), and which time (`repeat`)."""

    request: str
    config: str
    repeat: int
    variant: str
    cost: Decimal
    answer: Answer

    @property
    def key(self) -> str:
        """Where the answer is kept."""
        return answer_key(self.request, self.config, self.repeat)


@dataclass(frozen=True, slots=True)
class Scored:
    """A score in [0, 1] that a grading gave to an answer, for one metric."""

    key: str
    grading: str
    metric: str
    score: float


def answer_key(request: str, config: str, repeat: int) -> str:
    """128 bits over what identifies an answer, as 32 hex digits."""
    return hashlib.sha256(f"{request}\n{config}\n{repeat}".encode()).hexdigest()[:32]


class Store:
    """One open store; use as a context manager."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine, self.name = engine, name

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self._engine.dispose()

    def find(self, keys: Sequence[str]) -> dict[str, Answer]:
        """The answers that are there, by key."""
        a, b = schema.answers.c, schema.bodies.c
        columns = (a.key, a.finish_reason, a.input_tokens, a.output_tokens, a.latency_ms, a.answered_at, b.body)
        query = sa.select(*columns).join(schema.bodies, a.key == b.key)
        found: dict[str, Answer] = {}
        with self._reading() as connection:
            for some in _batches(keys, _LOOKUP):
                for row in connection.execute(query.where(a.key.in_(some))):
                    content = orjson.loads(row.body)
                    found[row.key] = Answer(
                        text=content["text"],
                        finish_reason=row.finish_reason,
                        input_tokens=row.input_tokens,
                        output_tokens=row.output_tokens,
                        latency_ms=row.latency_ms,
                        error=content.get("error"),
                        details=content.get("details", {}),
                        answered_at=row.answered_at,
                    )
        return found

    def add(self, bought: Sequence[Bought], *, replace: bool = False) -> None:
        """Make answers durable: when this returns, they survive a crash of the machine.

        Known ones are left alone, or with `replace` make way together with their scores.
        """
        rows = [
            {
                "key": one.key,
                "request": one.request,
                "config": one.config,
                "repeat": one.repeat,
                "variant": one.variant,
                "answered_at": one.answer.answered_at,
                "finish_reason": one.answer.finish_reason,
                "input_tokens": one.answer.input_tokens,
                "output_tokens": one.answer.output_tokens,
                "latency_ms": one.answer.latency_ms,
                "picodollars": int(one.cost * PICO),
            }
            for one in bought
        ]
        bodies = [{"key": one.key, "body": _body(one.answer)} for one in bought]
        old = [body["key"] for body in bodies] if replace else []
        self._insert((schema.answers, rows), (schema.bodies, bodies), instead_of=old)

    def add_scores(self, scored: Iterable[Scored]) -> None:
        """Remember scores; known ones are left alone."""
        names = ("key", "grading", "metric", "score")
        self._insert((schema.scores, [{name: getattr(one, name) for name in names} for one in scored]))

    def scores(self, keys: Sequence[str], grading: str) -> dict[str, dict[str, float]]:
        """Score per metric, by answer key."""
        s = schema.scores.c
        query = sa.select(s.key, s.metric, s.score).where(s.grading == grading)
        found: dict[str, dict[str, float]] = {}
        with self._reading() as connection:
            for some in _batches(keys, _LOOKUP):
                for key, metric, score in connection.execute(query.where(s.key.in_(some))):
                    found.setdefault(key, {})[metric] = score
        return found

    def record_run(self, run: str, at: float, board: Mapping[str, JsonValue]) -> None:
        """Remember the verdicts of a run."""
        self._insert((schema.runs, [{"run": run, "at": at, "board": orjson.dumps(board)}]))

    def boards(self) -> Iterator[dict[str, JsonValue]]:
        """Boards of earlier runs, newest first."""
        query = sa.select(schema.runs.c.board).order_by(schema.runs.c.at.desc(), schema.runs.c.run.desc())
        with self._reading() as connection:
            for (board,) in connection.execute(query):
                yield orjson.loads(board)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.DBAPIError as failure:
            raise StoreError(f"store {self.name}: cannot be read: {reason(failure, self._engine.url)}") from None
        except (orjson.JSONDecodeError, KeyError):
            raise StoreError(f"store {self.name}: damaged; name another store with --store to start anew") from None

    def _insert(
        self, *tables: tuple[sa.Table, Sequence[Mapping[str, object]]], instead_of: Sequence[object] = ()
    ) -> None:
        """Insert in one transaction; rows of the keys `instead_of` are deleted first.

        While the server restarts, it is tried again: known rows are left alone, so that twice is as good as once.
        """
        last = time.monotonic() + dialect.PATIENCE_SECONDS
        while True:
            try:
                with self._engine.begin() as connection:
                    dialect.be_the_only_writer(connection)
                    for some in _batches(instead_of, _LOOKUP):
                        for table in (schema.answers, schema.bodies, schema.scores):
                            connection.execute(table.delete().where(table.c.key.in_(some)))
                    for table, rows in tables:
                        if rows:
                            connection.execute(dialect.insert_unknown(connection, table), rows)
            except sa.exc.DBAPIError as failure:
                if dialect.may_pass(failure) and time.monotonic() < last:
                    time.sleep(_PAUSE_SECONDS)
                    continue
                raise StoreError(f"store {self.name}: cannot be written: {reason(failure, self._engine.url)}") from None
            return


def _body(answer: Answer) -> bytes:
    content: dict[str, object] = {"text": answer.text}
    if answer.error is not None:
        content["error"] = answer.error
    if answer.details:
        content["details"] = dict(answer.details)
    return orjson.dumps(content)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
