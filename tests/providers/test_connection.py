"""HTTP/1.1 as servers really speak it: in any pieces, with any framing, and with more than was asked for."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.providers import AttemptFailed
from evalgate.providers.connection import MAX_HELD_BYTES, MAX_SILENT_BYTES, Connection, Head
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


@settings(max_examples=200)
@given(
    bodies=st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    chunks=st.lists(st.integers(1, 100), max_size=4),
    cuts=st.lists(st.integers(1, 1000), max_size=8),
)
def test_responses_are_read_whole_in_whatever_pieces_they_come(
    bodies: list[bytes], chunks: list[int], cuts: list[int]
) -> None:
    """Fed without a network: the same connection object takes any number of calls."""

    async def feed() -> None:
        connection = Connection()
        connection.connection_made(_Nowhere())
        for body in bodies:
            data = response(body, chunks)
            asked = asyncio.ensure_future(whole(connection))
            await asyncio.sleep(0)
            at = [0, *sorted({cut % len(data) for cut in cuts}), len(data)]
            for begin, end in itertools.pairwise(at):
                connection.data_received(data[begin:end])
                await asyncio.sleep(0)
            head, received = await asked
            assert (head.status, received) == (200, body)
            assert connection.reusable

    asyncio.run(feed())


@settings(max_examples=200)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_whatever_comes_there_is_an_answer_or_a_failed_attempt(noise: bytes, keep: int) -> None:
    async def feed() -> None:
        connection = Connection()
        connection.connection_made(_Nowhere())
        asked = asyncio.ensure_future(whole(connection))
        await asyncio.sleep(0)
        connection.data_received(response(b"x" * 200, [7])[:keep] + noise)
        connection.connection_lost(None)
        (outcome,) = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(outcome, AttemptFailed | tuple)

    asyncio.run(feed())


class _Nowhere(asyncio.Transport):
    def writelines(self, data: object) -> None:
        pass

    def abort(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


def test_a_body_may_end_with_the_connection() -> None:
    with server(sent(OK, b"\r\n", b"all of it")) as address:
        assert ask(address)[0][1] == b"all of it"


@pytest.mark.parametrize(
    "cut_off",
    [b"", b"HTTP/1.1 2", OK + b"Content-Length: 9\r\n\r\nabc", OK + b"Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n"],
    ids=["nothing", "head", "length", "chunked"],
)
def test_a_response_that_is_cut_off_is_none(cut_off: bytes) -> None:
    with (
        server(sent(cut_off)) as address,
        pytest.raises(AttemptFailed, match=r"^connection broke: the server closed it$"),
    ):
        ask(address)


@pytest.mark.parametrize(
    "noise", [b"SSH-2.0-OpenSSH_9.2\r\n", OK + b"Content-Length: x\r\n\r\n", OK + b"No colon\r\n\r\n"]
)
def test_what_is_not_http_is_no_response(noise: bytes) -> None:
    with (
        server(sent(noise)) as address,
        pytest.raises(AttemptFailed, match=r"^connection broke: what came is not HTTP$"),
    ):
        ask(address)


def test_an_interim_response_is_not_the_one_that_is_waited_for() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    with server(sent(interim, response(b"then this", []))) as address:
        ((head, body),) = ask(address)
    assert (head.status, body) == (200, b"then this")
    assert "link" not in head.headers


def test_a_response_without_a_body_has_none() -> None:
    with server(sent(b"HTTP/1.1 204 No Content\r\n\r\n", close=False)) as address:
        assert ask(address)[0][1] == b""


@pytest.mark.parametrize(
    "first",
    [
        response(b"a", []) + response(b"evil", []),  # would be taken for the answer to the next call
        response(b"a", []) + b"noise",
        OK + b"Connection: close\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
    ],
    ids=["two responses", "noise", "close", "HTTP/1.0"],
)
def test_a_connection_that_is_not_good_for_another_call_is_not_used_again(first: bytes) -> None:
    with server(sent(first, close=False), sent(response(b"b", []))) as address:
        assert [body for _, body in ask(address, 2)] == [b"a", b"b"]


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    async def twice(address: Address) -> list[bytes]:
        connections = Connections(address, None, 5)
        bodies = []
        for _ in range(2):
            connection = await connections.take()
            bodies.append((await whole(connection))[1])
            connections.give_back(connection)
            await asyncio.sleep(0.05)
        await connections.close()
        return bodies

    with server(sent(response(b"a", [])), sent(response(b"b", []))) as address:
        assert asyncio.run(twice(address)) == [b"a", b"b"]


@pytest.mark.parametrize(
    "endless",
    [
        OK + b"X: " + b"a" * MAX_SILENT_BYTES * 8,
        OK + b"X: " + b"a" * (MAX_SILENT_BYTES + 1) + b"\r\n\r\n",
        OK + b"".join(b"X-%d: a\r\n" % number for number in range(300_000)),
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: " + b"a" * MAX_SILENT_BYTES * 8,
    ],
    ids=["one header", "a long one", "many headers", "trailer"],
)
def test_headers_without_end_are_not_held(endless: bytes) -> None:
    def say(connection: socket.socket) -> None:
        with suppress(OSError):  # reset or broken pipe: the other side has closed
            while True:
                connection.sendall(endless)

    with server(say) as address, pytest.raises(AttemptFailed, match=r"^connection broke: "):
        ask(address)


def test_no_more_is_held_than_somebody_reads() -> None:
    size = 40 * MAX_HELD_BYTES
    taken = []

    def say(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % size)
        connection.settimeout(0.5)
        with suppress(TimeoutError):
            while True:
                taken.append(connection.send(b"x" * 65536))

    async def slowly(address: Address) -> None:
        connections = Connections(address, None, 5)
        connection = await connections.take()
        await connection.call(REQUEST)
        await asyncio.sleep(1.5)  # the server waits meanwhile, and gives up
        assert 0 < len(await connection.piece()) <= sum(taken) < size
        connections.give_back(connection)

    with server(say) as address:
        asyncio.run(slowly(address))


@pytest.mark.parametrize(
    ("url", "address", "authority"),
    [
        ("http://here", Address("http", "here", 80), "here"),
        ("https://here:443/v1", Address("https", "here", 443), "here"),
        ("https://here:80", Address("https", "here", 80), "here:80"),
        ("http://[::1]:8000/v1", Address("http", "::1", 8000), "[::1]:8000"),
        ("http://bücher.example/", Address("http", "xn--bcher-kva.example", 80), "xn--bcher-kva.example"),
        ("http://me:s%40same@here:3128", Address("http", "here", 3128, "me:s@same"), "here:3128"),
    ],
)
def test_where_a_url_leads(url: str, address: Address, authority: str) -> None:
    assert Address.of(url) == address
    assert address.authority == authority
    assert "same" not in repr(address)
