"""Where published documents are fetched from. None of these is trusted: what they bring is offered to the rules."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from evalgate.errors import InputError


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document as published, and by which tag to ask whether it is still the latest."""

    data: bytes
    tag: str | None


class Source(Protocol):
    """Somewhere to fetch from. Used by one task at a time, which may be cancelled."""

    async def fetch(self, tag: str | None, wait: float) -> Fetched | None:
        """The latest document, or None when it is the one of `tag`.

        A source that can, waits up to `wait` seconds for another one than that. Raises `InfrastructureError` when it
        cannot be reached, and `SignalError` when there is something else than a document.
        """

    async def close(self) -> None:
        """Let go of connections."""


def open_source(name: str | Path, *, stream: str | None = None, token: str | None = None) -> Source:
    """A path, an `http://`, `https://` or `postgresql://` URL, or `s3://bucket/key`.

    `token` is sent to an HTTP server as bearer token; `stream` is whose documents a database is asked for. Raises
    `InputError` when the name means none of these.
    """
    scheme = urlsplit(name).scheme.lower() if isinstance(name, str) and "://" in name else ""
    if scheme in ("", "file"):
        from evalgate.signal.reader.sources.file import FileSource

        return FileSource(Path(urlsplit(name).path) if scheme and isinstance(name, str) else Path(name))
    if scheme in ("http", "https"):
        from evalgate.signal.reader.sources.http import HTTPSource

        return HTTPSource(str(name), token)
    if scheme in ("postgresql", "postgres"):
        from evalgate.signal.reader.sources.postgresql import PostgreSQLSource

        return PostgreSQLSource(str(name), stream)
    if scheme == "s3":
        from evalgate.signal.reader.sources.s3 import S3Source

        return S3Source(str(name))
    expected = "expected a path, or a URL that begins with http://, https://, postgresql:// or s3://"
    raise InputError(f"signal source {scheme}://…: {expected}")
