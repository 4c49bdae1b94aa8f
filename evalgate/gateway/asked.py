"""A call as it came in: read, bounded, and understood once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from evalgate.errors import InputError
from evalgate.gateway.caller import Caller
from evalgate.gateway.refusal import Refused
from evalgate.gateway.translation import Speech
from evalgate.router import Call, call_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SILENCE = 60.0  # seconds that a client may leave between two pieces of its request
_ONCE = ("authorization", "x-api-key", "content-type", "x-evalgate-operation", "x-evalgate-tier", "x-evalgate-explain")
UNJUDGED = "embeddings are judged by no suite"


class Gone(Exception):
    """The client went away before it had said what it wants."""


@dataclass(slots=True)
class Asked:
    """`path` as the upstream's API has it, such as /chat/completions; `raw`: the body as it came."""

    path: str
    speech: Speech
    headers: Mapping[str, str]
    caller: Caller
    raw: bytes
    body: dict[str, Any]
    call: Call
    stream: bool


def headers_of(given: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """By names in lower case. Raises `Refused` where one that must be unique is there twice."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in given}
    if len(headers) != len(given):
        names = [name.decode("latin-1") for name, _ in given]
        twice = next((name for name in _ONCE if names.count(name) > 1), None)
        if twice is not None:
            raise Refused(400, "invalid_request_error", f"the header {twice} is there twice; send it once")
    return headers


async def read_body(receive: Receive, headers: Mapping[str, str], most: int) -> bytes:
    """The whole request. Raises `Refused` when it is too large or does not come, `Gone` when it broke off.

    What comes after a refusal is thrown away by the server as it arrives.
    """
    promised = headers.get("content-length", "")
    if promised.isascii() and promised.isdigit() and (len(promised) > 18 or int(promised) > most):
        raise _too_large(most)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        if len(body) > most:
            raise _too_large(most)
        return body
    pieces, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return b"".join(pieces)
        try:
            async with asyncio.timeout(SILENCE):
                message = await receive()
        except TimeoutError:
            raise Refused(408, "invalid_request_error", f"no more of the body came for {SILENCE:g} s") from None


def understood(path: str, speech: Speech, headers: Mapping[str, str], caller: Caller, raw: bytes) -> Asked:
    """What the body says. Raises `Refused` when that cannot be told."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as failure:
        message = f"the body is not JSON that can be read: {str(failure)[:200]}" if raw else "the body is empty"
        raise Refused(400, "invalid_request_error", message) from None
    if not isinstance(body, dict):
        raise Refused(400, "invalid_request_error", "expected a JSON object as the body")
    stream = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise Refused(400, "invalid_request_error", "stream: expected true or false")
    try:
        call = call_of(body, headers)
    except InputError as failure:
        raise Refused(400, "invalid_request_error", str(failure)) from None
    if caller.operation is not None or caller.tier is not None:
        call = replace(call, operation=caller.operation or call.operation, tier=caller.tier or call.tier)
    if path == "/embeddings":
        call = replace(call, tier="realtime", note=UNJUDGED)
    return Asked(path, speech, headers, caller, raw, body, call, bool(stream) and path != "/embeddings")


def _too_large(most: int) -> Refused:
    shown = f"{most / 1024 / 1024:g} MiB" if most >= 1024 * 1024 else f"{most} bytes"
    return Refused(413, "request_too_large", f"the body is larger than {shown}, which is the most that is taken here")
