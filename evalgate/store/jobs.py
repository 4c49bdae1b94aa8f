"""Clients' batches. They are called jobs here: a batch is what a provider is handed.

A job is `validating` until its lines are read, then `in_progress` while they are worked off. One that is `cancelling`,
or whose time is over (`finalizing`), takes up nothing new, and ends when what was under way has ended.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from evalgate.exchange import JsonValue
from evalgate.store import dialect, schema
from evalgate.store.files import KeptFile, insert, new_file
from evalgate.store.pages import PAGE
from evalgate.store.store import Store

Status = Literal["validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"]
OPEN = ("new", "waiting", "taken", "handed_in")  # states of a line of which somebody still expects something
IDLE = ("new", "waiting")  # of these nothing is under way
RESULTS = "batch_output"  # the purpose of both files that a job leaves
_ENDS: dict[str, tuple[Status, str]] = {
    "in_progress": ("completed", "completed_at"),
    "finalizing": ("expired", "expired_at"),
    "cancelling": ("cancelled", "cancelled_at"),
}


@dataclass(frozen=True, slots=True)
class Job:
    """A client's batch; times in seconds since the epoch. The names are those of the table's columns."""

    job: str
    owner: str
    operation: str | None
    tier: str
    fixed: int
    endpoint: str
    input_file: str
    metadata: bytes | None
    status: Status
    created_at: float
    expires_at: float
    errors: bytes | None = None
    total: int | None = None
    completed: int | None = None
    failed: int | None = None
    output_file: str | None = None
    error_file: str | None = None
    in_progress_at: float | None = None
    finalizing_at: float | None = None
    completed_at: float | None = None
    failed_at: float | None = None
    expired_at: float | None = None
    cancelling_at: float | None = None
    cancelled_at: float | None = None
    keep_until: float | None = None

    @property
    def window(self) -> float:
        """Seconds that it has from its creation."""
        return self.expires_at - self.created_at


_COLUMNS = [schema.jobs.c[field.name] for field in fields(Job)]


def new_name() -> str:
    """The id of a job."""
    return f"batch_{secrets.token_hex(12)}"


def add(store: Store, job: Job) -> None:
    """Write a job down."""
    row: dict[str, object] = {field.name: getattr(job, field.name) for field in fields(Job)}
    store.write(lambda connection: dialect.insert_unknown(connection, schema.jobs, [row | {"worker": None}]))


def find(store: Store, job: str, owner: str | None = None) -> Job | None:
    """A job, of this owner where one is named."""
    j = schema.jobs.c
    query = sa.select(*_COLUMNS).where(j.job == job)
    if owner is not None:
        query = query.where(j.owner == owner)
    row = store.read(lambda connection: connection.execute(query).one_or_none())
    return None if row is None else _job(row)


def listed(store: Store, owner: str, *, after: str | None, most: int) -> tuple[list[Job], bool] | None:
    """At most `most` jobs of this owner from the newest on, and whether there are more; None: there is no `after`."""
    j = schema.jobs.c
    query = sa.select(*_COLUMNS).where(j.owner == owner)
    if after is not None:
        last = find(store, after, owner)
        if last is None:
            return None
        query = query.where(sa.tuple_(j.created_at, j.job) < sa.tuple_(sa.literal(last.created_at), sa.literal(after)))
    query = query.order_by(j.created_at.desc(), j.job.desc()).limit(most + 1)
    rows = store.read(lambda connection: connection.execute(query).all())
    return [_job(row) for row in rows[:most]], len(rows) > most


def counts(store: Store, job: Job) -> tuple[int, int, int]:
    """How many lines there are, how many are done, and how many failed."""
    if job.total is not None:
        return job.total, job.completed or 0, job.failed or 0
    by_state = store.read(lambda connection: _by_state(connection, job.job))
    return sum(by_state.values()), by_state.get("done", 0), by_state.get("failed", 0)


def claim(store: Store, worker: str, at: float) -> Job | None:
    """A job whose lines are to be read or sorted, and that no living worker has; it is this one's until `let_go`."""
    j, n = schema.jobs.c, schema.lines.c
    fresh = sa.exists().where(n.job == j.job, n.state == "new", n.not_before <= at)
    todo = sa.or_(j.status == "validating", sa.and_(j.status == "in_progress", fresh))
    free = sa.or_(j.worker.is_(None), j.worker.not_in(sa.select(schema.workers.c.worker)))
    query = sa.select(*_COLUMNS).where(todo, free).order_by(j.created_at).limit(1)

    def work(connection: sa.Connection) -> Job | None:
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        connection.execute(schema.jobs.update().where(j.job == row.job).values(worker=worker))
        return _job(row)

    if store.read(lambda connection: connection.execute(query).one_or_none()) is None:  # nearly always
        return None
    return store.write(work)


