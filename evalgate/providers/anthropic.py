"""The wire protocol of Anthropic's Messages API: `/messages`.

A suite's parameters are named as the OpenAI API names them, and are translated here. What Messages has no word for is
an `InputError`: left out silently, the baseline and this variant would be asked different things, and sent on it would
be refused for every case. Tool calls come back in the OpenAI shape, so that graders see one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import orjson

from evalgate.catalog import Endpoint
from evalgate.errors import InputError
from evalgate.exchange import Answer, JsonValue, Message, Request
from evalgate.providers.anthropic_stream import AnthropicStream
from evalgate.providers.anthropic_turns import turns
from evalgate.providers.base import AttemptFailed
from evalgate.providers.details import bounded, served_by, storable
from evalgate.providers.finish import finish_reason
from evalgate.providers.reply import Reply, error_in, error_within, no_answer, refusal, withheld
from evalgate.providers.usage import count_within, counted, token_count
from evalgate.providers.wire import Wire

DEFAULT_MAX_TOKENS = 4096  # Messages requires a limit; this one holds where the suite names none
EFFORTS = ("low", "medium", "high", "xhigh", "max")


def build(endpoint: Endpoint, request: Request) -> tuple[str, dict[str, JsonValue]]:
    """The path below base_url, and the JSON body that asks `request` of `endpoint`.

    Raises `InputError` for what Messages cannot be asked: a plain prompt, or a parameter that it does not know.
    """
    if isinstance(request.prompt, str):
        raise _unsupported(endpoint, "offers no completions of a plain text; write the prompt as a list of messages")
    system, messages = _split(endpoint, request.prompt)
    body: dict[str, JsonValue] = {
        "model": endpoint.served_as,
        "max_tokens": DEFAULT_MAX_TOKENS,
        "messages": turns(endpoint, messages),
    }
    if system:
        body["system"] = "\n\n".join("".join(message.texts) for message in system)
    output: dict[str, JsonValue] = {}
    for name, value in request.parameters.items():
        if name in ("response_format", "reasoning_effort"):
            output |= _output(endpoint, name, value)
        elif name not in _PARAMETERS:
            raise _unsupported(endpoint, f"knows no parameter {name!r}; leave it out of the suite's generation")
        elif name == "temperature" and not (isinstance(value, int | float) and value <= 1):
            raise _unsupported(endpoint, f"takes a temperature of at most 1, got {value}")
        else:
            named, translate = _PARAMETERS[name]
            body[named] = translate(value)
    if output:
        body["output_config"] = output
    return "/messages", body


def read(reply: Reply, latency_ms: float, redact: Callable[[str], str]) -> Answer:
    """The answer in a reply; a refusal of this one question is one too. Raises `AttemptFailed` when there is none."""
    if reply.status >= 300:
        return refusal(reply, latency_ms, redact)
    if error_in(reply.body):
        return error_within(reply.body, latency_ms, redact)
    return parse_message(reply.body, latency_ms, redact)


def parse_message(body: JsonValue, latency_ms: float, redact: Callable[[str], str] = str) -> Answer:
    """Read the body of a message; raises `AttemptFailed` when it has no content to read."""
    content = body.get("content") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(content, list):
        raise no_answer(body, "content", redact)
    blocks = [block for block in content if isinstance(block, dict)]
    texts = [block.get("text") for block in blocks if block.get("type") == "text"]
    calls: list[JsonValue] = [_tool_call(block) for block in blocks if block.get("type") == "tool_use"]
    usage = body.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    cached = token_count(usage.get("cache_read_input_tokens") or 0)
    details = served_by(body)
    if calls:
        details["tool_calls"] = storable(calls)
    if reasoning := "".join(_thinking(block) for block in blocks):
        details["reasoning"] = bounded(reasoning)
    if thinking := count_within(usage, ("output_tokens_details",), "thinking_tokens"):
        details["reasoning_tokens"] = thinking
    if cached:
        details["cached_tokens"] = cached
    stopped, why = body.get("stop_reason"), body.get("stop_details")
    if stopped == "refusal" and isinstance(why, dict) and isinstance(told := why.get("explanation"), str):
        details["refusal"] = told
    asked = _sum(
        token_count(usage.get("input_tokens")), token_count(usage.get("cache_creation_input_tokens") or 0), cached
    )
    answer = Answer(
        "".join(text for text in texts if isinstance(text, str)),
        finish_reason(stopped),
        asked,
        token_count(usage.get("output_tokens")),
        latency_ms,
        details=details,
    )
    return withheld(counted(answer))


def _sum(*counts: int | None) -> int | None:
    """The tokens together; unknown when one of the counts is, or when they are more than there can be."""
    known = [count for count in counts if count is not None]
    return token_count(sum(known)) if len(known) == len(counts) else None


def _thinking(block: dict[str, JsonValue]) -> str:
    """What a block says of the model's reasoning, some of which comes encrypted."""
    if block.get("type") == "redacted_thinking":
        return "[redacted]"
    thought = block.get("thinking") if block.get("type") == "thinking" else None
    return thought if isinstance(thought, str) else ""


