"""The publisher of the signal: an honest one, and everything that can go wrong with one.

Documents are served over HTTP (ETag, 304, long poll) and kept as a file at the same time, so that the router may use
either. `put` publishes any bytes at all; `publish` only what the contract allows, and remembers the chain.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from evalgate.conformance.documents import Draft, Writer
from evalgate.conformance.servers import Handler, Server
from evalgate.conformance.world import World
from evalgate.formats.canonical import canonical, digest
from evalgate.formats.files import write_atomically
from evalgate.signal.envelope import seal
from evalgate.signal.keys import SigningKey

_LONGEST_WAIT = 30.0


class Publisher:
    """Publishes to both places. Use as a context."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.first_key, self.second_key = world.signing_keys()
        self.key = self.first_key
        self._writer = Writer(world)
        # the chain goes on where the last test left it: a router that has seen that one believes no other
        self.seq, self.prev = world.chain()
        self._shelf = _Shelf()
        self._server: _Server | None = None

    def write(self, draft: Draft, *, ahead: int = 1, prev: str | None = None) -> dict[str, Any]:
        """The next document, which is not published by this."""
        return self._writer.write(draft, self.seq + ahead, prev or self.prev)

    def publish(self, draft: Draft, *, keys: Sequence[SigningKey] = ()) -> bytes:
        """Publish the next good document; returns its envelope, to be replayed when it is old."""
        document = self.write(draft)
        payload = canonical(document)
        envelope = seal(payload, keys or [self.key])
        self.seq, self.prev = document["seq"], digest(payload)
        self.world.keep_chain(self.seq, self.prev)
        self.put(envelope)
        return envelope

    def put(self, data: bytes, *, content_type: str = "application/json") -> None:
        """Make any bytes the current document."""
        self._shelf.put(data, content_type)
        if self._server is not None:
            write_atomically(self.world.signal_file, data)

    def open(self) -> None:
        """Be reachable."""
        if self._server is not None:
            return
        self._server = _Server(self.world.port, self._shelf)
        self._server.start()
        if self._shelf.data:
            write_atomically(self.world.signal_file, self._shelf.data)

    def close(self) -> None:
        """Be gone: no listener, no open connection, no file."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
        self.world.signal_file.unlink(missing_ok=True)

    def farewell(self) -> None:
        """Before the test ends: nothing is green any more, so that no router goes on believing the test."""
        self.open()
        self.publish(replace(Draft({}), valid_for=timedelta()))

    def __enter__(self) -> Publisher:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Shelf:
    """The current bytes, and a bell for those who wait for other ones."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.data, self.etag, self.content_type = b"", '""', "application/json"

    def put(self, data: bytes, content_type: str) -> None:
        with self.changed:
            self.data, self.content_type = data, content_type
            self.etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
            self.changed.notify_all()


class _Server(Server):
    def __init__(self, port: int, shelf: _Shelf) -> None:
        super().__init__(port, _Handler)
        self.shelf = shelf

    def stop(self) -> None:
        self.gone = True
        with self.shelf.changed:
            self.shelf.changed.notify_all()
        super().stop()


class _Handler(Handler):
    server: _Server

    def do_GET(self) -> None:  # noqa: N802  # http.server calls it by this name
        shelf, known = self.server.shelf, self.headers.get("if-none-match")
        wait = parse_qs(urlsplit(self.path).query).get("wait", ["0"])[0]
        seconds = min(float(wait), _LONGEST_WAIT) if wait.isdigit() else 0.0
        with shelf.changed:
            shelf.changed.wait_for(lambda: self.server.gone or shelf.etag != known, seconds)
            data, etag, content_type = shelf.data, shelf.etag, shelf.content_type
        if self.server.gone:
            self.close_connection = True
            return
        unchanged = etag == known
        self.send_response(304 if unchanged else 200)
        self.send_header("etag", etag)
        if not unchanged:
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(data)))
        self.end_headers()
        if not unchanged:
            self.wfile.write(data)
