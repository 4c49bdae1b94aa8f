"""Encrypted connections, to a server and through proxies, with the certificates that the machine trusts."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from evalgate.exchange import Answer
from evalgate.providers import AttemptFailed, connect
from evalgate.providers.connection import Connection
from evalgate.providers.transfer import Transfer
from tests.conftest import catalog, completion, questions

T = TypeVar("T")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
NAME = "models.example"  # nobody can resolve it, but the proxy knows it


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate of this machine and of `NAME`, with its key; who looks for it is told to trust it."""
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = f"subjectAltName=IP:127.0.0.1,DNS:{NAME}"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", str(key), "-out", str(made), "-days", "1", "-subj", "/CN=here", "-addext", names]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(made))
    return made


def encryption(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@asynccontextmanager
async def model(certificate: Path) -> AsyncIterator[int]:
    """A server that answers every call, over TLS, and keeps the connection."""
    body = completion("encrypted").body

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    server = await asyncio.start_server(_quietly(serve), "127.0.0.1", 0, ssl=encryption(certificate))
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def proxy(port: int, asked: list[bytes], context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A proxy whose tunnels all lead to `port` on this machine; keeps what it was asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pass_on(reader, to_writer), _pass_on(to_reader, writer))

    server = await asyncio.start_server(_quietly(serve), "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


def _quietly(serve: Serve) -> Serve:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    return served


async def ask(folder: Path, url: str, count: int = 2) -> list[Answer]:
    endpoint = catalog(folder, base_url=url, timeout=5).endpoints("toy")["full"]
    client = connect(endpoint.provider, {})
    try:
        return [await client.ask(endpoint, question) for question in questions(count)]
    finally:
        await client.close()


@pytest.mark.parametrize("runner", ["asyncio", "uvloop"])
def test_a_server_whose_certificate_is_trusted(certificate: Path, tmp_path: Path, runner: str) -> None:
    async def run() -> list[Answer]:
        async with model(certificate) as port:
            return await ask(tmp_path, f"https://127.0.0.1:{port}/v1")

    assert [answer.text for answer in _run(run(), runner)] == ["encrypted", "encrypted"]


@pytest.mark.parametrize("runner", ["asyncio", "uvloop"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_sees_where_a_call_goes_and_nothing_of_it(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str, scheme: str
) -> None:
    asked: list[bytes] = []

    async def run() -> list[Answer]:
        context = encryption(certificate) if scheme == "https" else None
        async with model(certificate) as port, proxy(port, asked, context) as at:
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:sesame@127.0.0.1:{at}")
            return await ask(tmp_path, f"https://{NAME}/v1")

    assert [answer.text for answer in _run(run(), runner)] == ["encrypted", "encrypted"]
    (request,) = asked  # one tunnel for both calls
    assert request.startswith(b"CONNECT models.example:443 HTTP/1.1\r\nHost: models.example:443\r\n")
    assert b"Proxy-Authorization: Basic bWU6c2VzYW1l\r\n" in request


@pytest.mark.parametrize("runner", ["asyncio", "uvloop"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_certificate_of_somebody_else_is_no_connection(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str, scheme: str
) -> None:
    async def run() -> None:
        context = encryption(certificate) if scheme == "https" else None
        async with model(certificate) as port, proxy(port, [], context) as at:
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://127.0.0.1:{at}")
            await ask(tmp_path, "https://another.example/v1")

    # what went wrong within TLS within TLS, asyncio does not tell
    with pytest.raises(AttemptFailed, match=r"^no connection: .*(certificate|CERTIFICATE|match|handshake)") as caught:
        _run(run(), runner)
    assert caught.value.unreachable


@pytest.mark.parametrize("runner", ["asyncio", "uvloop"])
@pytest.mark.parametrize("says", [b"", b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nnoise"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_breaks_off_is_no_connection(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: str, says: bytes, scheme: str
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(says)
        writer.close()

    async def run() -> None:
        context = encryption(certificate) if scheme == "https" else None
        async with await asyncio.start_server(_quietly(serve), "127.0.0.1", 0, ssl=context) as server:
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            async with asyncio.timeout(3):  # long before a call would be given up
                await ask(tmp_path, f"https://{NAME}/v1")

    with pytest.raises(AttemptFailed, match=r"^no connection: .+") as caught:
        _run(run(), runner)
    assert caught.value.unreachable


@pytest.mark.parametrize("runner", ["asyncio", "uvloop"])
def test_whoever_gives_up_in_the_handshake_takes_no_other_call_with_him(
    certificate: Path, tmp_path: Path, runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> list[Answer]:
        endpoint = catalog(tmp_path, base_url=f"https://127.0.0.1:{port}/v1").endpoints("toy")["full"]
        client = connect(endpoint.provider, {})
        made = Connection.connection_made

        def give_up(connection: Connection, transport: asyncio.BaseTransport) -> None:
            made(connection, transport)
            if connection.wire is not transport:  # it is encrypted now
                monkeypatch.setattr(Connection, "connection_made", made)
                first.cancel()

        monkeypatch.setattr(Connection, "connection_made", give_up)
        first = asyncio.ensure_future(client.ask(endpoint, questions(1)[0]))
        await asyncio.wait([first])
        try:
            return await asyncio.gather(*(client.ask(endpoint, question) for question in questions(10)))
        finally:
            await client.close()

    async def with_server() -> list[Answer]:
        nonlocal port
        async with model(certificate) as port:
            return await run()

    port = 0
    assert {answer.text for answer in _run(with_server(), runner)} == {"encrypted"}


@pytest.mark.parametrize("runner", ["asyncio", "uvloop"])
def test_a_reader_that_takes_its_time_gets_all_that_an_encrypted_server_sent(
    certificate: Path, tmp_path: Path, runner: str
) -> None:
    lines = [b"x" * 99] * 12_500  # a little more than is held for a reader

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"\n".join(lines)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    async def run() -> list[bytes]:
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=encryption(certificate)) as server:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            transfer = Transfer(catalog(tmp_path, base_url=url).endpoints("toy")["full"].provider, None)
            read = []
            async for line in transfer.lines("/file"):
                if not read:
                    await asyncio.sleep(0.5)
                read.append(line)
            await transfer.close()
            return read

    assert _run(run(), runner) == lines


def _run(work: Coroutine[Any, Any, T], runner: str) -> T:
    if runner == "asyncio":
        return asyncio.run(work)
    answer: T = pytest.importorskip("uvloop").run(work)
    return answer
