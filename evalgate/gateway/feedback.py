"""`POST /v1/feedback`: what an answer should have been, said by the one who got it.

    {"id": "chatcmpl-…", "correction": "billing"}

`id` is that of the response; `correction` is the right answer, a text or any JSON. Only calls that were captured, and
only those of the same key, can be corrected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evalgate.errors import EvalgateError
from evalgate.exchange import JsonValue
from evalgate.gateway.caller import Doorkeeper
from evalgate.gateway.redaction import Redact, TooDeepError, redacted
from evalgate.gateway.refusal import Refused

LARGEST = 1024 * 1024  # bytes

Correct = Callable[[str, str, JsonValue], bool]
"""`store.captures.Captures.correct`."""


def routes(doorkeeper: Doorkeeper, correct: Correct, redact: Redact) -> list[Route]:
    """The route, for an application."""

    async def feedback(request: Request) -> Response:
        try:
            caller = doorkeeper.admit(dict(request.headers))
            identity, correction = _read(await _body(request))
            kept = await asyncio.to_thread(correct, identity, caller.id, redacted(correction, redact))
        except Refused as refusal:
            return _error(refusal)
        except EvalgateError:
            return _error(Refused(503, "api_error", "what was captured cannot be reached now", retry_after=5.0))
        except TooDeepError as failure:
            return _error(Refused(400, "invalid_request_error", f"correction: {failure}"))
        except Exception:  # the redaction is somebody's own code; what it says may quote the correction
            return _error(Refused(500, "api_error", "the correction could not be redacted, and was not kept"))
        if not kept:
            message = f"no answer {identity[:80]!r} of this key was captured; captures need a key with `--capture on`"
            return _error(Refused(404, "not_found_error", message))
        return JSONResponse({"id": identity, "object": "feedback", "kept": True})

    return [Route("/v1/feedback", feedback, methods=["POST"])]


async def _body(request: Request) -> bytes:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > LARGEST:
            raise Refused(413, "request_too_large", f"a correction has at most {LARGEST} bytes")
    return bytes(data)


def _read(data: bytes) -> tuple[str, JsonValue]:
    expected = 'expected {"id": "the response\'s id", "correction": the right answer}'
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as failure:
        raise Refused(400, "invalid_request_error", f"not JSON: {failure}; {expected}") from None
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or not value["id"]:
        raise Refused(400, "invalid_request_error", f"no id; {expected}")
    if value.get("correction") is None:
        raise Refused(400, "invalid_request_error", f"no correction; {expected}")
    if unknown := sorted(set(value) - {"id", "correction"}):
        raise Refused(400, "invalid_request_error", f"unknown key {unknown[0][:80]!r}; {expected}")
    return value["id"], value["correction"]


def _error(refusal: Refused) -> Response:
    headers = {} if refusal.retry_after is None else {"retry-after": str(round(refusal.retry_after))}
    content = {"error": {"message": refusal.message, "type": refusal.kind, "param": None, "code": None}}
    return JSONResponse(content, refusal.status, headers)
