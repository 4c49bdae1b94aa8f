"""What clients and orchestrators ask besides: the models, whether the process lives, and whether it may get calls."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from evalgate.gateway.application import Application
from evalgate.gateway.asked import headers_of
from evalgate.gateway.refusal import Refused
from evalgate.gateway.shapes import error_body, retry_header

Sign = Callable[[], str | None]
Handler = Callable[[Request], Awaitable[Response]]


def plain_routes(application: Application, signs: Mapping[str, Sign]) -> list[Route]:
    """/v1/models, /healthz and /readyz."""
    since = int(time.time())

    def model(name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": since, "owned_by": name.partition("/")[0]}

    async def models(_: Request) -> Response:
        names = application.desk.routing.catalog.models
        return _json({"object": "list", "data": [model(name) for name in names]})

    async def one(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in application.desk.routing.catalog.models:
            raise Refused(404, "not_found_error", f"the catalogue has no model {name[:200]!r}")
        return _json(model(name))

    async def lives(_: Request) -> Response:
        return _json({"status": "ok"})

    async def ready(_: Request) -> Response:
        """A signal or a store that is out is named, and turns nothing off: calls are still served."""
        routing = application.desk.routing
        reader = routing.reader
        health = reader.health() if reader is not None else None
        told: dict[str, object] = {
            "status": "draining" if application.draining else "ready",
            "signal": {"seq": routing.table.seq, "problem": health.problem if health else "there is none"},
            "catalog": {"models": len(routing.catalog.models), "problem": routing.catalog_trouble},
            "calls": application.live,
        }
        told |= {name: {"problem": sign()} for name, sign in signs.items()}
        return _json(told, 503 if application.draining else 200)

    return [
        Route("/v1/models", admitted(application, models)),
        Route("/v1/models/{name:path}", admitted(application, one)),
        Route("/healthz", lives),
        Route("/readyz", ready),
    ]


def admitted(application: Application, handle: Handler) -> Handler:
    """`handle`, for whom the doorkeeper lets in; what it refuses is told in the API's own words."""

    async def answer(request: Request) -> Response:
        try:
            application.doorkeeper.admit(headers_of(request.scope["headers"]))
            return await handle(request)
        except Refused as refused:
            headers = {name.decode(): value.decode() for name, value in retry_header(refused.retry_after)}
            return Response(error_body("openai", refused), refused.status, headers, "application/json")

    return answer


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
