"""A request to Anthropic's Messages, as OpenAI's chat completions say it.

A message there is a list of blocks, and consecutive messages of one role are one turn; here tool results are messages
of their own before the rest of their turn, and tool calls stand after the text of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from evalgate.gateway.translations.strict import common, listed, mapping, no_words, only, text, unless
from evalgate.providers.anthropic import EFFORTS

_WHO = "chat completions"
_KNOWN = {
    *("model", "messages", "system", "max_tokens", "stop_sequences", "temperature", "top_p", "stream", "tools"),
    *("tool_choice", "output_config", "thinking", "speed", "service_tier"),
    *("metadata", "cache_control"),  # labels, and a hint for a cache
    "provider",  # OpenRouter's, by which the gateway names the one that is meant
}
_Block = tuple[str, Mapping[str, object]]  # where it stands, and what it says


def chat_request(body: Mapping[str, object]) -> dict[str, object]:
    """The request in OpenAI's words; raises `Untranslatable` for what has none."""
    only(body, "", _KNOWN, _WHO)
    unless(body.get("speed"), "speed", (None, "standard"), "chat completions have one speed only")
    chat = common(body)
    chat["messages"] = [*_system(body.get("system"), "system"), *_messages(listed(body.get("messages"), "messages"))]
    if (limit := body.get("max_tokens")) is None:
        raise no_words("max_tokens", "Messages requires it")
    if limit == 0:
        raise no_words("max_tokens", "expected at least 1: chat completions fill no cache without an answer")
    chat["max_tokens"] = limit
    if stops := body.get("stop_sequences"):
        chat["stop"] = stops
    user = mapping(body.get("metadata") or {}, "metadata").get("user_id")
    if user is not None:
        chat["user"] = text(user, "metadata.user_id")
    if thinking := body.get("thinking"):
        kind = mapping(thinking, "thinking").get("type")
        unless(kind, "thinking", ("disabled",), "chat completions neither take a budget for it nor return it")
    if (provider := body.get("provider")) is not None:
        chat["provider"] = provider
    if tools := body.get("tools"):
        chat["tools"] = [_tool(tool, f"tools[{place}]") for place, tool in enumerate(listed(tools, "tools"))]
    if (choice := body.get("tool_choice")) is not None:
        chat |= _tool_choice(mapping(choice, "tool_choice"))
    if (config := body.get("output_config")) is not None:
        chat |= _output(mapping(config, "output_config"))
    return chat


def _system(system: object, place: str) -> Iterator[dict[str, object]]:
    if system:
        parts = [_text(block, where) for where, block in _blocks(system, place)]
        yield {"role": "system", "content": _content(parts)}


def _messages(messages: list[object]) -> Iterator[dict[str, object]]:
    turns: list[tuple[str, list[_Block]]] = []
    for index, said in enumerate(messages):
        place = f"messages[{index}]"
        message = mapping(said, place)
        only(message, place, ("role", "content"), _WHO)
        role, blocks = message.get("role"), _blocks(message.get("content"), f"{place}.content")
        if role not in ("user", "assistant", "system"):
            raise no_words(f"{place}.role", f"expected user, assistant or system, got {str(role)[:40]!r}")
        if turns and turns[-1][0] == role != "system":
            turns[-1][1].extend(blocks)
        else:
            turns.append((str(role), blocks))
    if not turns:
        raise no_words("messages", "is empty")
    if turns[-1][0] == "assistant":
        raise no_words("messages", "ends in an assistant's message, which chat completions answer and do not continue")
    for role, blocks in turns:
        if role == "user":
            yield from _user(blocks)
        elif role == "assistant":
            yield _assistant(blocks)
        else:
            yield {"role": role, "content": _content([_text(block, place) for place, block in blocks])}


def _user(blocks: list[_Block]) -> Iterator[dict[str, object]]:
    parts: list[dict[str, object]] = []
    for place, block in blocks:
        if block.get("type") == "tool_result":
            if parts:
                raise no_words(place, "tool results come first in their message")
            yield _tool_result(block, place)
        else:
            parts.append(_image(block, place) if block.get("type") == "image" else _text(block, place))
    if parts:
        yield {"role": "user", "content": _content(parts)}


def _assistant(blocks: list[_Block]) -> dict[str, object]:
    parts: list[dict[str, object]] = []
    calls: list[dict[str, object]] = []
    for place, block in blocks:
        if block.get("type") == "tool_use":
            calls.append(_tool_use(block, place))
        elif calls:
            raise no_words(place, "chat completions have no place for what comes after a tool call in a message")
        else:
            parts.append(_text(block, place))
    message: dict[str, object] = {"role": "assistant", "content": _content(parts) if parts else None}
    return message | ({"tool_calls": calls} if calls else {})


def _blocks(content: object, place: str) -> list[_Block]:
    """A string is shorthand for one block of text."""
    if isinstance(content, str):
        return [(place, {"type": "text", "text": content})]
    blocks = [(f"{place}[{i}]", mapping(block, f"{place}[{i}]")) for i, block in enumerate(listed(content, place))]
    if not blocks:
        raise no_words(place, "is empty")
    return blocks


