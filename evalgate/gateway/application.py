"""The ASGI application: calls are dispatched by hand, everything else goes through Starlette.

A call costs what it must: no middleware, no routing, one parse of its body. While an upstream is waited for a second
task listens for the client to leave, which cancels whatever is under way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from evalgate.gateway.asked import Gone, Receive, Scope, Send, headers_of, read_body, understood
from evalgate.gateway.caller import Caller, Doorkeeper
from evalgate.gateway.desk import Desk
from evalgate.gateway.failover import Serving
from evalgate.gateway.refusal import Refused
from evalgate.gateway.shapes import error_body, json_headers, kind_of, retry_header
from evalgate.gateway.translation import Speech

log = logging.getLogger("evalgate.gateway")
HOT: dict[str, tuple[str, Speech]] = {
    "/v1/chat/completions": ("/chat/completions", "openai"),
    "/v1/completions": ("/completions", "openai"),
    "/v1/embeddings": ("/embeddings", "openai"),
    "/v1/messages": ("/messages", "anthropic"),
}
Background = Callable[[], Awaitable[None]]
_LAST_WORDS = 1.0  # seconds for the last event of a stream that is cut off


class Application:
    """`live`: calls that are under way. `draining`: nothing new is taken any more."""

    def __init__(self, desk: Desk, doorkeeper: Doorkeeper, refusals: Callable[[Refused], None] | None = None) -> None:
        self.desk, self.doorkeeper, self._refusals = desk, doorkeeper, refusals
        self.live = 0
        self.draining = False
        self._most = desk.settings.max_body
        self._routes: list[BaseRoute] = []
        self._background: list[Background] = []
        self._others = _starlette(self._routes)
        self._tasks: list[asyncio.Task[None]] = []

    def mount(self, routes: Sequence[BaseRoute] = (), background: Sequence[Background] = ()) -> None:
        """Before it is served: more routes, and what runs in the background as long as the process does."""
        self._routes.extend(routes)
        self._background.extend(background)
        self._others = _starlette(self._routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            hot = HOT.get(scope["path"])
            if hot is None:
                await self._others(scope, receive, send)
            elif scope["method"] != "POST":
                refused = Refused(405, "invalid_request_error", f"{scope['path']} takes POST, not {scope['method']}")
                await _refuse(send, hot[1], refused)
            else:
                await self._serve(hot, scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def ask(self, path: str, raw: bytes, headers: dict[str, str], caller: Caller, send: Send) -> None:
        """Serve a call of this very process (a queue's, a shadow's), which nobody lets in and whose client stays.

        `path` as clients have it, such as /v1/chat/completions. `send` gets the messages of an ASGI response.
        """
        inner, speech = HOT[path]
        try:
            asked = understood(inner, speech, headers, caller, raw)
            serving = Serving(self.desk, asked, time.perf_counter())
            try:
                await serving.run(send)
            finally:
                serving.interrupted()
        except Refused as refused:
            await _refuse(send, speech, refused)

    async def _serve(self, hot: tuple[str, Speech], scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        self.live += 1
        serving: Serving | None = None
        try:
            headers = headers_of(scope["headers"])
            caller = self.doorkeeper.admit(headers)
            raw = await read_body(receive, headers, self._most)
            serving = Serving(self.desk, understood(*hot, headers, caller, raw), began)
            await self._attended(serving, receive, send)
        except Refused as refused:
            if self._refusals is not None:
                self._refusals(refused)
            await _refuse(send, hot[1], refused)
        except Gone:
            return
        except Exception:
            log.exception("a call failed for a reason of our own")
            if serving is not None and serving.started:
                raise  # the server breaks the connection, so that nothing looks complete
            await _refuse(send, hot[1], Refused(500, "api_error", "the gateway failed; its log says why"))
        finally:
            self.live -= 1

    async def _attended(self, serving: Serving, receive: Receive, send: Send) -> None:
        """Serve, and stop when the client leaves or the process has to end."""
        task = asyncio.current_task()
        assert task is not None
        watch = asyncio.get_running_loop().create_task(_watch(serving, receive, task))
        try:
            await serving.run(send)
        except asyncio.CancelledError:
            was_over = serving.over
            serving.interrupted()
            if not serving.left:  # the process ends
                if serving.started and not was_over:
                    await _last_words(serving, send)
                elif not serving.started:
                    await _refuse(send, serving.asked.speech, Refused(503, "overloaded_error", "the gateway stops"))
            task.uncancel()
        finally:
            watch.cancel()
            serving.interrupted()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._tasks = [asyncio.create_task(_forever(each)) for each in self._background]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * _LAST_WORDS):
                while self.live:
                    await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.desk.upstreams.close()
        await send({"type": "lifespan.shutdown.complete"})


def _starlette(routes: Sequence[BaseRoute]) -> Starlette:
    handlers: Mapping[Any, Any] = {HTTPException: _as_json, Exception: _as_bug}
    return Starlette(routes=list(routes), exception_handlers=handlers)


async def _watch(serving: Serving, receive: Receive, task: asyncio.Task[None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    if not serving.over:
        serving.left = True
        task.cancel()


async def _last_words(serving: Serving, send: Send) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS):
            await send({"type": "http.response.body", "body": serving.cut()})


async def _forever(work: Background) -> None:
    """Background work ends with the process; where it fails it is begun again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("work in the background failed, and is begun again")
            await asyncio.sleep(1)
        else:
            return


async def _refuse(send: Send, speech: Speech, refused: Refused) -> None:
    body = error_body(speech, refused)
    headers = json_headers(len(body), retry_header(refused.retry_after))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _as_json(request: Request, failure: HTTPException) -> Response:
    speech: Speech = "anthropic" if request.url.path.startswith("/v1/messages") else "openai"
    message = failure.detail
    if failure.status_code == 404:
        message = f"there is no {request.method} {request.url.path} here"
    elif failure.status_code == 405:
        message = f"{request.url.path} does not take {request.method}"
    refused = Refused(failure.status_code, kind_of(failure.status_code), message)
    return Response(error_body(speech, refused), failure.status_code, failure.headers, "application/json")


async def _as_bug(request: Request, failure: Exception) -> Response:
    del request, failure
    refused = Refused(500, "api_error", "the gateway failed; its log says why")
    return Response(error_body("openai", refused), 500, media_type="application/json")
