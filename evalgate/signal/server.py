"""Serves a published document over HTTP, to readers on other machines.

    GET /signal                the document; its ETag names exactly these bytes
      If-None-Match: "…"       304 when nothing changed
      ?wait=30                 with If-None-Match: answers at the first change, or with 304 after so many seconds
    GET /signal/events         server-sent events: `event: signal`, `id: 7` and `data: {"seq": 7}` at each change
    GET /health                200 while a document is served that has not run out, else 503; needs no token

With tokens, all but /health asks for `Authorization: Bearer …`. Several tokens at once are a rotation.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from evalgate.signal.watching import Served, Watch

MAX_WAIT = 60.0  # seconds; proxies give up soon after
COMMENT_EVERY = 15.0  # seconds between two signs of life on an event stream
_REVALIDATE = {"cache-control": "no-cache"}  # a cache between us and the reader asks before it answers

Handler = Callable[[Request], Awaitable[Response]]


def application(watch: Watch, tokens: Sequence[str] = ()) -> Starlette:
    """The ASGI application; without tokens everybody may read."""
    secrets = [token.encode() for token in tokens]

    def guarded(handle: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            return await handle(request) if _may_read(request, secrets) else _turned_away()

        return answer

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await watch.look()
        following = asyncio.create_task(watch.follow())
        yield
        following.cancel()

    async def signal(request: Request) -> Response:
        known = request.headers.get("if-none-match", "")
        try:
            wait = _seconds(request.query_params.get("wait"))
        except ValueError:
            return PlainTextResponse(f"wait: expected seconds, at most {MAX_WAIT:.0f}\n", 400)
        served = watch.served
        if wait and (served is None or _names(known, served)):
            served = await watch.newer(served.tag if served is not None else "", wait)
        return _document(served, known)

    async def events(_: Request) -> Response:
        return StreamingResponse(_events(watch), media_type="text/event-stream", headers=_REVALIDATE)

    async def health(_: Request) -> Response:
        return _health(watch)

    routes = [
        Route("/signal", guarded(signal)),
        Route("/signal/events", guarded(events)),
        Route("/health", health),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _document(served: Served | None, known: str) -> Response:
    if served is None:
        return PlainTextResponse("nothing is published yet\n", 503, {"retry-after": "1"})
    headers = {"etag": served.tag, "x-evalgate-seq": str(served.document.seq), **_REVALIDATE}
    if _names(known, served):
        return Response(status_code=304, headers=headers)
    return Response(served.data, headers=headers, media_type="application/json")


def _names(known: str, served: Served) -> bool:
    """Whether `If-None-Match` names this document; as RFC 9110 has it, a weak tag will do, and `*` names any."""
    if known == served.tag:
        return True
    return any(tag.strip().removeprefix("W/") in {served.tag, "*"} for tag in known.split(",", 32)[:32])


def _seconds(value: str | None) -> float:
    """At most `MAX_WAIT`. Raises `ValueError` for what is no number of seconds."""
    seconds = float(value) if value else 0.0
    if math.isnan(seconds) or seconds < 0:
        raise ValueError(value)
    return min(seconds, MAX_WAIT)


async def _events(watch: Watch) -> AsyncIterator[str]:
    """The newest document's seq at once, then each other one; comments in between show that the line is alive."""
    tag = ""
    while True:
        served = await watch.newer(tag, COMMENT_EVERY)
        if served is None or served.tag == tag:
            yield ": alive\n\n"
        else:
            tag, seq = served.tag, served.document.seq
            yield f'event: signal\nid: {seq}\ndata: {{"seq": {seq}}}\n\n'


def _health(watch: Watch) -> Response:
    served, now = watch.served, datetime.now(UTC)
    good = served is not None and served.document.expires_at > now and not watch.trouble
    content: dict[str, object] = {"status": "ok" if good else "failing"}
    if served is not None:
        left = (served.document.expires_at - now).total_seconds()
        content |= {"seq": served.document.seq, "expires_in_seconds": round(left)}
    if watch.trouble:
        content["trouble"] = "what is published cannot be read or served; see the server's log"
    return JSONResponse(content, 200 if good else 503)


def _may_read(request: Request, secrets: Sequence[bytes]) -> bool:
    if not secrets:
        return True
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip().encode("utf-8", "replace")
    matches = [hmac.compare_digest(given, secret) for secret in secrets]  # all of them: time tells nothing
    return kind.lower() == "bearer" and any(matches)


def _turned_away() -> Response:
    return PlainTextResponse("a bearer token is needed\n", 401, {"www-authenticate": "Bearer"})
