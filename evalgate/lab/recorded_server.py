"""Serves recordings as an OpenAI-compatible provider on loopback: real calls, real answers, and no engine.

A model is a name that leads to one recording. Which one may be changed while the server runs, and nothing that it sends
tells of it: this is how a provider swaps what it serves without a word.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from evalgate.exchange import Answer, JsonValue, Message, Request
from evalgate.providers.recording import RecordedKey, read_recording

LOOPBACK = "127.0.0.1"
_Recording = Mapping[RecordedKey, Answer]


class RecordedServer(ThreadingHTTPServer):
    """Port 0 takes any free one; `recordings` are by the name that is asked for."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, recordings: Mapping[str, Path], port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self._serving: dict[str, _Recording] = {name: read_recording(path) for name, path in recordings.items()}

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.server_port}/v1"

    @property
    def names(self) -> list[str]:
        """What may be asked for."""
        return list(self._serving)

    def swap(self, name: str, recording: Path) -> None:
        """From now on, answer as `name` what another recording says."""
        self._serving[name] = read_recording(recording)

    def answer(self, body: Mapping[str, JsonValue]) -> Answer | None:
        """The recorded answer to a request's body; None where there is none."""
        found = self._serving.get(str(body.get("model")), {})
        return found.get((request_of(body).hash, 0))


def request_of(body: Mapping[str, JsonValue]) -> Request:
    """The request that a body asks for; raises `ValueError` for what is none."""
    rest = {key: value for key, value in body.items() if key not in ("model", "prompt", "messages")}
    prompt, messages = body.get("prompt"), body.get("messages")
    if isinstance(prompt, str):
        return Request(prompt, rest)
    if not isinstance(messages, list):
        raise ValueError("expected a prompt or messages")  # noqa: TRY004  # as for any other body that is none
    return Request(tuple(Message(str(m["role"]), str(m["content"])) for m in messages if isinstance(m, dict)), rest)


@contextmanager
def serving(recordings: Mapping[str, Path]) -> Iterator[RecordedServer]:
    """A server in a thread, for as long as it is used."""
    server = RecordedServer(recordings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RecordedServer

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        if not self.path.rstrip("/").endswith("/models"):
            self._send(404, {"error": {"message": "there are /v1/models, /v1/completions and /v1/chat/completions"}})
            return
        entries: list[JsonValue] = [{"id": name, "object": "model", "owned_by": "lab"} for name in self.server.names]
        self._send(200, {"object": "list", "data": entries})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        try:
            body = json.loads(self.rfile.read(int(length)))
            answer = self.server.answer(body)
        except (ValueError, KeyError, AttributeError):
            self._send(400, {"error": {"message": "not a request that was recorded"}})
            return
        if answer is None:
            self._send(404, {"error": {"message": "nothing was recorded for this request"}})
            return
        choice: dict[str, JsonValue] = {"index": 0, "finish_reason": answer.finish_reason}
        choice |= {"text": answer.text} if "prompt" in body else {"message": {"content": answer.text}}
        usage: JsonValue = {"prompt_tokens": answer.input_tokens, "completion_tokens": answer.output_tokens}
        self._send(200, {"model": body["model"], "choices": [choice], "usage": usage})

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def _send(self, status: int, content: Mapping[str, JsonValue]) -> None:
        data = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self.wfile.write(head.encode() + data)
