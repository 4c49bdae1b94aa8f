"""The messages of a conversation as Anthropic's Messages API writes them: pictures, calls of tools and their results.

There a result is a block of a user's turn, and all results of one turn stand in one message, before any text.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from evalgate.catalog import Endpoint
from evalgate.errors import InputError
from evalgate.exchange import JsonValue, Message

_DATA = "data:"


def turns(endpoint: Endpoint, messages: Sequence[Message]) -> list[JsonValue]:
    """The `messages`, none of the system, as Messages has them; raises `InputError` for what it has no word for.

    A conversation of texts alone stays one of texts.
    """
    written: list[JsonValue] = []
    results: list[JsonValue] = []
    for message in messages:
        if message.role == "tool":
            if not results:
                written.append({"role": "user", "content": results})
            results.append(_result(message))
            continue
        if results and message.role == "user":  # two turns of the user in a row are one
            results.extend(_blocks(endpoint, message))
        else:
            plain = isinstance(message.content, str) and not message.tool_calls
            content: JsonValue = message.content if plain else _blocks(endpoint, message)  # type: ignore[assignment]  # plain: a text
            written.append({"role": message.role, "content": content})
        results = []
    return written


def _result(message: Message) -> JsonValue:
    return {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": "".join(message.texts)}


def _blocks(endpoint: Endpoint, message: Message) -> list[JsonValue]:
    parts: list[JsonValue] = []
    if not isinstance(message.content, str):
        parts = [_part(part) for part in message.content]
    elif message.content:
        parts = [{"type": "text", "text": message.content}]
    return parts + [_use(endpoint, call) for call in message.tool_calls]


def _part(part: JsonValue) -> JsonValue:
    image = part.get("image_url") if isinstance(part, dict) else None
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(url, str):
        return part
    if not url.startswith(_DATA):
        return {"type": "image", "source": {"type": "url", "url": url}}
    kind, _, data = url.removeprefix(_DATA).partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def _use(endpoint: Endpoint, call: JsonValue) -> JsonValue:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        raise InputError(f"{endpoint.place}: protocol anthropic: a call of a tool needs a function with a name")
    try:
        given = orjson.loads(str(function.get("arguments") or "{}"))
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        message = f"the arguments of the call {call.get('id')!r} are no JSON object, which Messages takes only"
        raise InputError(f"{endpoint.place}: provider {endpoint.provider.id!r} (protocol anthropic): {message}")
    return {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": given}
