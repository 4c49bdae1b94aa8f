"""What of a job was handed in to a provider's batch API together: paid for, so it must not be forgotten, nor doubled.

As with the eval's own batches (`store.batches`): a parcel is written down before it is handed in, and its name goes
along to the provider, where it can be looked for by whoever finds a parcel that nobody knows the fate of.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import sqlalchemy as sa

from evalgate.store import dialect, schema
from evalgate.store.queue import Line
from evalgate.store.store import LOOKUP, Store, batches


@dataclass(frozen=True, slots=True)
class Parcel:
    """Lines of one job and operation with one variant. `batch`: the provider's id, None as long as nobody knows it.

    `withdrawn`: its variant was found not eligible when it had just been handed in, so no answer of it is used. `seq`:
    of the signal by which it was chosen.
    """

    parcel: str
    job: str
    provider: str
    operation: str | None
    model: str
    variant: str
    config: str
    worker: str
    submitted_at: float
    batch: str | None = None
    withdrawn: int = 0
    seq: int | None = None


_COLUMNS = [schema.parcels.c[field.name] for field in fields(Parcel)]


def new_name() -> str:
    """The token of a parcel."""
    return secrets.token_hex(16)


def intend(store: Store, parcel: Parcel, numbers: Sequence[int]) -> set[int]:
    """Write down what is about to be handed in; returns the lines that are in it: those that are new, still."""
    j, n = schema.jobs.c, schema.lines.c
    new = sa.select(n.number).where(n.job == parcel.job, n.state == "new")
    row = {field.name: getattr(parcel, field.name) for field in fields(Parcel)}

    def work(connection: sa.Connection) -> set[int]:
        if connection.scalar(sa.select(j.status).where(j.job == parcel.job)) != "in_progress":
            return set()
        ours: set[int] = set()
        for some in batches(numbers, LOOKUP):
            ours.update(connection.scalars(new.where(n.number.in_(some))))
            lines = schema.lines.update().where(n.job == parcel.job, n.state == "new", n.number.in_(some))
            connection.execute(lines.values(state="handed_in", parcel=parcel.parcel))
        if ours:
            dialect.insert_unknown(connection, schema.parcels, [row])
        return ours

    return store.write(work)


def remember(store: Store, parcel: Parcel, batch: str) -> Parcel:
    """The provider took it, and this is its id."""
    p = schema.parcels.c
    known = schema.parcels.update().where(p.parcel == parcel.parcel).values(batch=batch)
    store.write(lambda connection: connection.execute(known))
    return replace(parcel, batch=batch)


def withdraw(store: Store, parcel: Parcel) -> None:
    """Its answers are not wanted: free its lines for others; what it still brings is only booked."""
    p, n = schema.parcels.c, schema.lines.c

    def work(connection: sa.Connection) -> None:
        connection.execute(schema.parcels.update().where(p.parcel == parcel.parcel).values(withdrawn=1))
        lines = schema.lines.update().where(n.parcel == parcel.parcel, n.state == "handed_in")
        connection.execute(lines.values(state="new", parcel=None))

    store.write(work)


def close(store: Store, parcel: Parcel, *, not_before: float, again: bool) -> int:
    """There is nothing more to come of it. What it left undone waits for spare capacity, or is new (`again`).

    Returns how many lines these are.
    """
    p, n = schema.parcels.c, schema.lines.c
    state = "new" if again else "waiting"

    def work(connection: sa.Connection) -> int:
        left = schema.lines.update().where(n.parcel == parcel.parcel, n.state == "handed_in")
        undone = connection.execute(left.values(state=state, parcel=None, not_before=not_before, tries=n.tries + 1))
        connection.execute(schema.parcels.delete().where(p.parcel == parcel.parcel))
        return undone.rowcount

    return store.write(work)


def adopt(store: Store, worker: str) -> list[Parcel]:
    """The parcels that this worker looks after: its own, and those of workers that are no more."""
    p = schema.parcels.c
    orphaned = p.worker.not_in(sa.select(schema.workers.c.worker))
    if store.read(lambda connection: connection.scalar(sa.select(sa.exists().where(orphaned)))):
        ours = schema.parcels.update().where(orphaned).values(worker=worker)
        store.write(lambda connection: connection.execute(ours))
    query = sa.select(*_COLUMNS).where(p.worker == worker).order_by(p.submitted_at, p.parcel)
    return store.read(lambda connection: [Parcel(*row) for row in connection.execute(query)])


def lines_in(store: Store, parcel: Parcel, numbers: Sequence[int]) -> dict[int, Line]:
    """Those of its lines that are still without a result."""
    n = schema.lines.c
    columns = [n[name] for name in ("job", "number", "custom_id", "content", "tries")]
    query = sa.select(*columns).where(n.parcel == parcel.parcel, n.state == "handed_in")

    def work(connection: sa.Connection) -> dict[int, Line]:
        return {
            row.number: Line(*row)
            for some in batches(numbers, LOOKUP)
            for row in connection.execute(query.where(n.number.in_(some)))
        }

    return store.read(work)
