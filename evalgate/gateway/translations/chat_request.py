"""A request to OpenAI's chat completions, as Anthropic's Messages say it.

Tool results there are messages of their own; here they are blocks of the user's turn. Messages needs a limit of tokens
where chat completions need none: it is that of the evaluation, so that what was tested is what is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from evalgate.gateway.translations.strict import common, listed, mapping, no_words, only, text, unless
from evalgate.providers.anthropic import DEFAULT_MAX_TOKENS, EFFORTS

_WHO = "Messages"
_SAYS_NOTHING: dict[str, tuple[object, ...]] = {
    "n": (None, 1),
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
    "logit_bias": (None,),
    "frequency_penalty": (None, 0, 0.0),
    "presence_penalty": (None, 0, 0.0),
    "store": (None, False),
    "verbosity": (None, "medium"),
    "audio": (None,),
    "functions": (None,),
    "seed": (None,),
}  # those values that ask for what Messages do anyway
_LEFT_OUT = {
    *("metadata", "provider"),  # labels, and limits that the gateway keeps itself
    *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "prediction"),  # hints: cost and speed
    "stream_options",  # how the answer is told, not what it is
}
_KNOWN = {
    *("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stream", "stop"),
    *("tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "modalities"),
    *("user", "safety_identifier", "service_tier"),
    *_SAYS_NOTHING,
    *_LEFT_OUT,
}
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_Content = str | list[dict[str, object]]


def messages_request(body: Mapping[str, object]) -> dict[str, object]:
    """The request in Anthropic's words; raises `Untranslatable` for what has none."""
    only(body, "", _KNOWN, _WHO)
    for name, values in _SAYS_NOTHING.items():
        unless(body.get(name), name, values, "Messages has no word for it")
    unless(tuple(listed(body.get("modalities") or ["text"], "modalities")), "modalities", (("text",),), "only text")
    said = common(body)
    temperature = said.get("temperature", 0)
    if not (isinstance(temperature, int | float) and temperature <= 1):
        raise no_words("temperature", f"Messages takes at most 1, got {str(temperature)[:40]}")
    said |= _messages(listed(body.get("messages"), "messages"))
    said["max_tokens"] = body.get("max_completion_tokens") or body.get("max_tokens") or DEFAULT_MAX_TOKENS
    if stop := body.get("stop"):
        said["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if (user := body.get("safety_identifier") or body.get("user")) is not None:
        said["metadata"] = {"user_id": text(user, "user")}
    if tools := body.get("tools"):
        said["tools"] = [_tool(tool, f"tools[{place}]") for place, tool in enumerate(listed(tools, "tools"))]
        said |= _tool_choice(body.get("tool_choice"), alone=body.get("parallel_tool_calls") is False)
    elif body.get("tool_choice") not in (None, "auto", "none"):
        raise no_words("tool_choice", "there are no tools to choose from")
    if output := _output(body.get("response_format"), body.get("reasoning_effort")):
        said["output_config"] = output
    return said


def _messages(messages: list[object]) -> dict[str, object]:
    """`system` and `messages`: system messages at the beginning have a field of their own."""
    system: list[_Content] = []
    turns: list[tuple[str, list[_Content]]] = []
    for index, said in enumerate(messages):
        place = f"messages[{index}]"
        message = mapping(said, place)
        role, content = _message(message, place)
        if role == "system" and not turns:
            system.append(content)
        elif turns and turns[-1][0] == role:
            turns[-1][1].append(content)
        else:
            turns.append((role, [content]))
    if not turns:
        raise no_words("messages", "Messages needs one that is not the system's")
    if turns[-1][0] == "assistant":
        raise no_words("messages", "ends in an assistant's message, which Messages would continue and not answer")
    told: dict[str, object] = {"messages": [{"role": role, "content": _turn(parts)} for role, parts in turns]}
    if all(isinstance(part, str) for part in system):  # as the evaluation asks it
        system = ["\n\n".join(str(part) for part in system)] if system else []
    return ({"system": _turn(system)} if system else {}) | told


def _turn(parts: list[_Content]) -> _Content:
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[_Content]) -> list[dict[str, object]]:
    """Several messages of one role are one turn of all their blocks."""
    return [block for part in parts for block in ([_block(part)] if isinstance(part, str) else part)]


def _block(said: str) -> dict[str, object]:
    return {"type": "text", "text": said}


def _message(message: Mapping[str, object], place: str) -> tuple[str, _Content]:
    role, content = message.get("role"), message.get("content")
    match role:
        case "system" | "developer":
            only(message, place, ("role", "content"), _WHO)
            return "system", _texts(content, f"{place}.content")
        case "user":
            only(message, place, ("role", "content"), _WHO)
            return "user", content if isinstance(content, str) else _parts(content, f"{place}.content")
        case "tool":
            only(message, place, ("role", "content", "tool_call_id"), _WHO)
            call = text(message.get("tool_call_id"), f"{place}.tool_call_id")
            result = _texts(content, f"{place}.content")
            return "user", [{"type": "tool_result", "tool_use_id": call, "content": result}]
        case "assistant":
            return "assistant", _assistant(message, place)
    raise no_words(f"{place}.role", f"expected system, developer, user, assistant or tool, got {str(role)[:40]!r}")


