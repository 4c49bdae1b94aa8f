"""Serves one file of weights as an OpenAI-compatible provider on loopback.

    python -m evalgate.lab.server --weights FILE --model NAME --port PORT

One process serves one variant, and answers one request at a time: a batch of several would be faster, but then an
answer's last digits depend on who else was asking. `--max-tokens-cap` and `--context` stand for a serving that is
worse than its weights: answers cut short, prompts that lose their beginning, and no error to tell of it.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from hashlib import file_digest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

from evalgate.errors import EvalgateError
from evalgate.lab.engine import Engine, LlamaEngine
from evalgate.lab.protocol import RequestError, Serving, chat_completions, completions, error_body, models

__all__ = ["LOOPBACK", "LabServer"]

LOOPBACK = "127.0.0.1"
_LARGEST_BODY = 4 * 1024 * 1024
#: A connection that says nothing for so long is closed, so that forgotten clients do not hold threads for ever.
_IDLE_SECONDS = 300
_LAST_ANSWER_SECONDS = 5

_log = logging.getLogger(__name__)
_Route = Callable[..., dict[str, Any]]
_POST_ROUTES: Mapping[str, _Route] = {"/v1/completions": completions, "/v1/chat/completions": chat_completions}


class LabServer(ThreadingHTTPServer):
    """An HTTP server for one engine; port 0 takes any free one (see `server_port`)."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, engine: Engine, serving: Serving) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.engine = engine
        self.serving = serving
        #: Held while the engine generates.
        self.turn = threading.Lock()
        self.started = int(time.time())

    def handle_error(self, request: object, client_address: object) -> None:
        """Note what went wrong with one connection; the others must not feel it."""
        if isinstance(sys.exception(), ConnectionError | TimeoutError):
            _log.info("%s went away", client_address)
        else:
            _log.exception("%s", client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: LabServer

    def setup(self) -> None:
        super().setup()
        # Answers are small and come one at a time: waiting to fill a packet would only add 40 ms to each.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        if self._path() == "/v1/models":
            self._send(200, models(self.server.serving, created=self.server.started))
        elif self._path() in _POST_ROUTES:
            self._send(405, error_body(f"{self._path()} takes POST"))
        else:
            self._send(404, error_body(f"no such route: {self._path()}"))

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        route = _POST_ROUTES.get(self._path())
        if route is None:
            self._send(404, error_body(f"no such route: {self._path()}"))
            return
        try:
            parsed = json.loads(body)
            if not isinstance(parsed, dict):
                msg = "the body must be a JSON object"
                raise RequestError(msg)  # noqa: TRY301  (both ways of being malformed end in the same place)
            model = parsed.get("model")
            if model not in (None, self.server.serving.name):
                self._send(404, error_body(f"no model {model!r} here, only {self.server.serving.name!r}"))
                return
            with self.server.turn:
                answer = route(parsed, self.server.engine, self.server.serving, created=int(time.time()))
        except (RequestError, ValueError) as refusal:
            self._send(400, error_body(str(refusal)))
        except Exception as failure:
            _log.exception("%s failed", self._path())
            self._send(500, error_body(f"{type(failure).__name__}: {failure}", "server_error"))
        else:
            self._send(200, answer)

    def log_message(self, format: str, *args: object) -> None:
        _log.debug(format, *args)

    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            # What follows cannot be told from the next request, so the connection ends here.
            self.close_connection = True
            self._send(400, error_body(f"needs a Content-Length of at most {_LARGEST_BODY}, received {length!r}"))
            return None
        return self.rfile.read(int(length))

    def _send(self, status: int, body: Mapping[str, Any]) -> None:
        encoded = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(encoded)


def main(arguments: list[str] | None = None) -> int:
    """Load the weights, then serve until asked to stop."""
    parser = argparse.ArgumentParser(prog="python -m evalgate.lab.server", description="Serve one file of weights.")
    parser.add_argument("--weights", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--model", required=True, help="the name to serve it under")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=_positive, default=1)
    parser.add_argument("--context", type=_positive, default=2048, help="tokens that prompt and answer share")
    parser.add_argument("--max-tokens-cap", type=_positive, help="cut every answer to so many tokens, silently")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when whoever started this ends")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _stop)
    try:
        # Bound before the weights are loaded: a port that is taken shows at once.
        _require_free(options.port)
        with options.weights.open("rb") as file:
            sha256 = file_digest(file, "sha256").hexdigest()
        engine = LlamaEngine(options.weights, sha256=sha256, threads=options.threads, context=options.context)
        server = LabServer(options.port, engine, Serving(options.model, options.max_tokens_cap))
    except (OSError, EvalgateError) as failure:
        _log.error("%s", failure)
        return 4
    if options.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    _log.info("serving %s on %s:%d", options.model, LOOPBACK, options.port)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        # To leave while the engine computes would pull its memory from under it.
        server.turn.acquire(timeout=_LAST_ANSWER_SECONDS)
    return 0


def _end_with_stdin() -> None:
    """Wait for the other end of standard input to vanish: even a killed parent leaves no server behind."""
    while sys.stdin.buffer.read(1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _require_free(port: int) -> None:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind((LOOPBACK, port))


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        msg = f"must be at least 1, not {value}"
        raise argparse.ArgumentTypeError(msg)
    return value


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Before libgomp starts: threads that spin while they wait take the processor from the one that works.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    sys.exit(main())
