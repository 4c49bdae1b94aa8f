"""Connections that are opened, shared out, and used again only when nothing speaks against it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from evalgate.providers import AttemptFailed
from evalgate.providers.connections import Address, Connections
from tests.providers.raw import OK, REQUEST, ask, response, sent, server, whole


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


@pytest.mark.parametrize("status", [b"413 Too Large", b"429 Too Many", b"400 Bad"])
def test_after_an_error_the_connection_is_not_used_again(status: bytes) -> None:
    """It may be told before the request was read, and the rest of that is then answered as if it were the next one."""
    refusal = b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}"
    with server(sent(refusal, response(b"to the rest", []), close=False), sent(response(b"b", []))) as address:
        assert ask(address, 2)[1][1] == b"b"


@pytest.mark.parametrize("late", [response(b"evil", []), b""], ids=["a response", "the end"])
def test_what_came_while_nobody_looked_is_not_the_next_answer(late: bytes) -> None:
    def say(connection: socket.socket) -> None:
        connection.sendall(response(b"a", []))
        time.sleep(0.1)
        connection.sendall(late)

    async def twice(address: Address) -> bytes:
        connections = Connections(address, None, 5)
        connection = await connections.take()
        await whole(connection)
        connections.give_back(connection)
        time.sleep(0.3)  # so that the event loop sees nothing of it
        again = await connections.take()
        body = (await whole(again))[1]
        connections.give_back(again)
        await connections.close()
        return body

    with server(say, sent(response(b"b", []))) as address:
        assert asyncio.run(twice(address)) == b"b"


def test_a_server_that_does_not_take_a_large_body_is_waited_for_without_holding_all_of_it() -> None:
    body = b"x" * 50_000_000 + b"end"
    waiting = []

    def say(connection: socket.socket) -> None:
        time.sleep(0.5)
        while not connection.recv(1 << 20).endswith(b"end"):
            pass
        connection.sendall(response(b"taken", []))

    async def send(address: Address) -> bytes:
        connections = Connections(address, None, 5)
        connection = await connections.take()
        calling = asyncio.ensure_future(connection.call(REQUEST, body))
        await asyncio.sleep(0.3)
        assert connection.wire is not None
        waiting.append(connection.wire.get_write_buffer_size())
        await calling
        answer = await connection.piece()
        connections.give_back(connection)
        await connections.close()
        return answer

    with server(say) as address:
        assert asyncio.run(send(address)) == b"taken"
    assert 0 < waiting[0] < 1_000_000


def test_a_server_may_say_no_before_it_has_taken_everything() -> None:
    answered = threading.Event()

    def say(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
        answered.wait(5)  # whoever closes a connection with something unread on it may take back what he has sent

    async def send(address: Address) -> int:
        connections = Connections(address, None, 5)
        connection = await connections.take()
        head = await connection.call(REQUEST, b"x" * 50_000_000)
        assert await connection.piece() == b"{}"
        answered.set()
        connections.give_back(connection)
        await connections.close()
        return head.status

    with server(say) as address:
        assert asyncio.run(asyncio.wait_for(send(address), 5)) == 413


def test_a_name_is_looked_up_once_for_all_who_want_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []
    look_up = socket.getaddrinfo

    def slowly(*arguments, **more):  # type: ignore[no-untyped-def]
        looked_up.append(arguments[0])
        time.sleep(0.2)
        return look_up(*arguments, **more)

    async def connect(port: int) -> None:
        connections = Connections(Address("http", "localhost", port), None, 2)
        opened = await asyncio.gather(*(connections.take() for _ in range(40)))
        impatient = asyncio.ensure_future(connections.take())
        await asyncio.sleep(0)
        impatient.cancel()
        for connection in opened:
            connections.give_back(connection)
        await connections.close()

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        asyncio.run(connect(listening.getsockname()[1]))
    assert looked_up == ["localhost"]


def test_a_failed_lookup_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []

    def fail(name, *arguments, **more):  # type: ignore[no-untyped-def]
        looked_up.append(name)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    async def connect() -> None:
        connections = Connections(Address("http", "nobody.invalid", 80), None, 2)
        for _ in range(2):
            with pytest.raises(AttemptFailed, match=r"^no connection: ") as caught:
                await connections.take()
            assert caught.value.unreachable
        await connections.close()

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    asyncio.run(connect())
    assert looked_up == ["nobody.invalid"] * 2


@pytest.mark.parametrize(
    ("url", "address", "authority"),
    [
        ("http://here", Address("http", "here", 80), "here"),
        ("https://here:443/v1", Address("https", "here", 443), "here"),
        ("https://here:80", Address("https", "here", 80), "here:80"),
        ("http://[::1]:8000/v1", Address("http", "::1", 8000), "[::1]:8000"),
        ("http://here./", Address("http", "here", 80), "here"),
        ("http://me:s%40same@here:3128", Address("http", "here", 3128, "me:s@same"), "here:3128"),
    ],
)
def test_where_a_url_leads(url: str, address: Address, authority: str) -> None:
    assert Address.of(url) == address
    assert address.authority == authority
    assert "same" not in repr(address)


@pytest.mark.parametrize(
    "url", ["http://straße.example", "http://a..b", "http://.", "http://", "http://a:0", "http://[::1"]
)
def test_where_a_url_does_not_lead(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whoever asks says what is wrong
        Address.of(url)
