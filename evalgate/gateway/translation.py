"""Between what a client speaks and what an upstream speaks, where the two differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

Speech = Literal["openai", "anthropic"]  # azure and openrouter speak OpenAI's


class Untranslatable(Exception):
    """A request that says something for which the other API has no words; the message names the field."""


class StreamTranslation(Protocol):
    """The events of one stream, in the client's words."""

    def feed(self, event: bytes) -> bytes:
        """One event as it came, with the blank line that ends it → what the client is sent for it.

        That is nothing, or whole events with their blank lines. It never raises: what cannot be read is left out, and
        after an error, which is the last event, nothing follows.
        """

    def end(self) -> bytes:
        """What the client is still sent when the upstream's stream has ended; an error where it ended too early."""


class Translation(Protocol):
    """One direction of request, and the way back of its response."""

    path: str  # at the upstream, such as /messages

    def request(self, body: Mapping[str, object]) -> dict[str, object]:
        """The upstream's request. Raises `Untranslatable` where it would not mean exactly the same."""

    def response(self, body: bytes) -> bytes:
        """The client's response to a whole answer (status 2xx). Raises `ValueError` for what is none."""

    def error(self, body: bytes, status: int | None = None) -> bytes:
        """The client's form of an upstream's error, whatever it is; `status` says best what kind of error it was."""

    def stream(self, asked: Mapping[str, object]) -> StreamTranslation:
        """For the stream that the client's request `asked` for."""
