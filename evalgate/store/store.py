"""Remembers every paid answer, every score and every board of verdicts.

SQLAlchemy Core, the same statements on SQLite and PostgreSQL. Writes are few and large (the collector commits in
groups), so everything here is synchronous; the collector calls it from a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import TypeVar

import orjson
import sqlalchemy as sa

from evalgate.errors import StoreError
from evalgate.exchange import Answer, FinishReason, JsonValue
from evalgate.store import dialect, schema
from evalgate.store.pages import forget
from evalgate.store.url import reason

PICO = Decimal(10) ** 12
LOOKUP = 500  # keys in one SELECT; SQLite binds 999 variables at the least
_PAUSE_SECONDS = 0.2  # between two attempts while the server restarts
_END_CLAIM = schema.claims.delete().where(schema.claims.c.key == sa.bindparam("key"))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bought:
    """An answer with what identifies it: who was asked (`config`), what (`request`), and which time (`repeat`).

    What was answered before `since` (seconds since the epoch) makes way for it, together with its scores.
    """

    request: str
    config: str
    repeat: int
    variant: str
    cost: Decimal
    answer: Answer
    since: float = 0.0

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

    def find(self, keys: Sequence[str], *, since: float = 0.0) -> dict[str, Answer]:
        """The answers that are there and were given at `since` (seconds since the epoch) or later, by key."""
        a, b = schema.answers.c, schema.bodies.c
        columns = (a.key, a.finish_reason, a.input_tokens, a.output_tokens, a.latency_ms, a.answered_at, b.body)
        query = sa.select(*columns).join(schema.bodies, a.key == b.key)
        query = query.where(a.answered_at >= since)

        def work(connection: sa.Connection) -> dict[str, Answer]:
            wanted = query.where(dialect.among(connection, a.key))
            # all rows at once: SQLAlchemy does less for each of them
            found = (connection.execute(wanted, {"keys": some}).all() for some in batches(keys, LOOKUP))
            return {key: _answer(*values) for rows in found for key, *values in rows}

        return self.read(work)

    def add(self, bought: Sequence[Bought]) -> None:
        """Make answers durable: when this returns, they survive a crash of the machine.

        Known ones are left alone, but for those that are older than `Bought.since`. Claims on them end.
        """
        keyed = [(one.key, one) for one in bought]
        rows = [
            {
                "key": key,
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
            for key, one in keyed
        ]
        bodies = [{"key": key, "body": _body(one.answer)} for key, one in keyed]

        def work(connection: sa.Connection) -> None:
            _make_way(connection, bought)
            dialect.insert_unknown(connection, schema.answers, rows)
            dialect.insert_unknown(connection, schema.bodies, bodies)
            dialect.execute_many(connection, _END_CLAIM, bodies)

        if bought:
            self.write(work)

    def add_scores(self, scored: Iterable[Scored]) -> None:
        """Remember scores; known ones are left alone."""
        names = ("key", "grading", "metric", "score")
        rows = [{name: getattr(one, name) for name in names} for one in scored]
        if rows:
            self.write(lambda connection: dialect.insert_unknown(connection, schema.scores, rows))

    def scores(self, keys: Sequence[str], grading: str) -> dict[str, dict[str, float]]:
        """Score per metric, by answer key."""
        s = schema.scores.c
        query = sa.select(s.key, s.metric, s.score).where(s.grading == grading)

        def work(connection: sa.Connection) -> dict[str, dict[str, float]]:
            found: dict[str, dict[str, float]] = {}
            wanted = query.where(dialect.among(connection, s.key))
            for some in batches(keys, LOOKUP):
                for key, metric, score in connection.execute(wanted, {"keys": some}):
                    found.setdefault(key, {})[metric] = score
            return found

        return self.read(work)

    def record_run(self, run: str, at: float, board: Mapping[str, JsonValue]) -> None:
        """Remember the verdicts of a run."""
        row = {"run": run, "at": at, "board": orjson.dumps(board)}
        self.write(lambda connection: dialect.insert_unknown(connection, schema.runs, [row]))

    def boards(self) -> Generator[dict[str, JsonValue], None, None]:
        """Boards of earlier runs, newest first; whoever stops early closes it, or the database stays open."""
        query = sa.select(schema.runs.c.board).order_by(schema.runs.c.at.desc(), schema.runs.c.run.desc())
        with self._telling("read"), self._engine.connect() as connection:
            for (board,) in connection.execute(query):
                yield orjson.loads(board)

    @contextlib.contextmanager
    def _telling(self, done: str) -> Iterator[None]:
        """Tell failures of the database as ours: it could not be read, or written."""
        try:
            yield
        except sa.exc.DBAPIError as failure:
            kind = _Passing if dialect.may_pass(failure) else StoreError
            raise kind(f"store {self.name}: cannot be {done}: {reason(failure, self._engine.url)}") from None
        except (orjson.JSONDecodeError, KeyError):
            raise StoreError(f"store {self.name}: damaged; name another store with --store to start anew") from None

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """A connection to look at the store as it is now, however long that takes and whoever writes meanwhile."""
        with self._telling("read"), self._engine.connect() as connection:
            dialect.stand_still(connection)
            yield connection

    def give_back(self) -> str:
        """Give the room of deleted rows back to the disk; returns why not, if not."""
        try:
            return dialect.give_back(self._engine)
        except sa.exc.DBAPIError as failure:
            return f"the file cannot be made smaller now: {reason(failure, self._engine.url)}"

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` returns, after all that it wrote is durable; it is the only writer while it runs.

        While the server restarts, it is tried again: known rows are left alone, so that twice is as good as once.
        """

        def alone(connection: sa.Connection) -> T:
            dialect.be_the_only_writer(connection)
            return work(connection)

        return self._patiently(self._engine.begin, alone, "written")

    def write_beside(self, work: Callable[[sa.Connection], T]) -> T:
        """As `write`, but where the database can, beside other writers: `work` locks the rows that it changes, and
        skips those that others have locked.
        """

        def beside(connection: sa.Connection) -> T:
            dialect.be_a_writer(connection)
            return work(connection)

        return self._patiently(self._engine.begin, beside, "written")

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` returns, which only looks; while the server restarts, it is tried again."""
        return self._patiently(self._engine.connect, work, "read")

    def _patiently(
        self,
        begin: Callable[[], AbstractContextManager[sa.Connection]],
        work: Callable[[sa.Connection], T],
        done: str,
    ) -> T:
        last = time.monotonic() + dialect.PATIENCE_SECONDS
        while True:
            try:
                with self._telling(done), begin() as connection:
                    return work(connection)
            except _Passing:
                if time.monotonic() > last:
                    raise
                time.sleep(_PAUSE_SECONDS)


def _make_way(connection: sa.Connection, bought: Sequence[Bought]) -> None:
    """Delete known answers that are too old to be the answer to what was bought now."""
    known = schema.answers.c
    for since in {one.since for one in bought if one.since > 0}:
        for some in batches((one.key for one in bought if one.since == since), LOOKUP):
            query = sa.select(known.key).where(dialect.among(connection, known.key, some), known.answered_at < since)
            if old := list(connection.scalars(query)):
                forget(connection, old)


class _Passing(StoreError):
    """The same may succeed in a moment."""


def _answer(
    finish_reason: FinishReason,
    input_tokens: int | None,
    output_tokens: int | None,
    latency_ms: float,
    answered_at: float,
    body: bytes,
) -> Answer:
    content = orjson.loads(body)
    return Answer(
        text=content["text"],
        finish_reason=finish_reason,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        latency_ms=latency_ms,
        error=content.get("error"),
        details=content.get("details", {}),
        answered_at=answered_at,
    )


def _body(answer: Answer) -> bytes:
    content: dict[str, object] = {"text": answer.text}
    if answer.error is not None:
        content["error"] = answer.error
    if answer.details:
        content["details"] = dict(answer.details)
    return orjson.dumps(content)


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of at most `size`."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
