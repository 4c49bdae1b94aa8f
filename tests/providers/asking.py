"""One question asked of one endpoint over real HTTP, as the tests of every protocol do it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer, Message, Question, Request
from evalgate.providers import AttemptFailed, connect
from tests.conftest import Loopback, Sent, catalog, questions, variant

KEY = "sk-0123456789abcdefghij"
CHAT = Question("c", Request((Message("user", "hi"),), {}))


def ask(endpoint: Endpoint, question: Question | None = None, key: str = KEY) -> Answer:
    """The answer of one attempt."""
    return ask_all(endpoint, [question or questions(1)[0]], key)[0]


def ask_all(endpoint: Endpoint, asked: list[Question], key: str = KEY) -> list[Answer]:
    """The answers of one client, one after the other."""

    async def one_by_one() -> list[Answer]:
        client = connect(endpoint.provider, {"KEY": key})
        try:
            return [await client.ask(endpoint, question) for question in asked]
        finally:
            await client.close()

    return asyncio.run(one_by_one())


def attempt(
    server: Loopback, folder: Path, sent: Sent, question: Question | None = None, **provider: object
) -> AttemptFailed:
    """The failed attempt that comes of what the server sends."""
    server.behave = lambda asked: sent
    with pytest.raises(AttemptFailed) as caught:
        ask(server.endpoint(folder, **provider), question)
    return caught.value


def at(server: Loopback, folder: Path, changes: dict[str, object] | None = None, **provider: object) -> Endpoint:
    """A variant that is served here, under another protocol; `changes` are the variant's."""
    house = catalog(folder, variant(**(changes or {})), **{"base_url": server.url, "api_key_env": "KEY", **provider})
    return house.endpoints("toy")["full"]


def events(*data: object, name: str = "") -> bytes:
    """Server-sent events with this JSON each."""
    begin = f"event: {name}\n" if name else ""
    return "".join(f"{begin}data: {json.dumps(one)}\n\n" for one in data).encode()


def stream(*pieces: bytes | float, status: int = 200) -> Sent:
    """A stream of these pieces."""
    return Sent(b"", status, {"Content-Type": "text/event-stream; charset=utf-8"}, pieces=pieces)
