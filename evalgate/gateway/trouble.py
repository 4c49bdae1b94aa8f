"""Why an attempt brought no answer, and what follows from it: for this call, for the variant, and for the client.

status        kind       then
400 422 …     callers    passed on as it is: the request deserved it, whoever is asked
a filter's    callers    passed on, never routed around: somebody meant it
400 too long  too_long   the next target, which may have a longer context; the variant is not to blame
401 402 403 404 3xx      operator: the next target, and an alarm: it will be so for every call
429 503 529   busy       what `retry-after` says; without it the next target at once
5xx, cut off  failed     once more at the same target, then the next
no byte       silent     the next target: what is silent once would be waited for twice
no connection unreachable  the next target
no words      wordless   the next target, whose API may have words for the request: nothing was sent to this one
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal

import orjson

from evalgate.exchange import JsonValue
from evalgate.gateway.refusal import Kind
from evalgate.gateway.shapes import error_object, kind_of
from evalgate.gateway.translation import Speech
from evalgate.providers.again import seconds_until_retry
from evalgate.providers.base import AttemptFailed
from evalgate.providers.reply import error_in, is_filtered, is_spent, message_of, status_within

TroubleKind = Literal[
    "callers", "too_long", "operator", "busy", "failed", "unusable", "silent", "unreachable", "wordless"
]
_BUSY = {429, 503, 529}
_OPERATORS = {401, 402, 403, 404}
_AGAIN = {408, 409, 425}
_TOO_LONG = {"context_length_exceeded", "string_above_max_length"}
_LONGEST_REASON = 300


class Trouble(Exception):
    """One attempt that failed. `status`: what the client is told when nobody else answers; `body`: the upstream's own.

    `retry_after` in seconds, where the upstream said so. `asked`: whether it may charge for the attempt.
    """

    def __init__(
        self,
        kind: TroubleKind,
        status: int,
        reason: str,
        *,
        body: bytes | None = None,
        retry_after: float | None = None,
        asked: bool = False,
    ) -> None:
        super().__init__(reason)
        self.kind, self.status, self.body, self.retry_after, self.asked = kind, status, body, retry_after, asked
        self.reason = " ".join(reason.split())[:_LONGEST_REASON]

    @property
    def public(self) -> str:
        """The reason as clients may hear it. What a provider says of the gateway's own key is not for them."""
        if self.kind != "operator":
            return self.reason
        status = self.reason.partition(":")[0]
        return f"it turns the gateway away ({status})" if status.startswith("HTTP ") else "it cannot be asked"

    @property
    def weight(self) -> int:
        """How much it tells a client who can hear of only one: when to come back, before what went wrong."""
        if self.kind == "busy":
            return 3 if self.retry_after is not None else 2
        return {"failed": 2, "unusable": 1, "silent": 1, "too_long": 4, "callers": 4}.get(self.kind, 0)

    def told(self, speech: Speech) -> bytes:
        """The body for the client: the upstream's own words where they are an error in the client's shape."""
        if self.body is not None and self.kind != "operator":
            try:
                read = orjson.loads(self.body)
            except orjson.JSONDecodeError:
                read = None
            if isinstance(read, dict) and (self.kind == "callers" or isinstance(read.get("error"), dict)):
                return self.body
        kind: Kind = kind_of(self.status)
        return orjson.dumps(error_object(speech, kind, f"no upstream could answer: {self.public}"))


def of_status(status: int, headers: Mapping[str, str], data: bytes) -> Trouble:
    """The trouble that a status of 300 or more means."""
    body = _read(data)
    retry = seconds_until_retry(headers, time.time())
    reason = f"HTTP {status}: {message_of(body)}" if data else f"HTTP {status}"
    if is_filtered(body):
        return Trouble("callers", max(status, 400), reason, body=data)
    if is_spent(body) or status in _OPERATORS or status < 400:
        return Trouble("operator", 502, reason, body=data)
    if status in _BUSY:
        return Trouble("busy", status, reason, body=data, retry_after=retry)
    if status >= 500 or status in _AGAIN:
        return Trouble("failed", status if status >= 500 else 502, reason, body=data, retry_after=retry)
    if _is_too_long(body):
        return Trouble("too_long", status, reason, body=data)
    return Trouble("callers", status, reason, body=data)


def of_error(body: JsonValue, data: bytes) -> Trouble:
    """The trouble that an error in a body, or in the first event, of status 200 means: as if it had been the status."""
    status = status_within(body)
    if status is None:
        words = message_of(body).lower()
        named = str(_code(body)).lower()
        status = 400 if is_filtered(body) else 429 if "rate_limit" in named else 529 if "overloaded" in named else 502
        if "context_length" in named or "maximum context length" in words:
            status = 400
    return of_status(status, {}, data)


def of_failure(failure: AttemptFailed, *, asked: bool) -> Trouble:
    """The trouble that a connection which failed means."""
    if failure.unreachable:
        return Trouble("unreachable", 502, failure.reason)
    return Trouble("failed", 502, failure.reason, asked=asked)


def silent(seconds: float) -> Trouble:
    """Nothing came in time."""
    return Trouble("silent", 504, f"no answer within {seconds:g} s", asked=True)


def _read(data: bytes) -> JsonValue:
    try:
        body: JsonValue = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {"error": {"message": data[:2000].decode(errors="replace").strip()}}
    return body if isinstance(body, dict) else {"error": {"message": str(body)[:2000]}}


def _code(body: JsonValue) -> object:
    error = body.get("error") if isinstance(body, dict) else None
    within = error if isinstance(error, dict) else body if isinstance(body, dict) and error_in(body) else {}
    return within.get("code") or within.get("type") or ""


def _is_too_long(body: JsonValue) -> bool:
    if _code(body) in _TOO_LONG:
        return True
    words = message_of(body)
    return "maximum context length" in words or "prompt is too long" in words
