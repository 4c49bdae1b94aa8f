"""HTTP/1.1 as servers really speak it: in any pieces, with any framing, and without end."""

from __future__ import annotations

import asyncio
import itertools
import socket
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.providers import AttemptFailed
from evalgate.providers.connection import MAX_HELD_BYTES, MAX_SILENT_BYTES, Connection
from evalgate.providers.connections import Address, Connections
from tests.providers.raw import OK, REQUEST, ask, response, sent, server, whole


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
        connection.connection_made(_Nowhere(near))
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

    near, far = socket.socketpair()
    with near, far:
        asyncio.run(feed())


@settings(max_examples=200)
@given(st.binary(max_size=400), st.integers(0, 400))
def test_whatever_comes_there_is_an_answer_or_a_failed_attempt(noise: bytes, keep: int) -> None:
    async def feed() -> None:
        connection = Connection()
        connection.connection_made(_Nowhere(near))
        asked = asyncio.ensure_future(whole(connection))
        await asyncio.sleep(0)
        connection.data_received(response(b"x" * 200, [7])[:keep] + noise)
        connection.connection_lost(None)
        (outcome,) = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(outcome, AttemptFailed | tuple)

    near, far = socket.socketpair()
    with near, far:
        asyncio.run(feed())


class _Nowhere(asyncio.Transport):
    def __init__(self, near: socket.socket) -> None:
        super().__init__({"socket": near})

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
