"""OpenAI's and Anthropic's batch APIs on loopback, as their documentation describes them, with faults to order.

What a question costs is counted when its batch is worked off, as the providers bill it: `paid` tells how often each was
bought. A batch is worked off when it has been looked at `looks` times and is not `held`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from evalgate.catalog import Endpoint
from evalgate.exchange import Message, Question, Request
from tests.conftest import catalog, variant

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A question that is worked off, for the `nth` time (from 1)."""

    custom_id: str
    prompt: str
    body: Row
    nth: int


@dataclass(frozen=True)
class Status:
    """An HTTP error of one question."""

    code: int
    message: str = "no"


@dataclass(frozen=True)
class Not:
    """A question without a response: expired, canceled, or missing in the results."""

    why: str = "expired"


@dataclass(frozen=True)
class Lines:
    """Raw lines in place of a result."""

    lines: Sequence[bytes]


Outcome = str | Status | Not | Lines


@dataclass(frozen=True)
class Fault:
    """What becomes of one call: an error, a response that never comes, or one that breaks off after `only` bytes.

    It does so after `wait` seconds, and breaks off after `stall` more.
    """

    status: int = 0
    lost: bool = False
    only: int = 0
    wait: float = 0.0
    stall: float = 0.0


@dataclass
class Call:
    """A call that arrived; `nth` counts those of the same method and kind, from 1."""

    method: str
    kind: str
    headers: Mapping[str, str]
    path: str
    nth: int


@dataclass
class Batch:
    """A batch at the server."""

    id: str
    made: int
    requests: list[tuple[str, Row]]
    metadata: Row | None = None
    endpoint: str = ""
    looks: int = 0
    status: str = "in_progress"
    errors: list[Row] = field(default_factory=list)
    results: list[tuple[str, Outcome]] = field(default_factory=list)
    canceling: bool = False

    @property
    def over(self) -> bool:
        return self.status in {"completed", "failed", "expired", "cancelled"}


def chats(count: int, *, first: int = 0) -> list[Question]:
    """Different questions, as messages: `q0` to `q<count-1>`."""
    return [
        Question(f"c{n}", Request((Message("user", f"q{n}"),), {"max_tokens": 16})) for n in range(first, first + count)
    ]


