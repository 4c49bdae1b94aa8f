"""An upstream's errors, in the words of the client's API and in the shape that its SDKs make exceptions of."""

from __future__ import annotations

from evalgate.exchange import JsonValue
from evalgate.gateway.shapes import error_object
from evalgate.gateway.translation import Speech
from evalgate.gateway.translations.written import written
from evalgate.providers.assembly import mapping
from evalgate.providers.body import mended, parse
from evalgate.providers.reply import error_in, message_of, status_within

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


def error_told(client: Speech, body: bytes, status: int | None = None) -> bytes:
    """An upstream's error, said to a client of the other speech.

    The status, where it is known, says what kind of error it is; otherwise its own words do.
    """
    try:
        said: JsonValue = mended(parse(body))
    except ValueError:
        said = body.decode(errors="replace").strip() or "the upstream gave no reason"
    return _retold(client, said, status)


def event_of_error(client: Speech, error: JsonValue) -> bytes:
    """An error that an upstream told in the middle of a stream, as the last event of the client's."""
    body = _retold(client, {"error": error}, None)
    return (b"event: error\n" if client == "anthropic" else b"") + b"data: " + body + b"\n\n"


def error_within(said: dict[str, JsonValue]) -> JsonValue:
    """The error that an event is or has, that of its choice included (OpenRouter); None where there is none."""
    if error := said.get("error"):
        return error
    if error_in(said):  # that is all of it, as vLLM sends it
        return said
    choices = said.get("choices")
    found = (mapping(choice).get("error") for choice in choices) if isinstance(choices, list) else ()
    return next((error for error in found if error), None)


def _retold(client: Speech, said: JsonValue, status: int | None) -> bytes:
    error = said.get("error") if isinstance(said, dict) else None
    error = error if isinstance(error, dict) else said if isinstance(said, dict) else {}
    names = [name for key in ("type", "code") if isinstance(name := error.get(key), str)]
    kind = _BY_STATUS.get(status or status_within(said) or 0)
    kind = kind or next((_BY_NAME[name] for name in reversed(names) if name in _BY_NAME), "api_error")
    return written(error_object(client, kind, message_of(said)[:LONGEST], _CODES.get(kind)))
