"""Whole answers: a chat completion as a Message, and a Message as a chat completion.

Reasoning is left out in both directions, and its tokens are counted: OpenAI's API returns none, and a thinking block of
Anthropic's bears a signature that nobody else can give.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from evalgate.exchange import JsonValue
from evalgate.gateway.translations.usage import chat_usage, messages_usage
from evalgate.gateway.translations.written import written
from evalgate.providers.assembly import mapping, text
from evalgate.providers.body import parse_whole
from evalgate.providers.choices import least_choice
from evalgate.providers.finish import finish_reason
from evalgate.providers.reply import error_in, message_of

_STOPPED = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_BROKEN = ("error", "abort")  # OpenRouter, vLLM and SGLang: the answer is not whole


def message_of_completion(body: bytes) -> bytes:
    """Anthropic's Message of a chat completion; raises `ValueError` for what is none."""
    said = _answer(body)
    choice = least_choice(said.get("choices"))
    if choice is None or not isinstance(choice.get("message"), dict):
        reason = "the response has no choice with a message"
        raise ValueError(reason)
    message, identity = mapping(choice["message"]), text(said.get("id"))
    content: list[JsonValue] = []
    if words := plain(message.get("content")) + (refused := text(message.get("refusal"))):
        content.append({"type": "text", "text": words})
    calls = message.get("tool_calls")
    calls = calls if isinstance(calls, list) else []
    cut = finish_reason(choice.get("finish_reason")) == "length"
    content += [_tool_use(mapping(call), place, identity, cut=cut) for place, call in enumerate(calls)]
    told: dict[str, JsonValue] = {
        "id": identity,
        "type": "message",
        "role": "assistant",
        "model": text(said.get("model")),
        "content": content,
        **stopped(choice, called=bool(calls), refused=bool(refused)),
        "usage": messages_usage(mapping(said.get("usage"))),
    }
    return written(told)


def completion_of_message(body: bytes, created: int) -> bytes:
    """OpenAI's chat completion of a Message; raises `ValueError` for what is none. `created`: seconds of the epoch."""
    said = _answer(body)
    blocks = [mapping(block) for block in _blocks(said.get("content"))]
    words = "".join(text(block.get("text")) for block in blocks if block.get("type") == "text")
    calls: list[JsonValue] = [_tool_call(block) for block in blocks if block.get("type") == "tool_use"]
    message: dict[str, JsonValue] = {"role": "assistant", "content": words or (None if calls else ""), "refusal": None}
    if calls:
        message["tool_calls"] = calls
    choice: JsonValue = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": finished(said.get("stop_reason")),
    }
    told: JsonValue = {
        "id": text(said.get("id")),
        "object": "chat.completion",
        "created": created,
        "model": text(said.get("model")),
        "choices": [choice],
        "usage": chat_usage(usage) if (usage := mapping(said.get("usage"))) else None,
    }
    return written(told)


def stopped(choice: Mapping[str, JsonValue], *, called: bool, refused: bool) -> dict[str, JsonValue]:
    """`stop_reason` and `stop_sequence`; raises `ValueError` when the answer is not whole.

    OpenAI does not say which sequence stopped the model, or whether one did; vLLM and SGLang do. A word that nobody
    knows is passed on: it is neither success nor failure.
    """
    said = choice.get("finish_reason")
    if said in _BROKEN:
        reason = "the response ends in an error"
        raise ValueError(reason)
    why = finish_reason(said) if said else "stop"
    if refused:
        return {"stop_reason": "refusal", "stop_sequence": None}
    if called and why == "stop":  # some say so
        why = "tool_calls"
    sequence = choice.get("stop_reason") or choice.get("matched_stop")
    if why == "stop" and isinstance(sequence, str):
        return {"stop_reason": "stop_sequence", "stop_sequence": sequence}
    return {"stop_reason": _STOPPED.get(why) or text(said) or "end_turn", "stop_sequence": None}


def finished(stop_reason: JsonValue) -> JsonValue:
    """OpenAI's `finish_reason`; a word that nobody knows is passed on."""
    known = finish_reason(stop_reason)
    return known if known != "unknown" else text(stop_reason) or "stop"


def call_id(call: Mapping[str, JsonValue], place: int, identity: str) -> str:
    """The id of a tool call, by which its result is sent back; some servers give none."""
    return text(call.get("id")) or f"call_{identity}_{place}"


def plain(content: JsonValue) -> str:
    """The text of a content; some servers send it in parts."""
    if isinstance(content, list):
        return "".join(text(mapping(part).get("text")) for part in content)
    return text(content)


def _answer(body: bytes) -> dict[str, JsonValue]:
    said = parse_whole(body)
    if not isinstance(said, dict) or error_in(said):
        reason = f"the response is an error: {message_of(said)[:200]}" if said else "the response is empty"
        raise ValueError(reason)
    return said


def _blocks(content: JsonValue) -> list[JsonValue]:
    if isinstance(content, list):
        return content
    reason = "the response has no content"
    raise ValueError(reason)


def _tool_use(call: dict[str, JsonValue], place: int, identity: str, *, cut: bool) -> JsonValue:
    """`cut`: the limit of tokens may have ended it half-way; what it was to be called with nobody can tell."""
    function = mapping(call.get("function"))
    given = function.get("arguments")
    if isinstance(given, str):
        try:
            given = orjson.loads(given) if given.strip() else {}
        except orjson.JSONDecodeError:
            given = {} if cut else None
    if not isinstance(given, dict) or not text(function.get("name")):
        reason = "the response has a tool call without a name, or with arguments that are no JSON object"
        raise ValueError(reason)
    name = text(function.get("name"))
    return {"type": "tool_use", "id": call_id(call, place, identity), "name": name, "input": given}


def _tool_call(block: dict[str, JsonValue]) -> JsonValue:
    arguments = written(block.get("input") or {}).decode()
    return {
        "id": text(block.get("id")),
        "type": "function",
        "function": {"name": text(block.get("name")), "arguments": arguments},
    }
