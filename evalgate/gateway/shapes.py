"""What the gateway itself says, in the words of the API that was called: errors, as bodies and as events."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from evalgate.exchange import JsonValue
from evalgate.gateway.refusal import Kind, Refused
from evalgate.gateway.translation import Speech

Headers = list[tuple[bytes, bytes]]

_OPENAI_CODES = {401: "invalid_api_key", 404: "not_found", 413: "request_too_large", 429: "rate_limit_exceeded"}


def error_object(speech: Speech, kind: str, message: str, code: str | None = None) -> dict[str, JsonValue]:
    """An error as the client's SDK reads it."""
    if speech == "anthropic":
        return {"type": "error", "error": {"type": kind, "message": message}}
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def error_body(speech: Speech, refused: Refused) -> bytes:
    """The body of a refusal."""
    code = "model_not_found" if refused.kind == "not_found_error" else _OPENAI_CODES.get(refused.status)
    return orjson.dumps(error_object(speech, refused.kind, refused.message, code))


def error_event(speech: Speech, message: str, kind: Kind = "api_error") -> bytes:
    """The last event of a stream that broke: nothing like the end of one that is whole."""
    data = orjson.dumps(error_object(speech, kind, message))
    return b"event: error\ndata: %s\n\n" % data if speech == "anthropic" else b"data: %s\n\n" % data


def kind_of(status: int) -> Kind:
    """The word for a status."""
    known: dict[int, Kind] = {
        401: "authentication_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        503: "overloaded_error",
        529: "overloaded_error",
    }
    return known.get(status, "invalid_request_error" if 400 <= status < 500 else "api_error")


def json_headers(size: int, more: Sequence[tuple[bytes, bytes]] = ()) -> Headers:
    """The headers of a body of JSON."""
    return [(b"content-type", b"application/json"), (b"content-length", b"%d" % size), *more]


def retry_header(seconds: float | None) -> Headers:
    """`retry-after` in whole seconds, rounded up; nothing where nobody said so."""
    if seconds is None:
        return []
    return [(b"retry-after", b"%d" % max(1, -int(-min(seconds, 86_400.0) // 1)))]