def let_go(store: Store, job: str, worker: str) -> None:
    """The worker has read or sorted all that it could."""
    j = schema.jobs.c
    gone = schema.jobs.update().where(j.job == job, j.worker == worker).values(worker=None)
    store.write(lambda connection: connection.execute(gone))


def in_status(store: Store, *statuses: Status) -> list[Job]:
    """All jobs of these statuses, the oldest first."""
    j = schema.jobs.c
    query = sa.select(*_COLUMNS).where(j.status.in_(statuses)).order_by(j.created_at)
    return store.read(lambda connection: [_job(row) for row in connection.execute(query)])


def change(store: Store, job: str, status: Status, *, of: Sequence[Status], **values: object) -> bool:
    """Give a job another status and other values, if its status is one `of` these; returns whether it was."""
    j = schema.jobs.c
    update = schema.jobs.update().where(j.job == job, j.status.in_(of)).values(status=status, **values)
    return store.write(lambda connection: connection.execute(update).rowcount == 1)


def refuse(store: Store, job: str, errors: Sequence[Mapping[str, JsonValue]], at: float, keep_until: float) -> None:
    """It cannot begin: nothing of it is worked off."""
    j, n = schema.jobs.c, schema.lines.c
    values = {"status": "failed", "errors": orjson.dumps(errors), "failed_at": at, "keep_until": keep_until}
    values |= {"total": 0, "completed": 0, "failed": 0}

    def work(connection: sa.Connection) -> None:
        update = schema.jobs.update().where(j.job == job, j.status == "validating").values(**values)
        if connection.execute(update).rowcount:
            connection.execute(schema.lines.delete().where(n.job == job))

    store.write(work)


def give_up(store: Store, job: str, result: Callable[[int, str], bytes]) -> int:
    """Fail the lines of which nothing is under way, each with its `result` (of number and custom id)."""
    n = schema.lines.c
    query = sa.select(n.number, n.custom_id).where(n.job == job, n.state.in_(IDLE)).order_by(n.number).limit(PAGE)

    def work(connection: sa.Connection) -> int:
        rows = connection.execute(query).all()
        for row in rows:
            # PostgreSQL lets a line be taken meanwhile
            line = schema.lines.update().where(n.job == job, n.number == row.number, n.state.in_(IDLE))
            connection.execute(line.values(state="failed", content=result(row.number, row.custom_id), parcel=None))
        return len(rows)

    given_up = 0
    while store.read(lambda connection: connection.execute(query.limit(1)).first()):  # no lock for nothing
        given_up += store.write(work)
    return given_up


def ended(store: Store) -> list[Job]:
    """The jobs of which nothing is open any more, and that are not told to be over yet."""
    j, n = schema.jobs.c, schema.lines.c
    still = sa.exists().where(n.job == j.job, n.state.in_(OPEN))
    query = sa.select(*_COLUMNS).where(j.status.in_(_ENDS), ~still)
    return store.read(lambda connection: [_job(row) for row in connection.execute(query)])


def settle(store: Store, job: Job, at: float, keep_until: float) -> bool:
    """End a job of which nothing is open any more, with its files; returns whether it is over."""
    j = schema.jobs.c

    def work(connection: sa.Connection) -> bool:
        status = connection.scalar(sa.select(j.status).where(j.job == job.job))
        by_state = _by_state(connection, job.job)
        if status not in _ENDS or any(by_state.get(state) for state in OPEN):
            return False
        names = {}
        for column, state in (("output_file", "done"), ("error_file", "failed")):
            if by_state.get(state):
                file = _results(connection, job, state, at, keep_until)
                insert(connection, file, state)
                names[column] = file.id
        end, when = _ENDS[status]
        values: dict[str, object] = {when: at, "finalizing_at": sa.func.coalesce(j.finalizing_at, at)}
        values |= {"status": end, "total": sum(by_state.values()), "completed": by_state.get("done", 0)}
        values |= {"failed": by_state.get("failed", 0), "keep_until": keep_until, "worker": None}
        connection.execute(schema.jobs.update().where(j.job == job.job).values(**values, **names))
        return True

    return store.write(work)


def _results(connection: sa.Connection, job: Job, state: str, at: float, keep_until: float) -> KeptFile:
    n = schema.lines.c
    size = sa.select(sa.func.sum(sa.func.length(n.content) + 1)).where(n.job == job.job, n.state == state)
    name = f"{job.job}_{'output' if state == 'done' else 'error'}.jsonl"
    file = new_file(job.owner, name, RESULTS, at, keep_until)
    size_ = int(connection.scalar(size) or 0)
    return KeptFile(file.id, job.owner, name, RESULTS, size_, at, keep_until, job.job, state)


def _by_state(connection: sa.Connection, job: str) -> dict[str, int]:
    n = schema.lines.c
    query = sa.select(n.state, sa.func.count()).where(n.job == job).group_by(n.state)
    return {row.state: row[1] for row in connection.execute(query)}


def _job(row: sa.Row[Any]) -> Job:
    return Job(**row._asdict())
