"""Files of clients: what they sent, in chunks, and results, which are the finished lines of a job and no copy of them.

A file is there as soon as it is whole. One whose upload was cut off is not, and goes after a day.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from evalgate.store import dialect, schema
from evalgate.store.pages import PAGE
from evalgate.store.store import Store

CHUNK = 1 << 20  # bytes
_UPLOADING = "uploading"
_CUT_OFF_SECONDS = 86_400.0
_RESULTS = 25  # lines read at once; each may have some MiB


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file. Times in seconds since the epoch. `job` and `state`: of which lines it consists, where it is results."""

    id: str
    owner: str
    name: str
    purpose: str
    bytes: int
    created_at: float
    expires_at: float
    job: str | None = None
    state: str | None = None


def new_file(owner: str, name: str, purpose: str, at: float, expires_at: float) -> KeptFile:
    """A file that is about to be uploaded."""
    return KeptFile(f"file-{secrets.token_hex(12)}", owner, name, purpose, 0, at, expires_at)


def begin(store: Store, file: KeptFile) -> None:
    """Let its chunks come."""
    store.write(lambda connection: insert(connection, file, _UPLOADING))


def append(store: Store, file: KeptFile, number: int, data: bytes) -> None:
    """Keep one chunk, from 0 on."""
    row = {"file": file.id, "number": number, "data": data}
    store.write(lambda connection: dialect.insert_unknown(connection, schema.file_chunks, [row]))


def finish(store: Store, file: KeptFile, size: int) -> None:
    """It is whole, with `size` bytes."""
    f = schema.files.c
    whole = schema.files.update().where(f.file == file.id).values(state=None, bytes=size)
    store.write(lambda connection: connection.execute(whole))


def insert(connection: sa.Connection, file: KeptFile, state: str | None) -> None:
    """Write down a file in this state; within a transaction that writes."""
    row = {
        "file": file.id,
        "owner": file.owner,
        "name": file.name,
        "purpose": file.purpose,
        "bytes": file.bytes,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "job": file.job,
        "state": state,
    }
    dialect.insert_unknown(connection, schema.files, [row])


def find(store: Store, owner: str, file: str) -> KeptFile | None:
    """A whole file of this owner."""
    f = schema.files.c
    found = store.read(lambda connection: connection.execute(_whole(owner).where(f.file == file)).one_or_none())
    return None if found is None else KeptFile(*found)


def listed(
    store: Store, owner: str, *, purpose: str | None, after: str | None, most: int, oldest_first: bool = False
) -> tuple[list[KeptFile], bool] | None:
    """At most `most` files of this owner that come after one of them, and whether there are more; None: no such one."""
    f = schema.files.c
    query = _whole(owner)
    if purpose is not None:
        query = query.where(f.purpose == purpose)
    if after is not None:
        last = find(store, owner, after)
        if last is None:
            return None
        here, there = sa.tuple_(f.created_at, f.file), sa.tuple_(sa.literal(last.created_at), sa.literal(last.id))
        query = query.where(here > there if oldest_first else here < there)
    order = (f.created_at, f.file) if oldest_first else (f.created_at.desc(), f.file.desc())
    rows = store.read(lambda connection: connection.execute(query.order_by(*order).limit(most + 1)).all())
    return [KeptFile(*row) for row in rows[:most]], len(rows) > most


def content(store: Store, file: KeptFile) -> Iterator[bytes]:
    """All of it, piece by piece."""
    if file.job is None:
        c = schema.file_chunks.c
        number = 0
        while True:
            query = sa.select(c.data).where(c.file == file.id, c.number == number)
            data = store.read(partial(_scalar, query=query))
            if data is None:
                return
            yield data
            number += 1
    n = schema.lines.c
    last = 0
    while True:
        query = sa.select(n.number, n.content).where(n.job == file.job, n.state == file.state, n.number > last)
        query = query.order_by(n.number).limit(_RESULTS)
        rows = store.read(partial(_rows, query=query))
        if not rows:
            return
        yield b"".join(row.content + b"\n" for row in rows)
        last = rows[-1].number


def delete(store: Store, file: KeptFile) -> None:
    """Delete a file with all that is in it."""
    store.write(lambda connection: forget(connection, [file.id]))


def forget(connection: sa.Connection, names: Sequence[str]) -> None:
    """Delete some files (at most `PAGE`) with all that is in them; within a transaction that writes."""
    f, n = schema.files.c, schema.lines.c
    results = sa.select(f.job, f.state).where(f.file.in_(names), f.job.is_not(None))
    for job, state in connection.execute(results).all():
        connection.execute(schema.lines.delete().where(n.job == job, n.state == state))
    for table in (schema.file_chunks, schema.files):
        connection.execute(table.delete().where(table.c.file.in_(names)))


def expired(at: float) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """The files whose time is over, with those whose upload was cut off a day ago; and the jobs."""
    f, j = schema.files.c, schema.jobs.c
    cut_off = sa.and_(f.state == _UPLOADING, f.created_at < at - _CUT_OFF_SECONDS)
    return sa.select(f.file).where(sa.or_(f.expires_at < at, cut_off)), sa.select(j.job).where(j.keep_until < at)


def delete_expired(store: Store, at: float) -> int:
    """Delete the files whose time is over, and the jobs; returns how many they were."""
    old_files, old_jobs = expired(at)

    def some_files(connection: sa.Connection) -> int:
        names = list(connection.scalars(old_files.limit(PAGE)))
        forget(connection, names)
        return len(names)

    def some_jobs(connection: sa.Connection) -> int:
        names = list(connection.scalars(old_jobs.limit(PAGE)))
        for table in (schema.lines, schema.jobs):
            connection.execute(table.delete().where(table.c.job.in_(names)))
        return len(names)

    deleted = 0
    for query, work in ((old_files, some_files), (old_jobs, some_jobs)):
        while store.read(partial(_scalar, query=query.limit(1))) is not None:
            deleted += store.write(work)
    return deleted


def _scalar(connection: sa.Connection, query: sa.Select[Any]) -> Any:
    return connection.scalar(query)


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
    return connection.execute(query).all()


def _whole(owner: str) -> sa.Select[Any]:
    f = schema.files.c
    columns = (f.file, f.owner, f.name, f.purpose, f.bytes, f.created_at, f.expires_at, f.job, f.state)
    return sa.select(*columns).where(f.owner == owner, sa.or_(f.state.is_(None), f.state != _UPLOADING))
