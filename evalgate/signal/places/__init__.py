"""WHERE the signal is published: a file, a PostgreSQL database, or S3-compatible object storage.

A place is only ever written to by way of `replace`, which compares and writes in one step, as the place itself
guarantees it: whoever is slower never puts an older document over a newer one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from evalgate.errors import InputError

Keeps = Callable[[bytes | None], bool]


class Place(Protocol):
    """Where readers of one stream look. Both methods raise `InfrastructureError` when the place cannot be reached."""

    name: str  # for people, without passwords

    def read(self) -> bytes | None:
        """What is there now; None: nothing."""

    def replace(self, data: bytes, seq: int, keeps: Keeps) -> bytes | None:
        """Put the document `seq` there, durably, unless `keeps` says that what is there must stay: that is returned."""


def open_place(name: str, stream: str) -> Place:
    """The place of this name: a path, `postgresql://…` or `s3://bucket/key`, not yet looked at. Raises `InputError`."""
    if name.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        from evalgate.signal.places.postgresql import PostgresqlPlace

        return PostgresqlPlace(name, stream)
    if name.startswith("s3://"):
        from evalgate.signal.places.s3 import S3Place

        return S3Place(name)
    if "://" in name:
        shown = name.partition("://")[0]
        expected = "expected a path, postgresql://… or s3://bucket/key; over HTTP it is served: evalgate signal serve"
        raise InputError(f"{shown}://…: the signal cannot be published there: {expected}")
    from evalgate.signal.places.file import FilePlace

    return FilePlace(Path(name))
