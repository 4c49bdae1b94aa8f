"""The OpenAI wire protocol: `/chat/completions` for chat prompts, `/completions` for plain ones."""

from __future__ import annotations

from collections.abc import Callable

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer, JsonValue, Request
from evalgate.providers.base import AttemptFailed
from evalgate.providers.choices import least_choice
from evalgate.providers.details import bounded, first_logprob, served_by, storable, token_logprobs
from evalgate.providers.finish import finish_reason
from evalgate.providers.openai_stream import REASONING, OpenAIStream
from evalgate.providers.reply import Reply, error_in, error_within, no_answer, refusal, withheld
from evalgate.providers.usage import count_within, counted, output_with_reasoning, token_count
from evalgate.providers.wire import Wire

_OUTPUT_DETAILS = ("completion_tokens_details", "output_tokens_details")
_INPUT_DETAILS = ("prompt_tokens_details", "input_tokens_details")


def build(endpoint: Endpoint, request: Request) -> tuple[str, dict[str, JsonValue]]:
    """The path below base_url, and the JSON body that asks `request` of `endpoint`."""
    body: dict[str, JsonValue] = {"model": endpoint.served_as, **request.parameters}
    if isinstance(request.prompt, str):
        return "/completions", _plain(body) | {"prompt": request.prompt}
    messages: list[JsonValue] = [message.to_json() for message in request.prompt]
    return "/chat/completions", body | {"messages": messages}


def read(reply: Reply, latency_ms: float, redact: Callable[[str], str]) -> Answer:
    """The answer in a reply; a refusal of this one question is one too. Raises `AttemptFailed` when there is none."""
    if reply.status >= 300:
        return refusal(reply, latency_ms, redact)
    choice = choice_of(reply.body)
    if error := _error_in(reply.body, choice):  # as gateways send it: they had said 200 already
        return error_within(error, latency_ms, redact)
    return _parsed(reply.body, choice, latency_ms, redact)


def parse_response(body: JsonValue, latency_ms: float, redact: Callable[[str], str] = str) -> Answer:
    """Read a completion or chat-completion response body; raises `AttemptFailed` when it has no choice to read."""
    return _parsed(body, choice_of(body), latency_ms, redact)


def _parsed(
    body: JsonValue, choice: dict[str, JsonValue] | None, latency_ms: float, redact: Callable[[str], str]
) -> Answer:
    if choice is None:
        raise no_answer(body, "choices", redact)
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
    details = served_by(body)
    if isinstance(message, dict):
        _keep_from_message(message, details)
    if logprobs := choice.get("logprobs"):
        if (first := first_logprob(logprobs)) is not None:
            details["first_logprob"] = first
        if tokens := token_logprobs(logprobs):
            details["logprobs"] = tokens
    if reasoning := count_within(usage, _OUTPUT_DETAILS, "reasoning_tokens"):
        details["reasoning_tokens"] = reasoning
    if cached := count_within(usage, _INPUT_DETAILS, "cached_tokens"):
        details["cached_tokens"] = cached
    answer = Answer(
        text or "",
        finish_reason(finish),
        token_count(usage.get("prompt_tokens")),
        output_with_reasoning(usage, reasoning, reasoned="reasoning" in details),
        latency_ms,
        details=details,
    )
    return withheld(counted(answer))


def choice_of(body: JsonValue) -> dict[str, JsonValue] | None:
    """The choice that is the answer; None when the body has none."""
    return least_choice(body.get("choices")) if isinstance(body, dict) else None


def _keep_from_message(message: dict[str, JsonValue], details: dict[str, JsonValue]) -> None:
    if message.get("tool_calls"):
        details["tool_calls"] = storable(message["tool_calls"])
    if isinstance(refused := message.get("refusal"), str) and refused:
        details["refusal"] = refused
    for name in REASONING:
        if isinstance(reasoning := message.get(name), str) and reasoning:
            details["reasoning"] = bounded(reasoning)
            break


def _plain(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The same parameters as the older API of completions names them."""
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    if "logprobs" in body:  # true and a number of alternatives are one number there
        wanted, alternatives = body.pop("logprobs"), body.pop("top_logprobs", None)
        if wanted:
            body["logprobs"] = alternatives or 1
    return body


def _error_in(body: JsonValue, choice: dict[str, JsonValue] | None) -> JsonValue:
    """The error that a body is or has, or that of its choice (OpenRouter, when the provider behind it broke off)."""
    if error_in(body):
        return body
    return {"error": choice["error"]} if choice is not None and choice.get("error") else None


WIRE = Wire(build, read, OpenAIStream, {"stream": True, "stream_options": {"include_usage": True}})
