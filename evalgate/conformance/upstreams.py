"""The three model servers behind the router: they answer at once, fail when told to, and remember who was asked what.

A call carries a marker in its message. A server that has seen the marker was asked, whatever became of it after that:
a retry, a hedge or a shadow copy to a variant that is not eligible is seen too.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evalgate.conformance.servers import Handler, Server
from evalgate.conformance.world import UPSTREAMS, World
from evalgate.errors import InfrastructureError

Mood = Literal["well", "error", "busy", "hangs up", "cuts"]
MARKER = re.compile(rb"evalgate-call-[0-9a-f]{12}")
_LARGEST_BODY = 4 * 1024 * 1024


@dataclass(slots=True)
class Ledger:
    """Who was asked which call, in order. Threads write, the test reads."""

    asked: dict[str, list[str]] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def note(self, upstream: str, raw: bytes, body: dict[str, Any]) -> None:
        """Write down a request if it is one of ours: a router's own health checks have no marker."""
        found = MARKER.search(raw)
        if found is None:
            return
        with self._turn:
            self.asked.setdefault(found[0].decode(), []).append(upstream)
            self.bodies[found[0].decode()] = body

    def who(self, marker: str) -> tuple[str, ...]:
        """The servers that were asked this call, in order."""
        with self._turn:
            return tuple(self.asked.get(marker, ()))


class Upstream(Server):
    """An OpenAI-compatible server that says its own name; `mood` is how it treats the next calls."""

    def __init__(self, name: str, port: int, ledger: Ledger) -> None:
        super().__init__(port, _Handler)
        self.name, self.ledger = name, ledger
        self.mood: Mood = "well"


class Upstreams:
    """All of them, running. Use as a context."""

    def __init__(self, world: World) -> None:
        self.ledger = Ledger()
        self.hurt: set[str] = set()  # who has failed since this was last cleared
        self._servers: dict[str, Upstream] = {}
        try:
            for name in UPSTREAMS:
                self._servers[name] = Upstream(name, world.upstream_port(name), self.ledger)
        except InfrastructureError:
            self.__exit__()
            raise
        for server in self._servers.values():
            server.start()

    def feel(self, **moods: Mood) -> None:
        """Set the mood of the servers that are named, and of all others to `well`."""
        self.hurt.update(moods)
        for name, server in self._servers.items():
            server.mood = moods.get(name, "well")

    def __enter__(self) -> Upstreams:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.stop()


class _Handler(Handler):
    server: Upstream

    def do_GET(self) -> None:  # noqa: N802  # http.server calls it by this name
        self._json(200, {"object": "list", "data": [{"id": self.server.name, "object": "model"}]})

    def do_POST(self) -> None:  # noqa: N802
        length = int(self.headers.get("content-length") or 0)
        if not 0 < length <= _LARGEST_BODY:
            self._json(413 if length else 411, _error("expected a body with its length"))
            return
        raw = self.rfile.read(length)
        try:
            body = json.loads(raw)
        except ValueError:
            self._json(400, _error("not JSON"))
            return
        if not isinstance(body, dict):
            body = {}
        self.server.ledger.note(self.server.name, raw, body)
        self._answer(bool(body.get("stream")))

    def _answer(self, stream: bool) -> None:
        mood = self.server.mood
        if mood == "error":
            self._json(500, _error("the model server failed, as it was told to"))
        elif mood == "busy":
            self._json(429, _error("too many requests, as it was told"))
        elif mood == "hangs up" or (mood == "cuts" and not stream):
            self.close_connection = True
        elif stream:
            self._stream(cut=mood == "cuts")
        else:
            message = {"role": "assistant", "content": self.server.name}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self._json(200, self._completion("chat.completion", choice, _USAGE))

    def _completion(self, kind: str, choice: Mapping[str, object], usage: object = None) -> dict[str, object]:
        answer = {"id": "chatcmpl-1", "object": kind, "created": int(time.time()), "model": self.server.name}
        return {**answer, "choices": [choice], **({"usage": usage} if usage else {})}

    def _stream(self, *, cut: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self._chunk({"role": "assistant", "content": self.server.name[:2]})
        if cut:
            self.wfile.flush()
            time.sleep(0.01)  # so that the beginning is on its way before the line goes dead
            self.close_connection = True
            return
        self._chunk({"content": self.server.name[2:]})
        self._chunk({}, finish="stop")
        self._frame(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, delta: Mapping[str, str], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        event = self._completion("chat.completion.chunk", choice, _USAGE if finish else None)
        self._frame(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _frame(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _json(self, status: int, body: Mapping[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


_USAGE = {"prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22}


def _error(message: str) -> dict[str, object]:
    return {"error": {"message": message, "type": "conformance", "code": None}}
