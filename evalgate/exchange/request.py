"""One question, and who asks it: the plain data that every room hands on.

A `Request` says nothing of who is asked, so that its hash proves that baseline and variant were asked the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evalgate.formats.canonical import digest

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

ROUND = 1_000  # repeats from this on are those of rounds: a round's answers are its own, whatever was answered before
MAX_TOKENS = 10_000_000  # of one answer or prompt; more is nonsense, and its price would not fit the store's integers


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message, in the shapes of the OpenAI API.

    `content` is a text, or parts: `{"type": "text", "text": …}` and `{"type": "image_url", "image_url": {"url": …}}`
    (https, or data in base64). `tool_calls` are those that an assistant made, each of which a message of role `tool`
    answers, by its `tool_call_id`.
    """

    role: str
    content: str | Sequence[JsonValue]
    tool_calls: Sequence[JsonValue] = ()
    tool_call_id: str | None = None

    @property
    def texts(self) -> list[str]:
        """What of it is text; a picture is none."""
        if isinstance(self.content, str):
            return [self.content]
        parts = [part.get("text") for part in self.content if isinstance(part, dict)]
        return [text for text in parts if isinstance(text, str)]

    @property
    def images(self) -> list[str]:
        """The URLs of its pictures."""
        parts = [] if isinstance(self.content, str) else self.content
        found = [part.get("image_url") for part in parts if isinstance(part, dict)]
        return [url for image in found if isinstance(image, dict) and isinstance(url := image.get("url"), str)]

    def to_json(self) -> dict[str, JsonValue]:
        """The message as it is sent and hashed: what is not used is not there."""
        content = self.content if isinstance(self.content, str) else list(self.content)
        written: dict[str, JsonValue] = {"role": self.role, "content": content}
        if self.tool_calls:
            written["tool_calls"] = list(self.tool_calls)
        if self.tool_call_id is not None:
            written["tool_call_id"] = self.tool_call_id
        return written


@dataclass(frozen=True, slots=True)
class _Plain:
    """What a message of text alone is hashed as: in this order, as ever."""

    role: str
    content: str


def _hashed(message: Message) -> object:
    plain = isinstance(message.content, str) and not message.tool_calls and message.tool_call_id is None
    return _Plain(message.role, message.content) if plain else message.to_json()  # type: ignore[arg-type]  # plain: a text


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: chat messages or a completion prompt, and the sampling parameters.

    `parameters` are those of the OpenAI API by name (`temperature`, `max_tokens`, `seed`, `stop`, …).
    """

    prompt: str | tuple[Message, ...]
    parameters: Mapping[str, JsonValue]
    hash: str = field(default="")

    def __post_init__(self) -> None:
        prompt = self.prompt if isinstance(self.prompt, str) else [_hashed(message) for message in self.prompt]
        object.__setattr__(self, "hash", digest({"prompt": prompt, "parameters": dict(self.parameters)}))

    @property
    def images(self) -> list[str]:
        """The URLs of all pictures."""
        return [] if isinstance(self.prompt, str) else [url for message in self.prompt for url in message.images]


@dataclass(frozen=True, slots=True)
class Question:
    """A request on behalf of a case; `repeat` (from 0) tells several answers to one request apart.

    What is asked anew, day by day, has a number for each round: its repeats begin at `ROUND` times that number.
    """

    case_id: str
    request: Request
    repeat: int = 0
