"""The pages at `/models/`, for a server that has other work: rendered in a thread, and never twice for two viewers.

    GET /models/                 the list; its form's query filters it, also without JavaScript
    GET /models/{author}/{slug}  a model's page
    GET /models/-/events?page=…  server-sent events: `event: parts` with the parts that changed, as rendered

What was rendered counts for a second, whoever asks; an open page is sent its parts every few seconds, rendered once for
all who look at it, and not at all while nobody does.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from evalgate.web.events import Broadcast, TooManyError
from evalgate.web.listing import Filter
from evalgate.web.names import way_up
from evalgate.web.render import Served, policy, render_index, render_model
from evalgate.web.view import View

FRESH_SECONDS = 1.0  # that a rendered page counts
KEPT = 64  # rendered pages
_HEADERS = {
    "content-security-policy": policy(served=True),
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Pages:
    """The routes of the model pages. `look` gives the view of this moment; it is called in a thread, must be quick."""

    def __init__(
        self,
        look: Callable[[], View],
        *,
        every: float = 5.0,
        viewers: int = 500,
        leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        """`every`: seconds between two refreshments of an open page; `viewers`: open pages at a time, at most.

        `leaving`: whether the server drains; viewers are let go within `every`, for an open page would hold it up.
        """
        self._look = look
        self._broadcast = Broadcast(look, every=every, most=viewers, leaving=leaving)
        self._kept: OrderedDict[object, tuple[float, str]] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        self.routes = [
            Route("/models", self._to_list),
            Route("/models/", self._list),
            Route("/models/-/events", self._events),
            Route("/models/{page:path}", self._model),
        ]

    async def _to_list(self, request: Request) -> Response:
        del request
        return RedirectResponse("models/")  # relative: a proxy may have put us below a folder

    async def _list(self, request: Request) -> Response:
        wanted = Filter.of(dict(request.query_params))
        return await self._rendered(wanted, lambda view: render_index(view, wanted, served=True))

    async def _model(self, request: Request) -> Response:
        page = request.path_params["page"]

        def rendered(view: View) -> str | None:
            model = view.proofs.model_at(page)
            if model is None:
                return None
            return render_model(view, model, Served(f"{way_up(page)}models/-/events?page={page}"))

        return await self._rendered(page, rendered)

    async def _events(self, request: Request) -> Response:
        page = request.query_params.get("page", "")
        view = await asyncio.to_thread(self._look)
        model = view.proofs.model_at(page)
        if model is None:
            return _not_found()
        try:
            sent = self._broadcast.watch(model)
        except TooManyError:
            return PlainTextResponse("too many open pages\n", 503, {"retry-after": "60"})
        headers = {"cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff"}
        return StreamingResponse(_as_bytes(sent), media_type="text/event-stream", headers=headers)

    async def _rendered(self, key: object, render: Callable[[View], str | None]) -> Response:
        async with self._one_at_a_time:  # a crowd waits for one rendering, and then takes it
            now = asyncio.get_running_loop().time()
            found = self._kept.get(key)
            if found is None or found[0] < now:
                text = await asyncio.to_thread(lambda: render(self._look()))
                if text is None:
                    return _not_found()
                found = self._kept[key] = (now + FRESH_SECONDS, text)
                self._kept.move_to_end(key)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return HTMLResponse(found[1].encode("utf-8", "replace"), headers=_HEADERS)


async def _as_bytes(sent: AsyncIterator[str]) -> AsyncIterator[bytes]:
    async for each in sent:
        yield each.encode("utf-8", "replace")


def _not_found() -> Response:
    return PlainTextResponse("no such model; all are listed at /models/\n", 404)
