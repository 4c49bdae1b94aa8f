"""Providers that break on purpose, and note who asked them for what: the other side of `chaos.py`.

What breaks is in the call itself: its `user` field, which gateways pass on as it came, says `key|number|operation`, and
the operation names the fault. So all faults rage at once, and each has breakers of its own.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.gateway.upstream import (
    DONE,
    ROLE,
    STOP,
    TEXT,
    USAGE,
    USAGE_EVENT,
    Play,
    Talk,
    Upstream,
    answers,
    event,
    events,
    fails,
    resets,
    says,
    silence,
    streams,
)

PROMPT, WORDS = USAGE["prompt_tokens"], TEXT.split()
HALF = [event({"content": word + " "}) for word in WORDS[:3]]
BASELINE = "full"
OFTEN, SELDOM = 0.5, 0.05  # how often a green variant fails, and the baseline


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that arrived. `output`: tokens that were sent, None where nobody would charge for the call.

    `whole`: the answer was complete, and its usage told.
    """

    variant: str
    key: str
    number: int
    operation: str
    at: float
    output: int | None
    whole: bool


def _drips(talk_first: bytes) -> Play:
    async def play(talk: Talk) -> None:
        """Slow loris from the other side: something comes all the time, and never anything of use."""
        talk.writer.write(talk_first)
        for _ in range(600):
            talk.writer.write(b": \n" if b"event-stream" in talk_first else b" ")
            await talk.writer.drain()
            await asyncio.sleep(0.05)
        talk.keep = False

    return play


def _short(body: bytes) -> Play:
    async def play(talk: Talk) -> None:
        """Promises more than comes."""
        talk.head(200, {"content-type": "application/json", "content-length": str(len(body) + 100)})
        talk.writer.write(body)
        talk.keep = False

    return play


def _is_whole(talk: Talk) -> bool:
    return not talk.request.body.get("stream")


JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
Fault = tuple[Play, int | None]
"""What is played, and the tokens of output that it sends; None: not charged."""

CALM: list[Fault] = []
BY_OPERATION: Mapping[str, Callable[[bool], list[Fault]]] = {
    "calm": lambda whole: CALM,
    "storm": lambda whole: [
        (fails(429), None),
        (fails(429, headers={"retry-after-ms": "20"}), None),
        (fails(429, headers={"retry-after": "4"}), None),
        (fails(503, headers={"retry-after": "1"}), None),
    ],
    "errors": lambda whole: [(fails(500), None), (fails(401), None), (says(502, b"<html>"), None), (fails(529), None)],
    "resets": lambda whole: [(resets, 0)],
    "hung": lambda whole: [(silence, 0)],
    "loris": lambda whole: [(_drips(JSON_HEAD if whole else STREAM_HEAD), 0), (_drips(b"HTTP/1.1 200"), 0)],
    "truncated": lambda whole: (
        [(_short(b'{"choices": [{"message": {"content": "one two'), 2)]
        if whole
        else [(streams(ROLE, ends=False), 0), (streams(ROLE, *HALF, ends=False), 3), (streams(ROLE, *HALF), 3)]
    ),
    "bad_json": lambda whole: (
        [(says(200, b"{"), 0), (says(200, b'{"choices": []}'), 0), (says(200, b"<html>"), 0)]
        if whole
        else [
            (streams(b"data: {\n\n", b"data: [1]\n\n"), 0),
            (streams(b'data: {"error": {"message": "overloaded"}}\n\n'), 0),
            (streams(ROLE, *HALF, b'data: {"error": {"message": "no more"}}\n\n'), 3),
        ]
    ),
    "tls": lambda whole: CALM,
    "killed": lambda whole: CALM,
    "withdrawn": lambda whole: CALM,
    "left": lambda whole: CALM,
    "unlisted": lambda whole: CALM,
}


class Provider(Upstream):
    """One provider, of one variant. It can be killed: nobody listens then, and old connections are cut."""

    def __init__(self, variant: str, chance: random.Random, encryption: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.variant, self.ledger = variant, list[Asked]()
        self._chance, self._encryption = chance, encryption
        self.plays[variant] = [self._act]

    def kill(self) -> None:
        """As if its process had died."""
        asyncio.run_coroutine_threadsafe(self._vanish(), self._loop).result(10)

    def revive(self) -> None:
        """On the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    async def _serve(self, ready: object) -> None:
        self._stop, self._talks = asyncio.Event(), set()
        await self._listen()
        ready.set()  # type: ignore[attr-defined]
        await self._stop.wait()
        await self._vanish()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._connection, "127.0.0.1", self.port, limit=2**26, ssl=self._encryption
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _vanish(self) -> None:
        self._server.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _act(self, talk: Talk) -> None:
        key, number, operation = talk.request.body["user"].split("|")
        faults = BY_OPERATION[operation](_is_whole(talk))
        often = SELDOM if self.variant == BASELINE else OFTEN
        play, output, whole = _answer, len(WORDS), True
        if faults and self._chance.random() < often:
            (play, output), whole = self._chance.choice(faults), False  # type: ignore[assignment]
        self.ledger.append(Asked(self.variant, key, int(number), operation, time.time(), output, whole))
        if operation in ("left", "killed"):
            await asyncio.sleep(0.05)  # so that something is under way when they leave, or it dies
        await play(talk)


async def _answer(talk: Talk) -> None:
    if not talk.request.body.get("stream"):
        await answers()(talk)
        return
    slow = 0.02 if talk.request.body["user"].endswith("|left") else 0.0
    await streams(*events()[:-1], USAGE_EVENT, DONE, pause=slow)(talk)


def self_signed(folder: Path) -> ssl.SSLContext:
    """The encryption of a server whom nobody trusts."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout"]
    command += [str(key), "-out", str(made), "-days", "1", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    return context


__all__ = ["BASELINE", "BY_OPERATION", "PROMPT", "ROLE", "STOP", "TEXT", "WORDS", "Asked", "Provider", "self_signed"]
