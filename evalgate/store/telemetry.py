"""What processes tell each other of how variants did."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from evalgate.store import schema
from evalgate.store.numbered import latest, newer, replace
from evalgate.store.store import Store

_T = schema.telemetry.c


@dataclass(frozen=True, slots=True)
class Counted:
    """All that one process has counted of a variant on an operation in one span so far; span and start in minutes."""

    worker: str
    span: int
    start: int
    variant: str
    operation: str
    cell: bytes


class SharedTelemetry:
    """The rows of this process (`worker`), and those of all others."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.worker = secrets.token_hex(16)
        self._seen = 0

    def put(self, rows: Sequence[Counted]) -> None:
        """Write rows of ours in place of what they said before."""
        if rows:
            given = [asdict(row) for row in rows]
            self._store.write(lambda connection: replace(connection, schema.telemetry, given))

    def news(self) -> list[Counted]:
        """Others' rows that were written since the last look; the first look is at all that are kept."""
        others = _T.worker != self.worker
        last, rows = self._store.read(lambda each: newer(each, schema.telemetry, self._seen, others))
        self._seen = last
        return [Counted(row.worker, row.span, row.start, row.variant, row.operation, bytes(row.cell)) for row in rows]

    def forget(self, before: Iterable[tuple[int, int]]) -> None:
        """Delete, of each span, whatever started before; whoever wrote it."""
        old = sa.or_(*(sa.and_(_T.span == span, _T.start < start) for span, start in before))

        def work(connection: sa.Connection) -> None:
            last = latest(connection, schema.telemetry)
            connection.execute(schema.telemetry.delete().where(old, _T.seq < last))

        self._store.write(work)
