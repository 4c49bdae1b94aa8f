"""A load of chat calls, so cheap that one core makes thousands a second: bytes in, bytes out, and when.

Calls leave at fixed times, whatever the answers do (an open loop), and a latency counts from the time at which the call
was to leave: a server that keeps the line waiting does not look fast for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Seen:
    """What came of a load; times in milliseconds, of the calls that succeeded."""

    sent: int = 0
    good: int = 0
    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    wrong: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def at(self, share: float, *, first: bool = False) -> float:
        """A percentile; NaN without any success."""
        values = sorted(self.first if first else self.whole)
        return values[min(int(share * len(values)), len(values) - 1)] if values else float("nan")


class _Line(asyncio.Protocol):
    """One connection, with one call at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.free = True
        self._done: asyncio.Future[str] | None = None
        self._buffer = bytearray()
        self.first_at = 0.0
        self.frames = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self._done is not None and not self._done.done():
            self._done.set_result("the connection was closed")

    async def call(self, request: bytes) -> str:
        """Empty when all went well, or what was wrong."""
        assert self.transport is not None
        self._done = asyncio.get_running_loop().create_future()
        self._buffer.clear()
        self.first_at, self.frames, self._stream, self._end = 0.0, 0, False, -1
        self.transport.write(request)
        return await self._done

    def data_received(self, data: bytes) -> None:
        done = self._done
        if done is None or done.done():
            return
        if self._end < 0:
            self._buffer += data
            head_end = self._buffer.find(b"\r\n\r\n")
            if head_end < 0:
                return
            head = bytes(self._buffer[:head_end]).lower()
            if not head.startswith(b"http/1.1 200"):
                done.set_result(head.split(b"\r\n", 1)[0].decode("latin-1"))
                return
            self._stream = b"transfer-encoding: chunked" in head
            self._end = 0
            if not self._stream:
                self._end = head_end + 4 + int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
                self.first_at = time.perf_counter()
            data = bytes(self._buffer[head_end + 4 :])
        elif not self._stream:
            self._buffer += data
        if not self._stream:
            if len(self._buffer) >= self._end:
                done.set_result("")
            return
        self.frames += data.count(b'"content":"') - data.count(b'"content":""')
        if self.first_at == 0.0 and self.frames:
            self.first_at = time.perf_counter()
        tail = (bytes(self._buffer[-16:]) + data)[-32:] if len(data) < 16 else data[-16:]
        if tail.endswith(b"0\r\n\r\n"):
            done.set_result("")
        self._buffer = bytearray(data[-16:])


def request_of(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The bytes of a POST."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def load(url: str, requests: Sequence[bytes], rate: float, seconds: float, *, patience: float = 30.0) -> Seen:
    """Send `requests` in turn, `rate` a second for so long, each on a connection that is free."""
    parts, seen, loop = urlsplit(url), Seen(), asyncio.get_running_loop()
    free: list[_Line] = []
    under_way: set[asyncio.Task[None]] = set()

    async def one(request: bytes, due: float) -> None:
        try:
            async with asyncio.timeout(patience):
                line = free.pop() if free else None
                if line is None or line.transport is None:
                    _, line = await loop.create_connection(_Line, parts.hostname, parts.port)
                wrong = await line.call(request)
        except TimeoutError:
            wrong = "no answer in time"
        except OSError as failure:
            wrong = type(failure).__name__
        if wrong:
            seen.wrong[wrong] = seen.wrong.get(wrong, 0) + 1
            if line is not None and line.transport is not None:
                line.transport.abort()
            return
        now = time.perf_counter()
        seen.good += 1
        seen.whole.append((now - due) * 1000)
        seen.first.append((line.first_at - due) * 1000)
        seen.frames.append(line.frames)
        free.append(line)

    began = time.perf_counter()
    total = round(rate * seconds)
    while seen.sent < total:
        now = time.perf_counter()
        due_now = min(int((now - began) * rate) + 1, total)
        while seen.sent < due_now:
            task = asyncio.ensure_future(one(requests[seen.sent % len(requests)], began + seen.sent / rate))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            seen.sent += 1
        await asyncio.sleep(max(began + seen.sent / rate - time.perf_counter(), 0))
    while under_way:
        await asyncio.wait(set(under_way))
    seen.seconds = time.perf_counter() - began
    for line in free:
        if line.transport is not None:
            line.transport.abort()
    return seen
