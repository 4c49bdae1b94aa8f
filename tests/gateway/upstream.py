"""A model server on loopback that says exactly what it is told to, in bytes: also what no HTTP library would send."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Play = Callable[["Talk"], Awaitable[None]]
USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
TEXT = "one two three four five"


@dataclass
class Request:
    """One request as it arrived. `gone`: seconds from then until the gateway closed the connection, if it did."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float
    gone: float | None = None

    @property
    def model(self) -> str:
        return str(self.body.get("model"))


@dataclass
class Talk:
    """What a play has: the request, and the line to the gateway."""

    request: Request
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    keep: bool = True

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def json(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"content-type": "application/json", "content-length": str(len(data)), **(headers or {})}
        self.head(status, told)
        self.writer.write(data)
        await self.writer.drain()

    def begin_stream(self) -> None:
        self.head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})

    async def piece(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self.writer.drain()

    def end_stream(self) -> None:
        self.writer.write(b"0\r\n\r\n")

    async def until_gone(self, seconds: float = 20.0) -> None:
        """Wait for the gateway to close the connection."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(65536):
                    pass
            self.request.gone = time.monotonic() - self.request.at
        except (TimeoutError, ConnectionError):
            self.request.gone = time.monotonic() - self.request.at
        self.keep = False


def answers(text: str = TEXT, **more: object) -> Play:
    """As a healthy server does, streamed if it is asked to."""

    async def play(talk: Talk) -> None:
        body = talk.request.body
        if body.get("stream"):
            wants = bool((body.get("stream_options") or {}).get("include_usage"))
            await streams(*events(text, usage=wants))(talk)
            return
        if talk.request.path.endswith("/embeddings"):
            data = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
            usage = {"prompt_tokens": 3, "total_tokens": 3}
            await talk.json(200, {"object": "list", "data": data, "model": talk.request.model, "usage": usage})
            return
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        await talk.json(200, {"id": "c1", "model": talk.request.model, "choices": [choice], "usage": USAGE, **more})

    return play


def event(delta: Mapping[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "c1", "choices": [choice]}).encode() + b"\n\n"


ROLE = event({"role": "assistant", "content": ""})
STOP = event({}, "stop")
DONE = b"data: [DONE]\n\n"
USAGE_EVENT = b"data: " + json.dumps({"id": "c1", "choices": [], "usage": USAGE}).encode() + b"\n\n"


def events(text: str = TEXT, *, usage: bool = False) -> list[bytes]:
    words = [event({"content": word + " "}) for word in text.split()]
    return [ROLE, *words, STOP, *([USAGE_EVENT] if usage else []), DONE]


def streams(*pieces: bytes, ends: bool = True, pause: float = 0.0, then: Play | None = None) -> Play:
    """Send these pieces; `ends` False: without the end that HTTP asks for; `then`: what comes after that."""

    async def play(talk: Talk) -> None:
        talk.begin_stream()
        for piece in pieces:
            await talk.piece(piece)
            await asyncio.sleep(pause)
        if then is not None:
            await then(talk)
        elif ends:
            talk.end_stream()
        else:
            talk.keep = False

    return play


def fails(status: int, message: str = "no", headers: Mapping[str, str] | None = None, **error: object) -> Play:
    async def play(talk: Talk) -> None:
        await talk.json(status, {"error": {"message": message, "type": "x", "code": None, **error}}, headers)

    return play


def says(status: int, data: bytes, headers: Mapping[str, str] | None = None) -> Play:
    async def play(talk: Talk) -> None:
        await talk.json(status, data, headers)

    return play


async def silence(talk: Talk) -> None:
    """Take the request, and never answer."""
    await talk.until_gone()


async def resets(talk: Talk) -> None:
    """Cut the line with a TCP reset."""
    sock = talk.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    talk.keep = False


@dataclass
class Upstream:
    """Runs in a thread of its own. `plays`: by model, one for each attempt; the last one goes on."""

    plays: dict[str, list[Play]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    def will(self, model: str, *plays: Play) -> None:
        self.plays[model] = list(plays)

    def asked(self, model: str) -> list[Request]:
        return [each for each in self.requests if each.model == model]

    @property
    def models(self) -> Sequence[str]:
        """Who was asked, in turn."""
        return [each.model for each in self.requests]

    def __enter__(self) -> Upstream:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=2**26)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                request = Request(head[0].split()[1], headers, body, time.monotonic())
                self.requests.append(request)
                plays = self.plays.get(request.model) or [answers()]
                play = plays.pop(0) if len(plays) > 1 else plays[0]
                talk = Talk(request, reader, writer)
                await play(talk)
                await writer.drain()
                if not talk.keep:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._talks.discard(task)
            writer.close()
