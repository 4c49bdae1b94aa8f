"""Checks by the SDKs' own types, and the requests that both APIs can say."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import orjson
from anthropic.types import RawMessageStreamEvent
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from pydantic import TypeAdapter

from evalgate.providers.sse import EventReader

_MESSAGES_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def conforms(kind: Any, value: object) -> None:
    """Raises where `value` is not as the SDK's type has it, in its iterables too."""
    waiting = [_adapter(kind).validate_python(value)]  # its iterables are read, and so checked, one by one
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, Iterable) and not isinstance(each, str | bytes):
            waiting.extend(each)


def messages_events(stream: bytes) -> list[dict[str, Any]]:
    """The events of an Anthropic stream, each checked; `error` and `ping` have no type in the SDK."""
    found = EventReader(1 << 20).feed(stream)
    said = [orjson.loads(data) for _, data in found]
    assert [name for name, _ in found] == [event["type"] for event in said]
    for event in said:
        if event["type"] not in ("error", "ping"):
            _MESSAGES_EVENT.validate_python(event)
    return said


def chunks(stream: bytes) -> list[dict[str, Any]]:
    """The chunks of an OpenAI stream, each checked; None for `[DONE]`."""
    said = [None if data == b"[DONE]" else orjson.loads(data) for _, data in EventReader(1 << 20).feed(stream)]
    for event in said:
        if event is not None and "error" not in event:
            ChatCompletionChunk.model_validate(event)
    return said


words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
names = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(words, plain, max_size=3)
schemas = st.fixed_dictionaries({"type": st.just("object"), "properties": st.dictionaries(names, objects, max_size=2)})
hint = st.fixed_dictionaries({}, optional={"cache_control": st.just({"type": "ephemeral"})})


def block(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(lambda said, hinted: said | hinted, st.fixed_dictionaries(fields), hint)


texts = block(type=st.just("text"), text=words)
images = block(
    type=st.just("image"),
    source=st.fixed_dictionaries({"type": st.just("url"), "url": names.map("https://example.com/{}".format)})
    | st.fixed_dictionaries(
        {"type": st.just("base64"), "media_type": st.sampled_from(["image/png", "image/webp"]), "data": names}
    ),
)
results = block(type=st.just("tool_result"), tool_use_id=names, content=words | st.lists(texts, min_size=1, max_size=2))
uses = block(type=st.just("tool_use"), id=names, name=names, input=objects)
user_turn = st.tuples(st.lists(results, max_size=2), st.lists(texts | images, max_size=2)).map(
    lambda two: [*two[0], *two[1]]
)
assistant_turn = st.tuples(st.lists(texts, max_size=2), st.lists(uses, max_size=2)).map(lambda two: [*two[0], *two[1]])


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Turns of user and assistant, some told in several messages, some as a string."""
    messages = []
    rounds = draw(st.lists(st.tuples(user_turn.filter(bool), assistant_turn.filter(bool)), max_size=2))
    turns = [each for u, a in rounds for each in (("user", u), ("assistant", a))]
    turns.append(("user", draw(user_turn.filter(bool))))
    for role, blocks in turns:
        cut = draw(st.integers(0, len(blocks)))
        for part in (blocks[:cut], blocks[cut:]):
            if len(part) == 1 and part[0]["type"] == "text" and draw(st.booleans()):
                messages.append({"role": role, "content": part[0]["text"]})
            elif part:
                messages.append({"role": role, "content": part})
    return messages


choices = st.sampled_from([{"type": "auto"}, {"type": "any"}, {"type": "none"}, {"type": "tool", "name": "f"}])
tools = st.builds(
    lambda said, more, hinted: said | more | hinted,
    st.fixed_dictionaries({"name": names, "input_schema": schemas}),
    st.fixed_dictionaries({}, optional={"description": words, "strict": st.booleans(), "type": st.just("custom")}),
    hint,
)
requests = st.fixed_dictionaries(
    {"model": names, "max_tokens": st.integers(1, 9999), "messages": conversations()},
    optional={
        "system": words | st.lists(texts, min_size=1, max_size=2),
        "temperature": st.floats(0, 1),
        "top_p": st.floats(0, 1),
        "stop_sequences": st.lists(words, max_size=3),
        "stream": st.booleans(),
        "tools": st.lists(tools, min_size=1, max_size=2),
        "metadata": st.fixed_dictionaries({"user_id": words}),
        "output_config": st.fixed_dictionaries(
            {},
            optional={
                "effort": st.sampled_from(["low", "max"]),
                "format": st.fixed_dictionaries({"type": st.just("json_schema"), "schema": schemas}),
            },
        ),
    },
).flatmap(
    lambda said: st.just(said) | choices.map(lambda c: said | {"tool_choice": c}) if "tools" in said else st.just(said)
)
"""Requests to Messages that chat completions can say."""


def meaning(request: dict[str, Any]) -> dict[str, Any]:
    """The same for requests to Messages that mean the same: strings as blocks, turns put together, no hints."""
    turns: list[tuple[str, list[Any]]] = []
    for message in request["messages"]:
        blocks = _bare(message["content"])
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message["role"], blocks))
    said = {name: value for name, value in request.items() if value not in ([], {}) and name != "stream"}
    said |= {"messages": turns, "stream": bool(request.get("stream"))}
    if "system" in said:
        said["system"] = _bare(said["system"])
    if "tools" in said:
        said["tools"] = [
            {name: value for name, value in tool.items() if name not in ("cache_control", "type")}
            for tool in said["tools"]
        ]
    return said


def _bare(content: object) -> list[Any]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    assert isinstance(blocks, list)
    bare = [{name: value for name, value in each.items() if name != "cache_control"} for each in blocks]
    return [each | {"content": _bare(each["content"])} if each["type"] == "tool_result" else each for each in bare]
