"""One at a time: who holds a lease does a job that must not be done twice at once.

Whether the holder lives is told as for claims, by beats and without comparing clocks. A holder that was taken for dead,
because it had been suspended, is told so by `require` in the very transaction in which it would have written.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from evalgate.errors import InfrastructureError
from evalgate.store import schema
from evalgate.store.claims import Claims
from evalgate.store.store import Store


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody else who holds a lease: where it runs, and its beat when it was looked at."""

    place: str
    beat: int

    def __str__(self) -> str:
        machine, _, process = self.place.rpartition(" ")
        return f"process {process} on {machine.split(' ')[0]}"


class Lease:
    """One lease, as this process would hold it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self.name, self._claims = store, name, Claims(store)

    def take(self) -> Holder | None:
        """Take the lease if nobody who lives holds it; returns who does, or None when it is ours now.

        A holder that does not beat for half a minute is dead, as far as it can be told by looking again and again.
        """
        leases, workers = schema.leases, schema.workers

        def work(connection: sa.Connection) -> Holder | None:
            held = sa.select(leases.c.worker).where(leases.c.name == self.name)
            worker = connection.scalar(held)
            if worker is not None and worker != self._claims.worker:
                query = sa.select(workers.c.place, workers.c.beat).where(workers.c.worker == worker)
                row = connection.execute(query).one_or_none()
                if row is not None and worker not in self._claims.dead(connection):
                    return Holder(row.place, row.beat)
            self._claims.enter(connection)
            connection.execute(leases.delete().where(leases.c.name == self.name))
            connection.execute(leases.insert(), {"name": self.name, "worker": self._claims.worker})
            return None

        return self._store.write(work)

    def beat(self) -> bool:
        """Say that the holder lives; False: it was taken for dead."""
        return self._claims.beat()

    def require(self, connection: sa.Connection) -> None:
        """Raise `InfrastructureError` when the lease is not ours any more."""
        holder = connection.scalar(sa.select(schema.leases.c.worker).where(schema.leases.c.name == self.name))
        alive = sa.select(schema.workers.c.worker).where(schema.workers.c.worker == self._claims.worker)
        if holder != self._claims.worker or connection.scalar(alive) is None:
            message = f"{self.name}: this process was suspended for so long that another one took over; nothing is lost"
            raise InfrastructureError(message)

    def leave(self) -> None:
        """Give it back."""
        ours = sa.and_(schema.leases.c.name == self.name, schema.leases.c.worker == self._claims.worker)
        self._store.write(lambda connection: connection.execute(schema.leases.delete().where(ours)))
        self._claims.leave()
