"""The OpenAI wire protocol: `/chat/completions` for chat prompts, `/completions` for plain ones."""

from __future__ import annotations

import time

from evalgate.canonical import canonical
from evalgate.catalog import Endpoint, Provider
from evalgate.exchange import MAX_TOKENS, Answer, FinishReason, JsonValue, Question
from evalgate.providers.base import AttemptFailed
from evalgate.providers.http import HttpClient, message_of

_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class OpenAIClient:
    """Asks an OpenAI-compatible endpoint."""

    def __init__(self, provider: Provider, key: str | None) -> None:
        self._http = HttpClient(provider, key)

    async def ask(self, endpoint: Endpoint, question: Question) -> Answer:
        """Make one attempt; see `ProviderClient.ask`."""
        request = question.request
        body: dict[str, JsonValue] = {"model": endpoint.served_as, **request.parameters}
        if isinstance(request.prompt, str):
            path, body["prompt"] = "/completions", request.prompt
        else:
            path = "/chat/completions"
            body["messages"] = [{"role": message.role, "content": message.content} for message in request.prompt]
        started = time.perf_counter()
        reply = await self._http.post(path, body)
        latency = (time.perf_counter() - started) * 1000
        if reply.status >= 300:
            message = self._http.redact(message_of(reply.body))
            return Answer("", "refused", latency_ms=latency, error=f"HTTP {reply.status}: {message}")
        if isinstance(reply.body, dict) and reply.body.get("error"):  # as gateways send it: they had said 200 already
            raise AttemptFailed(self._http.redact(message_of(reply.body)))
        return parse_response(reply.body, latency)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()


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
    assert isinstance(body, dict)
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    details: dict[str, JsonValue] = {}
    if isinstance(fingerprint := body.get("system_fingerprint"), str):
        details["system_fingerprint"] = fingerprint
    if isinstance(message, dict) and message.get("tool_calls"):
        details["tool_calls"] = _storable(message["tool_calls"])
    if (logprob := _first_logprob(choice.get("logprobs"))) is not None:
        details["first_logprob"] = logprob
    return Answer(
        text or "",
        _FINISH.get(finish, "unknown") if isinstance(finish := choice.get("finish_reason"), str) else "unknown",
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
        latency_ms,
        details=details,
    )


def _first_choice(body: JsonValue) -> dict[str, JsonValue]:
    choices = body.get("choices") if isinstance(body, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    reason = "the response has no choices"
    raise AttemptFailed(reason)


def _first_logprob(logprobs: JsonValue) -> float | None:
    """Log probability (natural) of the first token, in the chat or the completions shape."""
    if not isinstance(logprobs, dict):
        return None
    content, tokens = logprobs.get("content"), logprobs.get("token_logprobs")
    first: JsonValue = None
    if isinstance(content, list) and content and isinstance(content[0], dict):
        first = content[0].get("logprob")
    elif isinstance(tokens, list) and tokens:
        first = tokens[0]
    return float(first) if isinstance(first, int | float) else None


def _storable(tool_calls: JsonValue) -> JsonValue:
    try:
        canonical(tool_calls)
    except TypeError:  # orjson reads four times as deep as it writes
        reason = "the response's tool calls are nested too deeply"
        raise AttemptFailed(reason) from None
    return tool_calls


def _count(value: JsonValue) -> int:
    """Tokens; 0 when the server does not count, or counts nonsense."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS else 0