def _assistant(message: Mapping[str, object], place: str) -> _Content:
    only(message, place, ("role", "content", "tool_calls", "refusal", "annotations", "reasoning_content"), _WHO)
    for name in ("refusal", "annotations", "reasoning_content"):  # as an answer has them that is sent back
        unless(message.get(name), f"{place}.{name}", (None, ""), "Messages has no word for it")
    content = message.get("content")
    said = _texts(content, f"{place}.content") if content else ""
    calls = listed(message.get("tool_calls") or [], f"{place}.tool_calls")
    if not calls:
        if not said:
            raise no_words(f"{place}.content", "is empty, and Messages takes no empty message")
        return said
    blocks = [_tool_use(call, f"{place}.tool_calls[{i}]") for i, call in enumerate(calls)]
    return _joined([said, blocks]) if said else blocks


def _texts(content: object, place: str) -> _Content:
    if isinstance(content, str):
        return content
    return [_part(mapping(part, where), where, texts=True) for where, part in _numbered(content, place)]


def _parts(content: object, place: str) -> _Content:
    return [_part(mapping(part, where), where, texts=False) for where, part in _numbered(content, place)]


def _numbered(content: object, place: str) -> list[tuple[str, object]]:
    found = listed(content, place)
    if not found:
        raise no_words(place, "is empty")
    return [(f"{place}[{i}]", part) for i, part in enumerate(found)]


def _part(part: Mapping[str, object], place: str, *, texts: bool) -> dict[str, object]:
    kind = part.get("type")
    if kind == "text":
        only(part, place, ("type", "text", "prompt_cache_breakpoint"), _WHO)
        return _block(text(part.get("text"), f"{place}.text"))
    if kind != "image_url" or texts:
        raise no_words(place, f"Messages has no place for a part {str(kind)[:40]!r} here")
    only(part, place, ("type", "image_url", "prompt_cache_breakpoint"), _WHO)
    image = mapping(part.get("image_url"), f"{place}.image_url")
    unless(image.get("detail"), f"{place}.image_url.detail", (None, "auto", "high"), "Messages sees images whole")
    return {"type": "image", "source": _source(text(image.get("url"), f"{place}.image_url.url"), place)}


def _source(url: str, place: str) -> dict[str, object]:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, _, data = url[5:].partition(",")
    kind, _, coding = head.partition(";")
    if coding != "base64" or kind not in _IMAGES:
        raise no_words(f"{place}.image_url.url", f"Messages takes base64 of {', '.join(_IMAGES)}, got {head[:60]!r}")
    return {"type": "base64", "media_type": kind, "data": data}


def _tool_use(said: object, place: str) -> dict[str, object]:
    call = mapping(said, place)
    unless(call.get("type"), f"{place}.type", (None, "function"), "Messages has no word for such a call")
    function = mapping(call.get("function"), f"{place}.function")
    arguments = text(function.get("arguments"), f"{place}.function.arguments")
    try:
        given = orjson.loads(arguments) if arguments.strip() else {}
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise no_words(f"{place}.function.arguments", "Messages takes a JSON object, and this is none")
    name = text(function.get("name"), f"{place}.function.name")
    return {"type": "tool_use", "id": text(call.get("id"), f"{place}.id"), "name": name, "input": given}


def _tool(said: object, place: str) -> dict[str, object]:
    tool = mapping(said, place)
    unless(tool.get("type"), f"{place}.type", ("function",), "Messages has no word for such a tool")
    only(tool, place, ("type", "function"), _WHO)
    function = mapping(tool.get("function"), f"{place}.function")
    only(function, f"{place}.function", ("name", "description", "parameters", "strict"), _WHO)
    schema = mapping(function.get("parameters") or {"type": "object", "properties": {}}, f"{place}.function.parameters")
    more = {name: function[name] for name in ("description", "strict") if function.get(name) is not None}
    return {"name": text(function.get("name"), f"{place}.function.name"), "input_schema": schema} | more


def _tool_choice(choice: object, *, alone: bool) -> dict[str, object]:
    """`alone`: one tool call at a time."""
    one = {"disable_parallel_tool_use": True} if alone else {}
    match choice:
        case None:
            return {"tool_choice": {"type": "auto"} | one} if alone else {}
        case "none":
            return {"tool_choice": {"type": "none"}}
        case "auto":
            return {"tool_choice": {"type": "auto"} | one}
        case "required":
            return {"tool_choice": {"type": "any"} | one}
        case {"type": "function", "function": {"name": str(name)}}:
            return {"tool_choice": {"type": "tool", "name": name} | one}
    raise no_words("tool_choice", "expected auto, none, required or a function's name")


def _output(form: object, effort: object) -> dict[str, object]:
    """What goes into `output_config`."""
    said: dict[str, object] = {}
    if effort is not None:
        unless(effort, "reasoning_effort", EFFORTS, "the least that Messages knows is 'low'")
        said["effort"] = effort
    if form is None:
        return said
    asked = mapping(form, "response_format")
    kind = asked.get("type")
    if kind == "text":
        return said
    if kind != "json_schema":
        raise no_words("response_format.type", f"Messages has no {str(kind)[:40]!r}; give it a json_schema")
    wanted = mapping(asked.get("json_schema"), "response_format.json_schema")
    schema = mapping(wanted.get("schema"), "response_format.json_schema.schema")
    if wanted.get("description") is not None:  # meant for the model, and Messages has a place for it only in here
        schema = {"description": wanted["description"], **schema}
    return said | {"format": {"type": "json_schema", "schema": schema}}
