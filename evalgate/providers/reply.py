"""What a server said: status and JSON, the human part of an error, and what a refusal of one question means.

A refusal is an answer of its own kind, so that it is recorded and not asked for again. Two things look like refusals on
the wire and are told apart here: a content filter (the question's or the answer's own content, so it says something of
this endpoint on this case) and used-up credit (which says nothing of any model).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import orjson

from evalgate.exchange import Answer, FinishReason, JsonValue
from evalgate.providers.base import AttemptFailed

THROTTLED = {429, 503, 529}
_THROTTLED: set[int | str] = {
    *THROTTLED,
    "rate_limit_exceeded",
    "rate_limit_error",
    "overloaded_error",
}  # by code or type
_FILTERED = {"content_filter", "content_policy_violation"}  # Azure, OpenAI
_FILTERED_BY_AZURE = "ResponsibleAIPolicyViolation"
_SPENT = {"insufficient_quota", "billing_hard_limit_reached", "billing_error"}  # OpenAI, OpenAI, Anthropic
_SPENT_MESSAGES = ("Your credit balance is too low", "You have reached your specified API usage limits")


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that is not a reason to try again: 2xx, or a refusal of this one question (4xx)."""

    status: int
    body: JsonValue


def refusal(reply: Reply, latency_ms: float, redact: Callable[[str], str]) -> Answer:
    """The answer that a refusal of this one question is: `refused`, or `content_filter` where one stepped in."""
    reason: FinishReason = "content_filter" if is_filtered(reply.body) else "refused"
    error = f"HTTP {reply.status}: {redact(message_of(reply.body))}"
    return Answer("", reason, latency_ms=latency_ms, error=error)


def error_within(body: JsonValue, latency_ms: float, redact: Callable[[str], str]) -> Answer:
    """What an error in a body or stream of status 200 means, as it comes when the status had been said already.

    A content filter's answer; otherwise raises `AttemptFailed`.
    """
    message = redact(message_of(body))
    if is_filtered(body):
        return Answer("", "content_filter", latency_ms=latency_ms, error=message)
    raise AttemptFailed(message, throttled=_has(body, _THROTTLED, "code", "type"))


def message_of(body: JsonValue) -> str:
    """`error.message`, `error` or `message` of a JSON error body; else the body itself.

    OpenRouter passes on what the provider behind it said in `error.metadata.raw`; its own message then says nothing.
    """
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message", error) if isinstance(error, dict) else error
    if not isinstance(message, str):
        try:
            return orjson.dumps(message).decode()
        except TypeError:  # orjson reads four times as deep as it writes
            return "a message that is nested too deeply"
    raw = _within(error, "metadata").get("raw")
    return f"{message}: {raw}" if isinstance(raw, str) and raw else message


def is_filtered(body: JsonValue) -> bool:
    """Whether a content filter stepped in.

    Azure names it in `error.code` and `error.innererror.code`; OpenRouter lists `error.metadata.reasons`.
    """
    error = _within(body, "error")
    named = _has(body, _FILTERED, "code", "type") or _within(error, "innererror").get("code") == _FILTERED_BY_AZURE
    return named or bool(_within(error, "metadata").get("reasons"))


def is_spent(body: JsonValue) -> bool:
    """Whether the account's credit is used up, whatever the status says.

    OpenAI says it with 429 and a code, Anthropic with 400 and nothing but the words.
    """
    message = _within(body, "error").get("message")
    told = isinstance(message, str) and message.startswith(_SPENT_MESSAGES)
    return told or _has(body, _SPENT, "code", "type")


def _has(body: JsonValue, known: Collection[int | str], *keys: str) -> bool:
    error = _within(body, "error")
    return any(isinstance(said := error.get(key), int | str) and said in known for key in keys)


def _within(body: JsonValue, key: str) -> dict[str, JsonValue]:
    inner = body.get(key) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}
