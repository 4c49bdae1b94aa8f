"""Brings the stores of several shards together, so that a later check of the whole asks nothing again.

Where two stores have an answer to the same question, the newer one stands, with its own scores only: a score belongs to
one answer. What is the same age is told apart by its content, and of two scores that one grading gave to one answer the
lower stands. So every store takes the greater of what it has and what it is given, and it makes no difference in which
order, how often, or after how many interruptions stores are merged. The source is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from evalgate.errors import InputError
from evalgate.store import dialect, schema
from evalgate.store.carry import bring_books, bring_watching
from evalgate.store.pages import Scores, forget, pages, scores_of
from evalgate.store.store import Store

_RUNS = 20  # boards in one transaction; a large one has megabytes
_QUERY = sa.select(schema.answers, schema.bodies.c.body).join(
    schema.bodies, schema.answers.c.key == schema.bodies.c.key
)


@dataclass(frozen=True, slots=True)
class Merged:
    """What a source brought: answers that the target did not have, newer ones than it had, those it knew, and runs.

    `batches` are under way in the source, and stay there: only who handed them in can fetch them. Virtual keys that are
    new (`keys`), and names that are another key's in the target (`foreign`); operations whose watching is new there or
    goes on (`watched`), and those that both watched on their own (`apart`).
    """

    new: int = 0
    newer: int = 0
    known: int = 0
    runs: int = 0
    batches: int = 0
    keys: int = 0
    foreign: Sequence[str] = ()
    watched: int = 0
    apart: Sequence[str] = ()


def require_another(source: Store, target: Store) -> None:
    """Raise `InputError` when both are the same store."""
    with source.snapshot() as one, target.snapshot() as other:
        same = dialect.identity(one) == dialect.identity(other)
    if same:
        raise InputError(f"store {source.name}: cannot be merged into itself ({target.name})")


def merge(source: Store, target: Store) -> Merged:
    """Copy all answers with their scores, all runs, the memory of attempts, keys, what they spent, and what watching
    remembers, in small transactions; returns what was new.
    """
    new = newer = known = runs = batches = keys = watched = 0
    foreign: Sequence[str] = ()
    apart: Sequence[str] = ()
    with source.snapshot() as connection:
        for page, scores in pages(connection, _QUERY):
            added, replaced = _take(target, page, scores)
            new, newer, known = new + added, newer + replaced, known + len(page) - added - replaced
        last, r = "", schema.runs.c
        while some := connection.execute(sa.select(schema.runs).where(r.run > last).order_by(r.run).limit(_RUNS)).all():
            runs, last = runs + _take_runs(target, some), some[-1].run
        tables = sa.inspect(connection).get_table_names()  # an older store has fewer
        if schema.attempts.name in tables:
            _take_attempts(target, connection.execute(sa.select(schema.attempts)).all())
        if schema.orders.name in tables:
            _take_orders(target, connection.execute(sa.select(schema.orders)).all())
        if schema.batches.name in tables:
            batches = connection.execute(sa.select(sa.func.count()).select_from(schema.batches)).scalar_one()
        if schema.virtual_keys.name in tables:
            keys, foreign = bring_books(connection, target)
        if schema.watched.name in tables:
            watched, apart = bring_watching(connection, target)
    return Merged(new, newer, known, runs, batches, keys, foreign, watched, apart)


def _take(target: Store, page: Sequence[sa.Row[Any]], scores: dict[str, Scores]) -> tuple[int, int]:
    """Let the target have what is better than its own; returns how many answers are new and how many newer."""
    keys = [row.key for row in page]

    def work(connection: sa.Connection) -> tuple[int, int]:
        known = dialect.among(connection, schema.answers.c.key, keys)
        there = {row.key: row for row in connection.execute(_QUERY.where(known))}
        better = [row for row in page if row.key not in there or _rank(row) > _rank(there[row.key])]
        same = [row.key for row in page if row.key in there and _rank(row) == _rank(there[row.key])]
        forget(connection, [row.key for row in better])
        dialect.insert_unknown(connection, schema.answers, [row._asdict() for row in better])
        dialect.insert_unknown(connection, schema.bodies, [{"key": row.key, "body": row.body} for row in better])
        told = {row.key: scores.get(row.key, {}) for row in better} | _combined(connection, same, scores)
        connection.execute(schema.scores.delete().where(dialect.among(connection, schema.scores.c.key, list(told))))
        given = [
            {"key": key, "grading": grading, "metric": metric, "score": score}
            for key, each in told.items()
            for (grading, metric), score in each.items()
        ]
        dialect.insert_unknown(connection, schema.scores, given)
        replaced = sum(row.key in there for row in better)
        return len(better) - replaced, replaced

    return target.write(work)


def _rank(row: sa.Row[Any]) -> tuple[object, ...]:
    """The age, and then all that two answers to one question can differ in."""
    asked, said = (-1 if count is None else count for count in (row.input_tokens, row.output_tokens))
    usage = row.finish_reason, asked, said, row.latency_ms, row.picodollars
    return row.answered_at, bytes(row.body), row.variant, *usage


def _combined(connection: sa.Connection, keys: Sequence[str], scores: dict[str, Scores]) -> dict[str, Scores]:
    """All scores of answers that both stores have, where that is more than the target has."""
    there = scores_of(connection, keys)
    found = {}
    for key in keys:
        ours, theirs = there.get(key, {}), scores.get(key, {})
        both = ours | {name: min(score, ours.get(name, score)) for name, score in theirs.items()}
        if both != ours:
            found[key] = both
    return found


def _take_runs(target: Store, some: Sequence[sa.Row[Any]]) -> int:
    r = schema.runs.c

    def work(connection: sa.Connection) -> int:
        known = sa.select(schema.runs).where(r.run.in_([row.run for row in some]))
        there = {row.run: row for row in connection.execute(known)}
        better = [
            row
            for row in some
            if row.run not in there or (row.at, row.board) > (there[row.run].at, there[row.run].board)
        ]
        connection.execute(schema.runs.delete().where(r.run.in_([row.run for row in better])))
        dialect.insert_unknown(connection, schema.runs, [row._asdict() for row in better])
        return len(better)

    return target.write(work)


def _take_attempts(target: Store, some: Sequence[sa.Row[Any]]) -> None:
    """Whoever forgets an attempt gives the next one a fresh alpha."""
    table = schema.attempts

    def work(connection: sa.Connection) -> None:
        there = {(row.operation, row.baseline, row.key): row for row in connection.execute(sa.select(table))}
        for row in some:
            known = there.get((row.operation, row.baseline, row.key))
            if known is None or (row.at, row.attempt) > (known.at, known.attempt):
                same = [table.c[name] == getattr(row, name) for name in ("operation", "baseline", "key")]
                connection.execute(table.delete().where(*same))
                dialect.insert_unknown(connection, table, [row._asdict()])

    if some:
        target.write(work)


def _take_orders(target: Store, some: Sequence[sa.Row[Any]]) -> None:
    """The longer order stands, which has seen more cases; of two of one length, the greater."""
    table = schema.orders

    def work(connection: sa.Connection) -> None:
        there = {(row.operation, row.seed): row.cases for row in connection.execute(sa.select(table))}
        for row in some:
            known = there.get((row.operation, row.seed))
            if known is None or (len(row.cases), row.cases) > (len(known), known):
                connection.execute(table.delete().where(table.c.operation == row.operation, table.c.seed == row.seed))
                dialect.insert_unknown(connection, table, [row._asdict()])

    if some:
        target.write(work)
