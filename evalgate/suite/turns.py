"""What may stand in a conversation: texts and pictures, calls of tools and what came of them.

The shapes are those of the OpenAI API, which people have their conversations in, and a shorter one for parts:
`{text: …}` and `{image: file or URL}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import orjson
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, field_validator, model_validator

from evalgate.exchange import JsonValue
from evalgate.formats.documents import Strict
from evalgate.formats.written import as_json
from evalgate.suite.generation import Label

MAX_TURNS = 1_000


class Part(Strict):
    """A piece of a message: a text, or a picture by its URL or by a file beside the suite."""

    text: str | None = Field(default=None, description="a template")
    image: str | None = Field(
        default=None,
        description="a template of a file beside the suite, https://… or data:…",
        examples=["{{ input.shot }}"],
    )

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Part:
        if (self.text is None) == (self.image is None):
            message = "a part has either a text or an image"
            raise ValueError(message)
        return self


def _short(value: object) -> object:
    """A part as the OpenAI API writes it, in the shorter form."""
    if not isinstance(value, dict) or "type" not in value:
        return value
    rest = {key: inner for key, inner in value.items() if key != "type"}
    url = rest.get("image_url")
    if value["type"] == "image_url" and len(rest) == 1:
        return {"image": url.get("url") if isinstance(url, dict) and len(url) == 1 else url}
    return rest if value["type"] == "text" else value


Content = (
    str
    | Annotated[
        list[Annotated[Part, BeforeValidator(_short, json_schema_input_type=Part)]], Field(min_length=1, max_length=100)
    ]
)


class ChatMessage(Strict):
    """One message of a chat prompt; texts in `content`, and the names of pictures, are Jinja2 templates."""

    role: Literal["system", "user", "assistant"] = Field(description="who says it")
    content: Content = Field(description="a text, or a list of texts and pictures", examples=["{{ input }}"])


def _says_an_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


class _Function(Strict):
    name: Label
    arguments: str | dict[str, object] = "{}"

    @field_validator("arguments")
    @classmethod
    def _an_object(cls, value: str | dict[str, object]) -> str | dict[str, object]:
        if isinstance(value, str) and not _says_an_object(value):  # most servers read them, and refuse what they cannot
            message = "expected the arguments as a JSON object, or the text of one"
            raise ValueError(message)
        return value


class _Call(Strict):
    id: Annotated[str, Field(min_length=1, max_length=200)]
    type: Literal["function"] = "function"
    function: _Function

    def to_json(self) -> JsonValue:
        """As it is sent: arguments are a text there."""
        given = self.function.arguments
        arguments = given if isinstance(given, str) else as_json(given)
        return {"id": self.id, "type": "function", "function": {"name": self.function.name, "arguments": arguments}}


class Turn(Strict):
    """One message of a case's conversation; nothing in it is a template."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Content | None = None
    tool_calls: Annotated[list[_Call], Field(min_length=1, max_length=128)] | None = None
    tool_call_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _that_can_be_sent(self) -> Turn:
        message = None
        if (self.tool_call_id is not None) != (self.role == "tool"):
            message = "a message of role tool, and no other, has the tool_call_id of the call that it answers"
        elif self.tool_calls and self.role != "assistant":
            message = "only the assistant calls tools"
        elif self.content is None and not self.tool_calls:
            message = "a message needs content, or calls of tools"
        if message is not None:
            raise ValueError(message)
        return self


_TURNS = TypeAdapter(list[Turn])


def problem_with(messages: JsonValue) -> str | None:
    """Why these are no conversation; None when they are."""
    if not isinstance(messages, list) or not messages:
        return ": expected a list of messages"
    if len(messages) > MAX_TURNS:
        return f": more than {MAX_TURNS} messages"
    try:
        turns = read_turns(messages)
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        key = error.get("ctx", {}).get("key")
        named = [
            str(part) for part in (*error["loc"], *([key] if key else [])) if "[" not in str(part) and part != "str"
        ]
        return f".{'.'.join(named)}: {error['msg'].removeprefix('Value error, ')}"
    return _unanswered(turns)


def read_turns(messages: JsonValue) -> list[Turn]:
    """The conversation; raises `ValidationError` for what is none."""
    return _TURNS.validate_python(messages)


def _unanswered(turns: Sequence[Turn]) -> str | None:
    """A call of a tool that is not answered before the conversation goes on, or an answer to none."""
    waiting: set[str] = set()
    for index, turn in enumerate(turns):
        if turn.role == "tool":
            if turn.tool_call_id not in waiting:
                return f".{index}.tool_call_id: {turn.tool_call_id!r} answers no call of the message before"
            waiting.remove(turn.tool_call_id)
        elif waiting:
            return f".{index}: the call {min(waiting)!r} has to be answered first, by a message of role tool"
        else:
            waiting = {call.id for call in turn.tool_calls or []}
    return f": the call {min(waiting)!r} is not answered; end with a message of role tool" if waiting else None
