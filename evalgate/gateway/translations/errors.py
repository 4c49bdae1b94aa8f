"""Errors in the words of both APIs, in the shapes that their SDKs make exceptions of.

OpenAI: `{"error": {"message", "type", "param", "code"}}`; Anthropic: `{"type": "error", "error": {"type", "message"}}`.
In a stream OpenAI's is an event like any other; Anthropic's has the name `error`.
"""

from __future__ import annotations

from evalgate.exchange import JsonValue
from evalgate.gateway.refusal import Kind, Refused
from evalgate.gateway.translation import Speech
from evalgate.gateway.translations.written import written
from evalgate.providers.body import mended, parse
from evalgate.providers.reply import message_of, status_within

LONGEST = 4000  # characters of an upstream's message that are passed on

_BY_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}  # Anthropic's words
_BY_NAME = {
    **{word: word for word in _BY_STATUS.values()},
    "insufficient_quota": "billing_error",
    "invalid_api_key": "authentication_error",
    "model_not_found": "not_found_error",
    "rate_limit_exceeded": "rate_limit_error",
    "context_length_exceeded": "invalid_request_error",
    "content_filter": "invalid_request_error",
    "server_error": "api_error",
    "service_unavailable": "overloaded_error",
    "service_unavailable_error": "overloaded_error",
    "timeout": "timeout_error",
}  # OpenAI's codes and types, and those of servers that speak as it does
_CODES = {
    "authentication_error": "invalid_api_key",
    "not_found_error": "model_not_found",
    "rate_limit_error": "rate_limit_exceeded",
    "billing_error": "insufficient_quota",
}  # OpenAI's codes, which programs look at


def error_body(client: Speech, refused: Refused) -> bytes:
    """What the gateway answers itself."""
    code = _CODES.get(refused.kind) if refused.kind != "not_found_error" else None
    return _written(client, refused.message, refused.kind, code)


def error_event(client: Speech, message: str, kind: Kind = "api_error") -> bytes:
    """The last event of a stream that breaks: whoever reads it raises, and takes nothing for complete."""
    return as_event(client, _written(client, message, kind, None))


def as_event(client: Speech, body: bytes) -> bytes:
    """An error's body as an event of a stream."""
    return (b"event: error\n" if client == "anthropic" else b"") + b"data: " + body + b"\n\n"


def error_told(client: Speech, body: bytes, status: int | None = None) -> bytes:
    """An upstream's error, said to a client of the other speech.

    The status, where it is known, says what kind of error it is; otherwise its own words do.
    """
    try:
        said: JsonValue = mended(parse(body))
    except ValueError:
        said = body.decode(errors="replace").strip() or "the upstream gave no reason"
    return retold(client, said, status)


def retold(client: Speech, said: JsonValue, status: int | None = None) -> bytes:
    """`error_told`, of what was parsed already."""
    error = said.get("error") if isinstance(said, dict) else None
    error = error if isinstance(error, dict) else said if isinstance(said, dict) else {}
    names = [name for key in ("type", "code") if isinstance(name := error.get(key), str)]
    kind = _BY_STATUS.get(status or status_within(said) or 0)
    kind = kind or next((_BY_NAME[name] for name in reversed(names) if name in _BY_NAME), "api_error")
    return _written(client, message_of(said)[:LONGEST], kind, _CODES.get(kind))


def _written(client: Speech, message: str, kind: str, code: str | None) -> bytes:
    told: JsonValue = {"type": "error", "error": {"type": kind, "message": message}}
    if client == "openai":
        told = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return written(told)
