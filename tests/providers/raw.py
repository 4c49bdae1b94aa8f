"""Servers that say exactly these bytes, for tests of how HTTP is spoken."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from evalgate.providers.connection import Connection, Head
from evalgate.providers.connections import Address, Connections

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
Say = Callable[[socket.socket], None]


@contextmanager
def server(*says: Say) -> Iterator[Address]:
    """A server that handles one connection after the other: reads a request, then does what it is told to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for say in says:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    say(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Address("http", "127.0.0.1", listening.getsockname()[1])
        thread.join(10)


async def whole(connection: Connection) -> tuple[Head, bytes]:
    head = await connection.call(REQUEST)
    pieces = []
    while piece := await connection.piece():
        pieces.append(piece)
    return head, b"".join(pieces)


def ask(address: Address, count: int = 1) -> list[tuple[Head, bytes]]:
    """The responses to so many calls, one after the other."""

    async def one_by_one() -> list[tuple[Head, bytes]]:
        connections = Connections(address, None, 5)
        answers = []
        for _ in range(count):
            connection = await connections.take()
            try:
                answers.append(await whole(connection))
            finally:
                connections.give_back(connection)
        await connections.close()
        return answers

    return asyncio.run(asyncio.wait_for(one_by_one(), 10))


def sent(*pieces: bytes, close: bool = True) -> Say:
    """Send these; without `close`, wait until the other side has closed."""

    def say(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
        if not close:
            with suppress(ConnectionResetError):  # it may be cut off there, with something unread
                connection.recv(1)

    return say


def response(body: bytes, chunks: Sequence[int]) -> bytes:
    """A response with this body, in chunks of these sizes, or with its length said when there are none."""
    if not chunks:
        return OK + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    parts, rest = [], body
    for size in chunks:
        if part := rest[:size]:
            parts.append(b"%x\r\n%b\r\n" % (len(part), part))
        rest = rest[size:]
    if rest:
        parts.append(b"%x\r\n%b\r\n" % (len(rest), rest))
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(parts) + b"0\r\nX-Trailer: t\r\n\r\n"
