"""The OpenAI wire protocol: `/chat/completions` for chat prompts, `/completions` for plain ones."""

from __future__ import annotations

from collections.abc import Callable

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer, FinishReason, JsonValue, Request
from evalgate.providers.base import AttemptFailed
from evalgate.providers.details import count_within, first_logprob, storable, token_count, token_logprobs
from evalgate.providers.openai_stream import OpenAIStream
from evalgate.providers.reply import Reply, error_within, refusal
from evalgate.providers.wire import Wire

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


def build(endpoint: Endpoint, request: Request) -> tuple[str, dict[str, JsonValue]]:
    """The path below base_url, and the JSON body that asks `request` of `endpoint`."""
    body: dict[str, JsonValue] = {"model": endpoint.served_as, **request.parameters}
    if isinstance(request.prompt, str):
        return "/completions", _plain(body) | {"prompt": request.prompt}
    messages: list[JsonValue] = [{"role": message.role, "content": message.content} for message in request.prompt]
    return "/chat/completions", body | {"messages": messages}


def read(reply: Reply, latency_ms: float, redact: Callable[[str], str]) -> Answer:
    """The answer in a reply; a refusal of this one question is one too. Raises `AttemptFailed` when there is none."""
    if reply.status >= 300:
        return refusal(reply, latency_ms, redact)
    if error := _error_in(reply.body):  # as gateways send it: they had said 200 already
        return error_within({"error": error}, latency_ms, redact)
    return parse_response(reply.body, latency_ms)


def parse_response(body: JsonValue, latency_ms: float) -> Answer:
    """Read a completion or chat-completion response body; raises `AttemptFailed` when it has no choice to read."""
    choice = _first_choice(body)
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    if isinstance(text, list):  # content parts, as some servers send them
        parts = [part.get("text") for part in text if isinstance(part, dict)]
        text = "".join(part for part in parts if isinstance(part, str))
    if text is not None and not isinstance(text, str):
        reason = "the response's text is not a text"
        raise AttemptFailed(reason)
    finish = choice.get("finish_reason")
    if finish == "error":  # of a gateway whose provider broke off
        reason = "the response ends in an error"
        raise AttemptFailed(reason)
    assert isinstance(body, dict)
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    details: dict[str, JsonValue] = {}
    if isinstance(fingerprint := body.get("system_fingerprint"), str):
        details["system_fingerprint"] = fingerprint
    if isinstance(message, dict):
        if message.get("tool_calls"):
            details["tool_calls"] = storable(message["tool_calls"])
        if isinstance(refused := message.get("refusal"), str) and refused:
            details["refusal"] = refused
    if logprobs := choice.get("logprobs"):
        if (first := first_logprob(logprobs)) is not None:
            details["first_logprob"] = first
        if tokens := token_logprobs(logprobs):
            details["logprobs"] = tokens
    if reasoning := count_within(usage, "completion_tokens_details", "reasoning_tokens"):
        details["reasoning_tokens"] = reasoning
    if cached := count_within(usage, "prompt_tokens_details", "cached_tokens"):
        details["cached_tokens"] = cached
    return Answer(
        text or "",
        _FINISH.get(finish, "unknown") if isinstance(finish, str) else "unknown",
        token_count(usage.get("prompt_tokens")),
        token_count(usage.get("completion_tokens")),
        latency_ms,
        details=details,
    )


def _plain(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The same parameters as the older API of completions names them."""
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    if "logprobs" in body:  # true and a number of alternatives are one number there
        wanted, alternatives = body.pop("logprobs"), body.pop("top_logprobs", None)
        if wanted:
            body["logprobs"] = alternatives or 1
    return body


def _error_in(body: JsonValue) -> JsonValue:
    """The error of a body, or that of its choice (OpenRouter, when the provider behind it broke off)."""
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return body.get("error") or (choice.get("error") if isinstance(choice, dict) else None)


def _first_choice(body: JsonValue) -> dict[str, JsonValue]:
    choices = body.get("choices") if isinstance(body, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    reason = "the response has no choices"
    raise AttemptFailed(reason)


WIRE = Wire(build, read, OpenAIStream, {"stream": True, "stream_options": {"include_usage": True}})