def _content(parts: list[dict[str, object]]) -> object:
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _text(block: Mapping[str, object], place: str) -> dict[str, object]:
    if block.get("type") != "text":
        raise no_words(place, f"chat completions have no place for a block {str(block.get('type'))[:40]!r} here")
    only(block, place, ("type", "text", "cache_control", "citations"), _WHO)
    unless(block.get("citations"), f"{place}.citations", (None,), "chat completions know no citations")
    return {"type": "text", "text": text(block.get("text"), f"{place}.text")}


def _image(block: Mapping[str, object], place: str) -> dict[str, object]:
    only(block, place, ("type", "source", "cache_control", "transformations"), _WHO)
    unless(block.get("transformations"), f"{place}.transformations", (None,), "chat completions transform no images")
    source = mapping(block.get("source"), f"{place}.source")
    if source.get("type") == "url":
        url = text(source.get("url"), f"{place}.source.url")
    elif source.get("type") == "base64":
        kind = text(source.get("media_type"), f"{place}.source.media_type")
        url = f"data:{kind};base64,{text(source.get('data'), f'{place}.source.data')}"
    else:
        raise no_words(f"{place}.source", "chat completions take an image as base64 or by its URL only")
    return {"type": "image_url", "image_url": {"url": url}}


def _tool_use(block: Mapping[str, object], place: str) -> dict[str, object]:
    only(block, place, ("type", "id", "name", "input", "cache_control", "caller"), _WHO)
    _called_directly(block.get("caller"), place)
    given = mapping(block.get("input"), f"{place}.input")
    try:
        arguments = orjson.dumps(given).decode()
    except TypeError:
        raise no_words(f"{place}.input", "cannot be written as JSON: nested too deeply, or no text") from None
    function = {"name": text(block.get("name"), f"{place}.name"), "arguments": arguments}
    return {"id": text(block.get("id"), f"{place}.id"), "type": "function", "function": function}


def _called_directly(caller: object, place: str) -> None:
    if caller is not None and mapping(caller, f"{place}.caller").get("type") != "direct":
        raise no_words(f"{place}.caller", "in chat completions only the model itself calls tools")


def _tool_result(block: Mapping[str, object], place: str) -> dict[str, object]:
    only(block, place, ("type", "tool_use_id", "content", "is_error", "cache_control"), _WHO)
    unless(block.get("is_error"), f"{place}.is_error", (None, False), "chat completions know no failed results")
    content = block.get("content")
    parts = [_text(part, where) for where, part in _blocks(content, f"{place}.content")] if content else []
    call = text(block.get("tool_use_id"), f"{place}.tool_use_id")
    return {"role": "tool", "tool_call_id": call, "content": _content(parts) if parts else ""}


def _tool(said: object, place: str) -> dict[str, object]:
    tool = mapping(said, place)
    if tool.get("type") not in (None, "custom"):
        raise no_words(f"{place}.type", f"{str(tool['type'])[:40]!r} runs at Anthropic or is known to its models only")
    words = ("type", "name", "description", "input_schema", "strict", "cache_control", "eager_input_streaming")
    only(tool, place, (*words, "defer_loading", "allowed_callers"), _WHO)
    unless(tool.get("defer_loading"), f"{place}.defer_loading", (None, False), "chat completions load all tools")
    if tool.get("allowed_callers") not in (None, ["direct"]):
        raise no_words(f"{place}.allowed_callers", "in chat completions only the model itself calls tools")
    function = {
        "name": text(tool.get("name"), f"{place}.name"),
        "parameters": mapping(tool.get("input_schema"), f"{place}.input_schema"),
    }
    more = {name: tool[name] for name in ("description", "strict") if tool.get(name) is not None}
    return {"type": "function", "function": function | more}


def _tool_choice(choice: Mapping[str, object]) -> dict[str, object]:
    only(choice, "tool_choice", ("type", "name", "disable_parallel_tool_use"), _WHO)
    match choice.get("type"):
        case "auto" | "none" as kind:
            said: dict[str, object] = {"tool_choice": kind}
        case "any":
            said = {"tool_choice": "required"}
        case "tool":
            named = {"name": text(choice.get("name"), "tool_choice.name")}
            said = {"tool_choice": {"type": "function", "function": named}}
        case kind:
            raise no_words("tool_choice.type", f"expected auto, any, tool or none, got {str(kind)[:40]!r}")
    return said | ({"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {})


def _output(config: Mapping[str, object]) -> dict[str, object]:
    only(config, "output_config", ("effort", "format"), _WHO)
    said: dict[str, object] = {}
    if (effort := config.get("effort")) is not None:
        unless(effort, "output_config.effort", EFFORTS, f"expected one of {', '.join(EFFORTS)}")
        said["reasoning_effort"] = effort
    if (form := config.get("format")) is not None:
        form = mapping(form, "output_config.format")
        only(form, "output_config.format", ("type", "schema"), _WHO)
        unless(form.get("type"), "output_config.format.type", ("json_schema",), "chat completions know no other")
        schema = mapping(form.get("schema"), "output_config.format.schema")
        asked = {"name": "answer", "schema": schema, "strict": True}  # the name is required, and Anthropic has none
        said["response_format"] = {"type": "json_schema", "json_schema": asked}
    return said
