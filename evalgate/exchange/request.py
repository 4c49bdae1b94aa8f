"""One question, and who asks it: the plain data that every room hands on.

A `Request` says nothing of who is asked, so that its hash proves that baseline and variant were asked the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalgate.formats.canonical import digest

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

ROUND = 1_000  # repeats from this on are those of rounds: a round's answers are its own, whatever was answered before
MAX_TOKENS = 10_000_000  # of one answer or prompt; more is nonsense, and its price would not fit the store's integers


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: chat messages or a completion prompt, and the sampling parameters.

    `parameters` are those of the OpenAI API by name (`temperature`, `max_tokens`, `seed`, `stop`, …).
    """

    prompt: str | tuple[Message, ...]
    parameters: Mapping[str, JsonValue]
    hash: str = field(default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", digest({"prompt": self.prompt, "parameters": dict(self.parameters)}))


@dataclass(frozen=True, slots=True)
class Question:
    """A request on behalf of a case; `repeat` (from 0) tells several answers to one request apart.

    What is asked anew, day by day, has a number for each round: its repeats begin at `ROUND` times that number.
    """

    case_id: str
    request: Request
    repeat: int = 0
