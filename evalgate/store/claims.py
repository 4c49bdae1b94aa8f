"""Who is asking what: several processes on one store share the work, and nobody buys what another is buying.

A worker claims a question before it asks, and answering it (`Store.add`) or giving it up ends the claim. Workers die,
and their claims must not outlive them. Whether one lives is told without comparing clocks, which jump: by its beat, a
number that it counts up, and that has stood still for too long; on this machine also by its process, which is quicker.
A worker that was taken for dead, because it had been suspended, learns of it by its next beat.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from evalgate.store import dialect, schema
from evalgate.store.store import LOOKUP, Store, batches

BEAT_SECONDS = 5.0  # how often a worker says that it lives
SILENCE_SECONDS = 30.0  # without a beat for so long, it does not


class Claims:
    """The claims of one worker: this process, in one collection."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.worker = secrets.token_hex(16)
        self._heard: dict[str, tuple[int, float]] = {}  # of others: the last beat, and when (monotonic) it was new

    def take(self, keys: Sequence[str], *, since: float) -> set[str]:
        """Claim what nobody else has claimed, and nobody has answered since then; returns what is ours now.

        `keys` are at most a few hundred.
        """
        worker, claims, answers = self.worker, schema.claims, schema.answers

        def work(connection: sa.Connection) -> set[str]:
            self.enter(connection)
            known = dialect.among(connection, answers.c.key, keys)
            answered = sa.select(answers.c.key).where(known, answers.c.answered_at >= since)
            claimed = sa.select(claims.c.key, claims.c.worker).where(claims.c.key.in_(keys))
            taken = set(connection.scalars(answered))
            ours: set[str] = set()
            for key, owner in connection.execute(claimed):
                (ours if owner == worker else taken).add(key)
            if free := [key for key in dict.fromkeys(keys) if key not in taken and key not in ours]:
                connection.execute(claims.insert(), [{"key": key, "worker": worker} for key in free])
            return ours.union(free)

        return self._store.write(work)

    def give_up(self, keys: Sequence[str]) -> None:
        """Leave what was claimed to others."""
        claims = schema.claims

        def work(connection: sa.Connection) -> None:
            for some in batches(keys, LOOKUP):
                connection.execute(claims.delete().where(claims.c.key.in_(some), claims.c.worker == self.worker))

        self._store.write(work)

    def beat(self) -> bool:
        """Say that this worker lives; returns False when it was taken for dead, and its claims are others' now."""
        mine = schema.workers.c.worker == self.worker
        beat = schema.workers.update().where(mine).values(beat=schema.workers.c.beat + 1)
        return self._store.write(lambda connection: connection.execute(beat).rowcount == 1)

    def enter(self, connection: sa.Connection) -> None:
        """Be known as a worker, from now on."""
        dialect.insert_unknown(connection, schema.workers, [self._row()])

    def leave(self) -> None:
        """Take leave: this worker claims nothing any more."""
        self._store.write(lambda connection: _forget(connection, [self.worker]))

    def bury_the_dead(self) -> int:
        """Free what workers have claimed that are no more; returns how many they were."""

        def work(connection: sa.Connection) -> int:
            dead = self.dead(connection)
            if dead:
                _forget(connection, dead)
            return len(dead)

        return self._store.write(work)

    def dead(self, connection: sa.Connection) -> list[str]:
        """The workers that are no more, as far as it can be told yet."""
        workers = schema.workers.c
        rows = connection.execute(sa.select(workers.worker, workers.place, workers.beat)).all()
        return [name for name, place, beat in rows if name != self.worker and not self._lives(name, place, beat)]

    def _lives(self, worker: str, place: str, beat: int) -> bool:
        machine, _, process = place.rpartition(" ")
        if machine == _machine() and not _runs(int(process)):
            return False
        now = time.monotonic()
        last, heard = self._heard.get(worker, (None, now))
        if beat != last:
            self._heard[worker] = (beat, now)
            return True
        return now - heard < SILENCE_SECONDS

    def _row(self) -> dict[str, object]:
        return {"worker": self.worker, "place": f"{_machine()} {os.getpid()}", "beat": 0}


def _forget(connection: sa.Connection, workers: Sequence[str]) -> None:
    for table in (schema.claims, schema.places, schema.workers):
        connection.execute(table.delete().where(table.c.worker.in_(workers)))


def _machine() -> str:
    """Where process numbers mean the same: a host, and on Linux one container of it."""
    try:
        space = f"{Path('/proc/self/ns/pid').readlink()} {Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"
    except OSError:
        space = ""
    return f"{socket.gethostname()} {space}"


def _runs(process: int) -> bool:
    if os.name == "nt":  # signal 0 is no question there, but Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's process, but a process
        return True
    return True
