"""Tidies a store up. Answers were paid for, so none goes unless it was asked for by age or by configuration.

What belongs to no answer goes always; there should be none. Everything is deleted in small transactions, each of which
takes whole answers with all that belongs to them: whoever stops in the middle has a store that is merely less tidy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import sqlalchemy as sa

from evalgate.store import dialect, schema
from evalgate.store.claims import Claims
from evalgate.store.files import delete_expired, expired
from evalgate.store.pages import PAGE, dollars, forget
from evalgate.store.store import Store, batches


@dataclass(frozen=True, slots=True)
class Selection:
    """What may go; answers go when they meet every condition that is given, and none go without a condition.

    `before`: answers given earlier (seconds since the epoch). `unless_of`: answers of other configurations than these.
    `keep_runs`: the boards of all but the newest so many runs. `at`: clients' files and batches that are kept until an
    earlier time (seconds since the epoch).
    """

    before: float | None = None
    unless_of: frozenset[str] | None = None
    keep_runs: int | None = None
    at: float = 0.0

    @property
    def has_answers(self) -> bool:
        """Whether answers may go at all."""
        return self.before is not None or self.unless_of is not None


@dataclass(frozen=True, slots=True)
class Waste:
    """What goes, or went; `usd` was paid for the answers, `scores` are theirs, the workers died asking, and
    the files are clients', with their batches, whose time is over.
    """

    answers: int
    usd: Decimal
    scores: int
    lost_scores: int
    lost_bodies: int
    runs: int
    workers: int
    files: int = 0

    @property
    def nothing(self) -> bool:
        """True when there is nothing to tidy up."""
        return not any((self.answers, self.lost_scores, self.lost_bodies, self.runs, self.workers, self.files))


@dataclass(frozen=True, slots=True)
class Tidied:
    """What went, and by how many bytes the store's files shrank; `note` says why they did not."""

    waste: Waste
    freed: int = 0
    note: str = ""


def find_waste(store: Store, selection: Selection) -> Waste:
    """What `tidy_up` would delete; changes nothing."""
    a, s = schema.answers.c, schema.scores.c
    answers = scores = picodollars = 0
    with store.snapshot() as connection:
        for condition in _conditions(connection, selection):
            counted = sa.select(sa.func.count(), sa.func.sum(a.picodollars)).where(condition)
            number, paid = connection.execute(counted).one()
            answers, picodollars = answers + number, picodollars + int(paid or 0)
            scores += _count(connection, schema.scores.join(schema.answers, s.key == a.key), condition)
        lost_scores, lost_bodies = (_count(connection, table, _is_lost(table)) for table in _OWNED)
        runs = 0
        if selection.keep_runs is not None:
            runs = max(0, _count(connection, schema.runs) - selection.keep_runs)
        workers = len(Claims(store).dead(connection))
        files = sum(_count(connection, query.subquery()) for query in expired(selection.at))
    return Waste(answers, dollars(picodollars), scores, lost_scores, lost_bodies, runs, workers, files)


def tidy_up(store: Store, selection: Selection) -> Tidied:
    """Delete what is selected and what belongs to nothing, and give its room back to the disk."""
    before = _size(store)
    waste = _delete_waste(store, selection)
    note = "" if waste.nothing else store.give_back()
    return Tidied(waste, max(0, before - _size(store)), note)


def _size(store: Store) -> int:
    with store.snapshot() as connection:
        return dialect.size(connection, schema.metadata.tables)


def _delete_waste(store: Store, selection: Selection) -> Waste:
    answers = scores = picodollars = 0
    with store.snapshot() as connection:
        conditions = _conditions(connection, selection)
    for condition in conditions:
        for number, theirs, paid in _delete_answers(store, condition):
            answers, scores, picodollars = answers + number, scores + theirs, picodollars + paid
    lost_scores, lost_bodies = (_delete_lost(store, table) for table in _OWNED)
    runs = 0 if selection.keep_runs is None else _delete_runs(store, selection.keep_runs)
    workers = Claims(store).bury_the_dead()
    files = delete_expired(store, selection.at)
    return Waste(answers, dollars(picodollars), scores, lost_scores, lost_bodies, runs, workers, files)


_KEYS = 50_000  # looked for at once: some MiB
_OWNED = (schema.scores, schema.bodies)  # what belongs to an answer


def _conditions(connection: sa.Connection, selection: Selection) -> list[sa.ColumnElement[bool]]:
    """One for each configuration that is out of use: few of them match an index, and a catalogue may be long."""
    a = schema.answers.c
    if not selection.has_answers:
        return []
    age = sa.true() if selection.before is None else a.answered_at < selection.before
    if selection.unless_of is None:
        return [age]
    configs = connection.scalars(sa.select(a.config).distinct().order_by(a.config))
    return [sa.and_(a.config == config, age) for config in configs if config not in selection.unless_of]


def _count(connection: sa.Connection, table: sa.FromClause, *conditions: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(*conditions)
    return int(connection.execute(query).scalar_one())


def _is_lost(table: sa.Table) -> sa.ColumnElement[bool]:
    return ~sa.exists().where(schema.answers.c.key == table.c.key)


def _delete_answers(store: Store, condition: sa.ColumnElement[bool]) -> Iterator[tuple[int, int, int]]:
    """Answers, scores and picodollars of one page after the other."""
    a, s = schema.answers.c, schema.scores.c

    def work(connection: sa.Connection, keys: Sequence[str]) -> tuple[int, int, int]:
        query = sa.select(a.key, a.picodollars).where(dialect.among(connection, a.key, keys), condition)
        rows = connection.execute(query).all()
        still = [row.key for row in rows]
        scores = _count(connection, schema.scores, dialect.among(connection, s.key, still))
        forget(connection, still)
        return len(still), scores, sum(row.picodollars for row in rows)

    for keys in _found(store, sa.select(a.key).where(condition)):
        yield store.write(partial(work, keys=keys))


def _delete_lost(store: Store, table: sa.Table) -> int:
    def work(connection: sa.Connection, keys: Sequence[str]) -> int:
        lost = table.delete().where(dialect.among(connection, table.c.key, keys), _is_lost(table))
        return connection.execute(lost).rowcount

    found = _found(store, sa.select(table.c.key).distinct().where(_is_lost(table)))
    return sum(store.write(partial(work, keys=keys)) for keys in found)


def _found(store: Store, query: sa.Select[tuple[str]]) -> Iterator[list[str]]:
    """What a query finds, a page of keys at a time, until it finds nothing more.

    To look may take long, and nobody waits for it: what is found is looked at again in the transaction that deletes it.
    """

    def look(connection: sa.Connection) -> list[str]:
        return list(connection.scalars(query.limit(_KEYS)))

    while keys := store.read(look):
        yield from batches(keys, PAGE)


def _delete_runs(store: Store, keep: int) -> int:
    r = schema.runs.c

    def work(connection: sa.Connection) -> int:
        newest_first = sa.select(r.run).order_by(r.at.desc(), r.run.desc()).offset(keep).limit(PAGE)
        runs = list(connection.scalars(newest_first))
        return connection.execute(schema.runs.delete().where(r.run.in_(runs))).rowcount

    deleted = 0
    while some := store.write(work):
        deleted += some
    return deleted
