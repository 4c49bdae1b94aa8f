"""The two directions, and which one a call needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NoReturn

from evalgate.gateway.translation import Speech, StreamTranslation, Translation, Untranslatable
from evalgate.gateway.translations.answers import completion_of_message, message_of_completion
from evalgate.gateway.translations.chat_request import messages_request
from evalgate.gateway.translations.chat_stream import ChatStream
from evalgate.gateway.translations.errors import error_told
from evalgate.gateway.translations.messages_request import chat_request
from evalgate.gateway.translations.messages_stream import MessagesStream


def between(client: Speech, upstream_protocol: str, path: str) -> Translation | None:
    """How a call to `path` (such as /v1/messages) is said to an upstream; None where both speak the same."""
    if (upstream_protocol == "anthropic") == (client == "anthropic"):
        return None
    if client == "anthropic" and path.endswith("/messages"):
        return MESSAGES_OVER_CHAT
    if client == "openai" and path.endswith("/chat/completions"):
        return CHAT_OVER_MESSAGES
    return Wordless(path)


class MessagesOverChat:
    """A client of Anthropic's Messages, an upstream that has chat completions."""

    path = "/chat/completions"

    def request(self, body: Mapping[str, object]) -> dict[str, object]:
        """See `Translation`."""
        return chat_request(body)

    def response(self, body: bytes) -> bytes:
        """See `Translation`."""
        return message_of_completion(body)

    def error(self, body: bytes, status: int | None = None) -> bytes:
        """See `Translation`."""
        return error_told("anthropic", body, status)

    def stream(self, asked: Mapping[str, object]) -> StreamTranslation:
        """See `Translation`."""
        del asked
        return MessagesStream()


class ChatOverMessages:
    """A client of OpenAI's chat completions, an upstream that is Anthropic's Messages. `now`: seconds of the epoch."""

    path = "/messages"

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now

    def request(self, body: Mapping[str, object]) -> dict[str, object]:
        """See `Translation`."""
        return messages_request(body)

    def response(self, body: bytes) -> bytes:
        """See `Translation`."""
        return completion_of_message(body, int(self.now()))

    def error(self, body: bytes, status: int | None = None) -> bytes:
        """See `Translation`."""
        return error_told("openai", body, status)

    def stream(self, asked: Mapping[str, object]) -> StreamTranslation:
        """See `Translation`."""
        options = asked.get("stream_options")
        return ChatStream(int(self.now()), usage=isinstance(options, dict) and options.get("include_usage") is True)


class Wordless:
    """A path that the other API has nothing like, such as embeddings: no request gets through, nothing comes back."""

    def __init__(self, path: str) -> None:
        self.path = path

    def request(self, body: Mapping[str, object]) -> NoReturn:
        """Always raises `Untranslatable`."""
        del body
        raise Untranslatable(f"{self.path}: the upstream's API offers nothing like it")

    def response(self, body: bytes) -> NoReturn:
        """See `request`."""
        raise AssertionError(self.path, body)

    def error(self, body: bytes, status: int | None = None) -> NoReturn:
        """See `request`."""
        raise AssertionError(self.path, body, status)

    def stream(self, asked: Mapping[str, object]) -> NoReturn:
        """See `request`."""
        raise AssertionError(self.path, asked)


MESSAGES_OVER_CHAT, CHAT_OVER_MESSAGES = MessagesOverChat(), ChatOverMessages()
