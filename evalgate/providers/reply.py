"""What a server said: status and JSON, the human part of an error, and what a refusal of one question means.

A refusal is an answer of its own kind, so that it is recorded and not asked for again. Two things look like refusals on
the wire and are told apart here: a content filter (the question's or the answer's own content, so it says something of
this endpoint on this case) and used-up credit (which says nothing of any model).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

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
    """The answer that a refusal of this one question is: `refused`, or `content_filter` where one stepped in.

    It has no tokens: nobody charges for a status of 4xx.
    """
    reason: FinishReason = "content_filter" if is_filtered(reply.body) else "refused"
    error = f"HTTP {reply.status}: {redact(message_of(reply.body))}"
    return Answer("", reason, 0, 0, latency_ms, error)


def error_within(body: JsonValue, latency_ms: float, redact: Callable[[str], str]) -> Answer:
    """What an error in a body or stream of status 200 means, as it comes when the status had been said already.

    A content filter's answer; otherwise raises `AttemptFailed`.
    """
    message = redact(message_of(body))
    if is_filtered(body):
        return Answer("", "content_filter", latency_ms=latency_ms, error=message)
    raise AttemptFailed(message, throttled=_has(body, _THROTTLED, "code", "type"))


def withheld(answer: Answer) -> Answer:
    """A content filter that says 200 and leaves no text is the one that says 400: there is no answer."""
    if answer.finish_reason != "content_filter" or answer.text or answer.failed:
        return answer
    said = answer.details.get("refusal")
    error = "a content filter withheld the answer"
    return replace(answer, error=f"{error}: {said}" if isinstance(said, str) and said else error)


def no_answer(body: JsonValue, what: str, redact: Callable[[str], str] = str) -> AttemptFailed:
    """A response without what should be in it; it may say why, in words that no API has agreed on."""
    said = _words(body) if isinstance(body, dict) else ""
    return AttemptFailed(f"the response has no {what}{f': {redact(said)}' if said else ''}")


def message_of(body: JsonValue) -> str:
    """What a JSON error says: `error.message`, or one of the other places where servers say it; else the body itself.

    OpenRouter passes on what the provider behind it said in `error.metadata.raw`; its own message then says nothing.
    """
    said = _words(body) if isinstance(body, dict) else body if isinstance(body, str) else ""
    if not said:
        try:
            return orjson.dumps(body.get("error") or body if isinstance(body, dict) else body).decode()
        except TypeError:  # orjson reads four times as deep as it writes
            return "a message that is nested too deeply"
    raw = _within(_within(body, "error"), "metadata").get("raw")
    return f"{said}: {raw}" if isinstance(raw, str) and raw else said


def error_in(body: JsonValue) -> bool:
    """Whether a body is an error by its form alone: one within it, or one that is all of it (vLLM, Mistral)."""
    if not isinstance(body, dict):
        return False
    return bool(body.get("error")) or body.get("object") == "error" or body.get("type") == "error"


def status_within(body: JsonValue) -> int | None:
    """The status that an error in a body of status 200 has by its own words: that which a gateway could not say."""
    error = _error(body)
    for key in ("code", "status", "status_code"):
        said = error.get(key)
        if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) == 3:
            said = int(said)
        if isinstance(said, int) and not isinstance(said, bool) and 400 <= said < 600:
            return said
    return None


def as_said(reply: Reply) -> Reply:
    """A reply with the status that it has by its own words, where it is an error of status 200."""
    if reply.status >= 300 or not error_in(reply.body) or (said := status_within(reply.body)) is None:
        return reply
    return Reply(said, reply.body)


def is_filtered(body: JsonValue) -> bool:
    """Whether a content filter stepped in.

    Azure names it in `error.code` and `error.innererror.code`; OpenRouter lists `error.metadata.reasons`.
    """
    error = _error(body)
    named = _has(body, _FILTERED, "code", "type") or _within(error, "innererror").get("code") == _FILTERED_BY_AZURE
    return named or bool(_within(error, "metadata").get("reasons"))


def is_spent(body: JsonValue) -> bool:
    """Whether the account's credit is used up, whatever the status says.

    OpenAI says it with 429 and a code, Anthropic with 400 and nothing but the words, gateways with 200.
    """
    message = _error(body).get("message")
    told = isinstance(message, str) and message.startswith(_SPENT_MESSAGES)
    return told or _has(body, _SPENT, "code", "type")


def _words(body: dict[str, JsonValue]) -> str:
    """What a person is told: `error.message`, `error`, `message`, `detail` (FastAPI: a text, or a list of `msg`), …"""
    error = body.get("error")
    if isinstance(error, dict) and (said := _words(error)):
        return said
    told = [error] if isinstance(error, str) and error else []
    for key in ("message", "detail", "details", "error_message", "msg", "reason", "title", "errors"):
        if (said := _text(body.get(key))) and said not in told:
            return ": ".join([*told, said])
    return told[0] if told else ""


def _text(value: JsonValue) -> str:
    """The words of a part of an error; several are one after the other."""
    if isinstance(value, dict):
        return _words(value)
    if isinstance(value, list):
        return "; ".join(said for it in value[:10] if (said := _text(it)))
    return value if isinstance(value, str) else ""


def _has(body: JsonValue, known: Collection[int | str], *keys: str) -> bool:
    error = _error(body)
    return any(isinstance(said := error.get(key), int | str) and said in known for key in keys)


def _error(body: JsonValue) -> dict[str, JsonValue]:
    """The error in a body, or the body that is one."""
    if isinstance(body, dict) and not isinstance(body.get("error"), dict):
        return body
    return _within(body, "error")


def _within(body: JsonValue, key: str) -> dict[str, JsonValue]:
    inner = body.get(key) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}