class BatchServer:
    """Both APIs in a thread; `behave` says what becomes of a question, `fault` of a call."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.batches: dict[str, Batch] = {}
        self.files: dict[str, bytes] = {}
        self.paid: Counter[str] = Counter()
        self.live: list[Row] = []
        self.takes = 0.0
        self.behave: Callable[[Asked], Outcome] = lambda asked: f"answer to {asked.prompt}"
        self.fault: Callable[[Call], Fault | None] = lambda call: None
        self.looks, self.held = 1, False
        self.most, self.most_waiting = 100_000, 1_000_000_000
        self.waits_for_files = False
        self.key: str | None = None
        self.results_at: str | None = None
        self.called: str | None = None
        self.unlisted = False
        self._ids = itertools.count()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._asked: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def endpoint(self, folder: Path, protocol: str = "openai", **more: object) -> Endpoint:
        """A variant that is served here, at half the price."""
        path = "" if protocol == "azure" else "/v1"
        url = {"base_url": f"http://127.0.0.1:{self.port}{path}", "protocol": protocol}
        return catalog(folder, variant(batch_discount=0.5), **{**url, **more}).endpoints("toy")["full"]

    def count(self, kind: str, method: str = "POST") -> int:
        """How many calls of a kind arrived."""
        return self._counts[method, kind]

    @property
    def sizes(self) -> list[int]:
        """Of the batches, in their order."""
        return [len(batch.requests) for batch in self.batches.values()]

    def release(self) -> None:
        """Let all batches be worked off that were held."""
        self.held = False

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> int:
        app = web.Application(client_max_size=300 * 1024 * 1024)
        routes = {
            ("POST", "/files"): ("files", self._upload),
            ("GET", "/files/{id}"): ("file", self._file),
            ("GET", "/files/{id}/content"): ("content", self._content),
            ("POST", "/batches"): ("batches", self._create),
            ("GET", "/batches"): ("list", self._list),
            ("GET", "/batches/{id}"): ("batch", self._look),
            ("POST", "/batches/{id}/cancel"): ("cancel", self._cancel),
            ("POST", "/chat/completions"): ("live", self._live),
            ("POST", "/embeddings"): ("live", self._live),
        }
        theirs = {
            ("POST", "/messages/batches"): ("batches", self._create_messages),
            ("GET", "/messages/batches/{id}"): ("batch", self._look_at_messages),
            ("GET", "/messages/batches/{id}/results"): ("content", self._results),
            ("POST", "/messages/batches/{id}/cancel"): ("cancel", self._cancel_messages),
        }
        for root, table in ("/v1", routes), ("/openai/v1", routes), ("/openai", routes), ("/v1", theirs):
            for (method, path), (kind, handler) in table.items():
                app.router.add_route(method, root + path, self._wrap(kind, handler))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port: int = self._runner.addresses[0][1]
        return port

    def _wrap(self, kind: str, handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.StreamResponse:
            self._counts[request.method, kind] += 1
            nth = self._counts[request.method, kind]
            call = Call(request.method, kind, dict(request.headers), request.path_qs, nth)
            self.calls.append(call)
            shown = [request.headers.get(name, "") for name in ("Authorization", "x-api-key", "api-key")]
            if self.key is not None and not any(self.key in header for header in shown):
                return error(401, "invalid key")
            fault = self.fault(call)
            if fault is not None and fault.status:
                return error(fault.status, "ordered")
            response: web.Response = await handler(request)
            if fault is None:
                return response
            await asyncio.sleep(fault.wait)
            assert request.transport is not None
            if fault.lost:
                request.transport.abort()
            if not fault.only:
                return response
            assert isinstance(response.body, bytes)
            partial = web.StreamResponse(headers={"Content-Length": str(len(response.body))})
            await partial.prepare(request)
            await partial.write(response.body[: fault.only])
            await asyncio.sleep(fault.stall)
            request.transport.close()
            return partial

        return handle

    # OpenAI

    async def _live(self, request: web.Request) -> web.Response:
        """A call of its own, outside of any batch."""
        body = await request.json()
        self.live.append(body)
        prompt = str(body["input"] if "input" in body else body["messages"][-1]["content"])
        self._asked[prompt] += 1
        outcome = self.behave(Asked("", prompt, body, self._asked[prompt]))
        await asyncio.sleep(self.takes)
        if isinstance(outcome, Status):
            return error(outcome.code, outcome.message)
        self.paid[prompt] += 1
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        if "input" in body:
            return web.json_response({"object": "list", "data": [{"embedding": [0.5], "index": 0}], "usage": usage})
        message = {"role": "assistant", "content": outcome}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return web.json_response(
            {"id": "1", "object": "chat.completion", "model": body["model"], "choices": choices, "usage": usage}
        )

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("purpose") != "batch" or not isinstance(form.get("file"), web.FileField):
            return error(400, "a file with the purpose batch is required")
        id_ = f"file-{len(self.files)}"
        self.files[id_] = form["file"].file.read()  # type: ignore[union-attr]
        return web.json_response(self._file_object(id_, ready=not self.waits_for_files))

    async def _file(self, request: web.Request) -> web.Response:
        return web.json_response(self._file_object(request.match_info["id"], ready=True))

    def _file_object(self, id_: str, *, ready: bool) -> Row:
        status = "processed" if ready else "pending"
        return {"id": id_, "object": "file", "bytes": len(self.files[id_]), "purpose": "batch", "status": status}

    async def _content(self, request: web.Request) -> web.Response:
        data = self.files.get(request.match_info["id"])
        return error(404, "no such file") if data is None else web.Response(body=data)

    async def _create(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body.get("completion_window") != "24h" or body.get("input_file_id") not in self.files:
            return error(400, "completion_window must be 24h, and input_file_id the id of a file")
        rows = [json.loads(line) for line in self.files[body["input_file_id"]].splitlines()]
        batch = self._new("batch", [(row["custom_id"], row["body"]) for row in rows])
        batch.metadata, batch.endpoint = body.get("metadata"), body["endpoint"]
        if any(row["url"] != batch.endpoint or row["method"] != "POST" for row in rows):
            batch.errors.append({"code": "url_mismatch", "message": "The URL of a request differs", "line": 1})
        if len({row["custom_id"] for row in rows}) < len(rows):
            batch.errors.append({"code": "duplicate_custom_id", "message": "The custom_id must be unique"})
        if len(rows) > self.most:
            batch.errors.append({"code": "too_many_tasks", "message": "The batch has too many requests"})
        if sum(len(other.requests) for other in self.batches.values() if not other.over) > self.most_waiting:
            limit = f"Enqueued token limit reached. Limit: {self.most_waiting}"
            batch.errors.append({"code": "token_limit_exceeded", "message": limit, "line": None, "param": None})
        if batch.errors:
            batch.status = "failed"
        return web.json_response(self._object(batch) | {"status": "validating"})

    async def _list(self, request: web.Request) -> web.Response:
        newest = [] if self.unlisted else list(reversed(self.batches.values()))
        ids = [batch.id for batch in newest]
        start = ids.index(request.query["after"]) + 1 if "after" in request.query else 0
        page = newest[start : start + int(request.query.get("limit", "20"))]
        more = start + len(page) < len(newest)
        return web.json_response({"object": "list", "data": [self._object(it) for it in page], "has_more": more})

    async def _look(self, request: web.Request) -> web.Response:
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            return error(404, "no such batch")
        self._go_on(batch)
        if batch.over and f"out-{batch.id}" not in self.files:
            good = [row for key, it in batch.results if isinstance(it, str | Lines) for row in self._lines(key, it)]
            bad = [row for key, it in batch.results if isinstance(it, Status | Not) for row in self._lines(key, it)]
            self.files[f"out-{batch.id}"], self.files[f"err-{batch.id}"] = b"".join(good), b"".join(bad)
        return web.json_response(self._object(batch))

    async def _cancel(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        if batch.over:
            return error(409, f"Cannot cancel a batch with status '{batch.status}'.")
        batch.canceling, batch.status = True, "cancelling"
        return web.json_response(self._object(batch))

    def _object(self, batch: Batch) -> Row:
        done = [it for _, it in batch.results if not isinstance(it, Not)]
        failed = sum(isinstance(it, Status) for it in done)
        files = {name: f"{name[:3]}-{batch.id}" for name in ("output_file_id", "error_file_id")}
        names = {name: id_ if self.files.get(id_) else None for name, id_ in files.items()}
        return {
            "id": batch.id if self.called is None else self.called,
            "object": "batch",
            "endpoint": batch.endpoint,
            "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
            "status": batch.status,
            "created_at": batch.made,
            "request_counts": {
                "total": len(batch.requests),
                "completed": len(done) - failed,
                "failed": failed,
            },
            "metadata": batch.metadata,
            **names,
        }

    def _lines(self, key: str, outcome: Outcome) -> list[bytes]:
        row: Row = {"id": f"batch_req_{key[:6]}", "custom_id": key, "response": None, "error": None}
        match outcome:
            case Lines():
                return [line + b"\n" for line in outcome.lines]
            case Not("missing"):
                return []
            case Not():
                message = "This request could not be executed before the completion window expired."
                row["error"] = {"code": f"batch_{outcome.why}", "message": message}
            case Status():
                body: Row = {"error": {"message": outcome.message, "type": "invalid_request_error"}}
                row["response"] = {"status_code": outcome.code, "request_id": "req", "body": body}
            case _:
                message_ = {"role": "assistant", "content": outcome}
                usage = {"prompt_tokens": 3, "completion_tokens": 2}
                choices = [{"index": 0, "text": outcome, "message": message_, "finish_reason": "stop"}]
                row["response"] = {"status_code": 200, "body": {"choices": choices, "usage": usage}}
        return [json.dumps(row).encode() + b"\n"]

    # Anthropic

    async def _create_messages(self, request: web.Request) -> web.Response:
        body = await request.json()
        if request.headers.get("anthropic-version") != "2023-06-01" or not isinstance(body.get("requests"), list):
            return error(400, "anthropic-version and requests are required")
        rows = [(row["custom_id"], row["params"]) for row in body["requests"]]
        if len(dict(rows)) < len(rows) or any("max_tokens" not in params for _, params in rows):
            return error(400, "custom_id must be unique; max_tokens is required")
        return web.json_response(self._message_batch(self._new("msgbatch", rows)))

    async def _look_at_messages(self, request: web.Request) -> web.Response:
        batch = self.batches.get(request.match_info["id"])
        if batch is None:
            return error(404, "no such batch")
        self._go_on(batch)
        return web.json_response(self._message_batch(batch))

    async def _cancel_messages(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        if batch.over:
            return error(400, "a batch that has ended cannot be canceled")
        batch.canceling = True
        return web.json_response(self._message_batch(batch))

    async def _results(self, request: web.Request) -> web.Response:
        batch = self.batches[request.match_info["id"]]
        return web.Response(body=b"".join(line for key, it in batch.results for line in self._result(key, it)))

    def _message_batch(self, batch: Batch) -> Row:
        kinds = Counter(_kind(outcome) for _, outcome in batch.results)
        names = ("succeeded", "errored", "canceled", "expired")
        url = f"{self.results_at or f'http://127.0.0.1:{self.port}'}/v1/messages/batches/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if batch.over else "canceling" if batch.canceling else "in_progress",
            "request_counts": {"processing": 0 if batch.over else len(batch.requests)}
            | {name: kinds[name] if batch.over else 0 for name in names},
            "cancel_initiated_at": "2024-08-20T18:37:24.100435Z" if batch.canceling else None,
            "results_url": url if batch.over else None,
        }

    def _result(self, key: str, outcome: Outcome) -> list[bytes]:
        match outcome:
            case Lines():
                return [line + b"\n" for line in outcome.lines]
            case Not("missing"):
                return []
            case Not():
                result: Row = {"type": _kind(outcome)}
            case Status():
                names = {400: "invalid_request_error", 413: "request_too_large", 429: "rate_limit_error"}
                inner = {"type": names.get(outcome.code, "api_error"), "message": outcome.message}
                result = {"type": "errored", "error": {"type": "error", "error": inner, "request_id": "req"}}
            case _:
                usage = {"input_tokens": 3, "output_tokens": 2}
                content = [{"type": "text", "text": outcome}]
                message = {"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage}
                result = {"type": "succeeded", "message": message}
        return [json.dumps({"custom_id": key, "result": result}).encode() + b"\n"]

    # both

    def _new(self, kind: str, requests: list[tuple[str, Row]]) -> Batch:
        id_ = f"{kind}_{next(self._ids):04}"
        batch = self.batches[id_] = Batch(id_, int(time.time()), requests)
        return batch

    def foreign(self, count: int) -> None:
        """Batches that somebody else hands in."""
        for _ in range(count):
            self._new("batch", [])

    def _go_on(self, batch: Batch) -> None:
        batch.looks += 1
        if batch.over or (self.held and not batch.canceling) or batch.looks <= self.looks:
            return
        for key, body in batch.requests:
            prompt = str(body.get("prompt") or body["messages"][-1]["content"])
            if batch.canceling:
                batch.results.append((key, Not("canceled")))
                continue
            self._asked[prompt] += 1
            outcome = self.behave(Asked(key, prompt, body, self._asked[prompt]))
            batch.results.append((key, outcome))
            if not isinstance(outcome, Status) and outcome not in (Not("expired"), Not("canceled")):
                self.paid[prompt] += 1
        ended = "expired" if any(it == Not("expired") for _, it in batch.results) else "completed"
        batch.status = "cancelled" if batch.canceling else ended


def _kind(outcome: Outcome) -> str:
    if isinstance(outcome, Not):
        return "expired" if outcome.why == "missing" else outcome.why
    return "errored" if isinstance(outcome, Status) else "succeeded"


def error(status: int, message: str) -> web.Response:
    """An error as both APIs send it, with leave to try again at once."""
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    return web.json_response(body, status=status, headers={"retry-after-ms": "1"})