def _split(endpoint: Endpoint, prompt: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """System messages, which have a field of their own here, and the others."""
    first = next((index for index, message in enumerate(prompt) if message.role != "system"), len(prompt))
    if any(message.role == "system" for message in prompt[first:]):
        raise _unsupported(endpoint, "takes system messages at the beginning of a prompt only")
    return prompt[:first], prompt[first:]


def _same(value: JsonValue) -> JsonValue:
    return value


def _stops(value: JsonValue) -> JsonValue:
    return [value] if isinstance(value, str) else value


def _tools(tools: JsonValue) -> JsonValue:
    return [_tool(tool) for tool in tools] if isinstance(tools, list) else tools


def _tool(tool: JsonValue) -> JsonValue:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool  # a refusal by the provider says more than a guess
    translated = {name: function[name] for name in ("name", "description", "strict") if name in function}
    return translated | {"input_schema": function.get("parameters") or {"type": "object", "properties": {}}}


def _tool_choice(choice: JsonValue) -> JsonValue:
    if isinstance(choice, str):
        return {"type": "any" if choice == "required" else choice}
    function = choice.get("function") if isinstance(choice, dict) else None
    return {"type": "tool", "name": function.get("name")} if isinstance(function, dict) else choice


_PARAMETERS: dict[str, tuple[str, Callable[[JsonValue], JsonValue]]] = {
    "max_tokens": ("max_tokens", _same),
    "max_completion_tokens": ("max_tokens", _same),
    "temperature": ("temperature", _same),
    "top_p": ("top_p", _same),
    "stop": ("stop_sequences", _stops),
    "tools": ("tools", _tools),
    "tool_choice": ("tool_choice", _tool_choice),
}


def _output(endpoint: Endpoint, name: str, value: JsonValue) -> Mapping[str, JsonValue]:
    """What goes into `output_config`."""
    if name == "reasoning_effort":
        if value not in EFFORTS:
            raise _unsupported(endpoint, f"knows no reasoning_effort {value!r}; the least is 'low'")
        return {"effort": value}
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "text":
        return {}
    asked = value.get("json_schema") if isinstance(value, dict) and kind == "json_schema" else None
    schema = asked.get("schema") if isinstance(asked, dict) else None
    if not isinstance(asked, dict) or not isinstance(schema, dict):
        raise _unsupported(endpoint, f"knows no response_format {kind!r}; give it a json_schema")
    if "description" in asked:  # meant for the model, and Messages has a place for it only inside of the schema
        schema = {"description": asked["description"]} | schema
    return {"format": {"type": "json_schema", "schema": schema}}


def _tool_call(block: dict[str, JsonValue]) -> JsonValue:
    given = block.get("input")
    try:  # a stream that ended within a call's input has only its text
        arguments = given if isinstance(given, str) else orjson.dumps({} if given is None else given).decode()
    except TypeError:  # orjson reads four times as deep as it writes
        reason = "the response's tool calls are nested too deeply"
        raise AttemptFailed(reason) from None
    function: JsonValue = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": function}


def _unsupported(endpoint: Endpoint, what: str) -> InputError:
    return InputError(f"{endpoint.place}: provider {endpoint.provider.id!r} (protocol anthropic) {what}")


WIRE = Wire(build, read, AnthropicStream, {"stream": True})
