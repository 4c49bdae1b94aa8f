"""The lines of jobs, as they are worked off: who takes which, and what came of it.

A line is `new` until it is decided how it is asked: `waiting` for spare capacity, or `handed_in` with a parcel
(`store.parcels`). Whoever asks a waiting line has `taken` it first, and its result is durable in the same moment in
which it is `done` or `failed`. So a line is asked twice only if its worker was killed while it was under way, or taken
for dead; of two results the first one stands. Lines of all jobs are taken in turn, so that a small one does not wait
for the end of a large one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import sqlalchemy as sa

from evalgate.store import dialect, schema
from evalgate.store.jobs import OPEN
from evalgate.store.store import LOOKUP, PICO, Store, batches


@dataclass(frozen=True, slots=True)
class Line:
    """One request of a job: `body` is its JSON, `tries` how often it was given back."""

    job: str
    number: int
    custom_id: str
    body: bytes
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line. `content`: its line in the file of results. `variant`: who answered, where anybody did."""

    job: str
    number: int
    state: Literal["done", "failed"]
    content: bytes
    variant: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None


def add_lines(store: Store, lines: Sequence[Line]) -> bool:
    """Keep lines of one job that were read; returns False when they are not wanted any more."""
    j = schema.jobs.c
    rows = [_row(line) for line in lines]

    def work(connection: sa.Connection) -> bool:
        status = connection.scalar(sa.select(j.status).where(j.job == lines[0].job))
        if status == "validating":
            dialect.insert_unknown(connection, schema.lines, rows)
        return status == "validating"

    return store.write(work)


def new_lines(store: Store, job: str, after: int, most: int, at: float) -> list[Line]:
    """Lines after one number that nobody has decided on yet, in their order."""
    n = schema.lines.c
    query = sa.select(*_COLUMNS).where(n.job == job, n.state == "new", n.number > after, n.not_before <= at)
    query = query.order_by(n.number).limit(most)
    return store.read(lambda connection: [Line(*row) for row in connection.execute(query)])


def let_wait(store: Store, job: str, numbers: Iterable[int] | None = None) -> None:
    """Decide that these new lines, or all, wait for spare capacity."""
    n = schema.lines.c
    new = schema.lines.update().where(n.job == job, n.state == "new").values(state="waiting")

    def work(connection: sa.Connection) -> None:
        if numbers is None:
            connection.execute(new)
        for some in batches(numbers or (), LOOKUP):
            connection.execute(new.where(n.number.in_(some)))

    store.write(work)


def take(store: Store, worker: str, most: int, at: float) -> list[Line]:
    """At most `most` lines that are due and not late, and nobody else's from now on; `worker` beats (`Claims`)."""
    j, n = schema.jobs.c, schema.lines.c
    due = sa.select(*_COLUMNS).join(schema.jobs, n.job == j.job)
    due = due.where(n.state == "waiting", n.not_before <= at, j.status == "in_progress", j.expires_at > at)
    due = due.order_by(n.number, n.job).limit(most)
    lives = sa.select(schema.workers.c.worker).where(schema.workers.c.worker == worker)
    locked = due.with_for_update(skip_locked=True, of=schema.lines)  # nothing of the kind in SQLite, nor needed

    def work(connection: sa.Connection) -> list[Line]:
        if connection.scalar(lives) is None:  # taken for dead: what it takes would be given to others at once
            return []
        lines = [Line(*row) for row in connection.execute(locked)]
        if lines:
            ours = [{"job_": line.job, "number_": line.number, "worker_": worker} for line in lines]
            dialect.execute_many(connection, _TAKE, ours)
        return lines

    if not store.read(lambda connection: connection.execute(due.limit(1)).first()):  # no lock where nothing is due
        return []
    return store.write_beside(work)


def finish(store: Store, outcomes: Sequence[Outcome]) -> set[tuple[str, int]]:
    """Keep results; returns the lines that had none before, by job and number."""
    n = schema.lines.c

    def work(connection: sa.Connection) -> set[tuple[str, int]]:
        still: set[tuple[str, int]] = set()
        for job in {one.job for one in outcomes}:
            for some in batches((one.number for one in outcomes if one.job == job), LOOKUP):
                query = sa.select(n.number).where(n.job == job, n.number.in_(some), n.state.in_(OPEN))
                still.update((job, number) for number in connection.scalars(query))
        if still:
            rows = [_result(one) for one in outcomes if (one.job, one.number) in still]
            dialect.execute_many(connection, _FINISH, rows)
        return still

    return store.write(work)


def put_back(store: Store, line: Line, worker: str, not_before: float, *, counts: bool = True) -> None:
    """Give back a line that was taken, to be tried again then; `counts`: as one more try."""
    n = schema.lines.c
    mine = schema.lines.update().where(n.job == line.job, n.number == line.number, n.worker == worker)
    mine = mine.where(n.state == "taken").values(
        state="waiting", worker=None, not_before=not_before, tries=n.tries + int(counts)
    )
    store.write(lambda connection: connection.execute(mine))


def free_the_lost(store: Store) -> int:
    """Let lines be taken again whose workers are no more (`Claims.bury_the_dead`); returns how many they were."""
    n = schema.lines.c
    lost = sa.and_(n.state == "taken", n.worker.not_in(sa.select(schema.workers.c.worker)))
    free = schema.lines.update().where(lost).values(state="waiting", worker=None)
    if not store.read(lambda connection: connection.scalar(sa.select(sa.exists().where(lost)))):
        return 0
    return store.write(lambda connection: connection.execute(free).rowcount)


def _result(one: Outcome) -> dict[str, object]:
    return {
        "job_": one.job,
        "number_": one.number,
        "state_": one.state,
        "content_": one.content,
        "variant_": one.variant,
        "input_": one.input_tokens,
        "output_": one.output_tokens,
        "picodollars_": None if one.cost is None else int(one.cost * PICO),
    }


def _row(line: Line) -> dict[str, object]:
    return {
        "job": line.job,
        "number": line.number,
        "custom_id": line.custom_id,
        "state": "new",
        "content": line.body,
        "not_before": 0.0,
        "tries": 0,
        "worker": None,
        "parcel": None,
        "variant": None,
        "input_tokens": None,
        "output_tokens": None,
        "picodollars": None,
    }


_COLUMNS = [schema.lines.c[name] for name in ("job", "number", "custom_id", "content", "tries")]
_ONE = sa.and_(
    schema.lines.c.job == sa.bindparam("job_"),
    schema.lines.c.number == sa.bindparam("number_"),
)
_TAKE = schema.lines.update().where(_ONE).values(state=sa.literal_column("'taken'"), worker=sa.bindparam("worker_"))
_FINISH = (
    schema.lines.update()
    .where(_ONE)
    .values(
        state=sa.bindparam("state_"),
        content=sa.bindparam("content_"),
        variant=sa.bindparam("variant_"),
        input_tokens=sa.bindparam("input_"),
        output_tokens=sa.bindparam("output_"),
        picodollars=sa.bindparam("picodollars_"),
        worker=sa.null(),
        parcel=sa.null(),
    )
)
