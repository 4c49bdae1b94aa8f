"""Recorded answers behind a real port: the lab's variants as providers that anybody can call, without weights.

    python -m evalgate.lab.replayed --catalog catalog.yaml --port 8941

Each variant is at `/VARIANT/v1`, speaks OpenAI's API (streamed too), and gives the answers that it really gave, found
by what is asked. It takes the time that it took when it was recorded, times `pace`. `POST /VARIANT/down?seconds=5`
lets it answer 503 for so long, and `POST /pace?factor=0.1` sets the pace.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from evalgate.catalog import load_catalog
from evalgate.exchange import Answer, Message, Request
from evalgate.lab.weights import MODEL
from evalgate.providers.recording import RecordedKey, read_recording

LOOPBACK = "127.0.0.1"
PIECES = 8  # of a streamed answer, at most
_NOT_ASKED = {"model", "messages", "prompt", "stream", "stream_options", "metadata", "service_tier", "user", "provider"}


class Replayed:
    """The variants' answers, and how they are served at the moment."""

    def __init__(self, answers: Mapping[str, Mapping[RecordedKey, Answer]]) -> None:
        self._answers = answers
        self._down: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self.pace = 0.0
        self.served = dict.fromkeys(answers, 0)

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/{variant}/v1/chat/completions", self._complete, methods=["POST"]),
                Route("/{variant}/v1/completions", self._complete, methods=["POST"]),
                Route("/{variant}/down", self._fail, methods=["POST"]),
                Route("/pace", self._set_pace, methods=["POST"]),
                Route("/served", self._counts),
            ]
        )

    async def _complete(self, call: HttpRequest) -> Response:
        variant = call.path_params["variant"]
        try:
            body = orjson.loads(await call.body())
            request = _asked(body)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as failure:
            return _error(400, f"not a request: {failure}")
        if time.monotonic() < self._down.get(variant, 0.0):
            return _error(503, "the model is overloaded")
        answer = self._answers.get(variant, {}).get((request.hash, 0))
        if answer is None:
            return _error(404, f"no recorded answer of {variant!r} to this request")
        self.served[variant] += 1
        identity, chat = f"cmpl-{variant}-{next(self._numbers)}", "messages" in body
        usage = {"prompt_tokens": answer.input_tokens, "completion_tokens": answer.output_tokens}
        usage["total_tokens"] = (answer.input_tokens or 0) + (answer.output_tokens or 0)
        seconds = answer.latency_ms / 1000 * self.pace
        frame = {"id": identity, "created": int(time.time()), "model": MODEL}
        if body.get("stream"):
            counted = usage if (body.get("stream_options") or {}).get("include_usage") else None
            return StreamingResponse(
                _events(answer, frame, seconds, counted, chat=chat), media_type="text/event-stream"
            )
        await asyncio.sleep(seconds)
        said = {"message": {"role": "assistant", "content": answer.text}} if chat else {"text": answer.text}
        choice = {"index": 0, **said, "logprobs": None, "finish_reason": answer.finish_reason}
        kind = "chat.completion" if chat else "text_completion"
        return JSONResponse({**frame, "object": kind, "choices": [choice], "usage": usage})

    async def _fail(self, call: HttpRequest) -> Response:
        self._down[call.path_params["variant"]] = time.monotonic() + float(call.query_params.get("seconds", "5"))
        return JSONResponse({})

    async def _set_pace(self, call: HttpRequest) -> Response:
        self.pace = float(call.query_params["factor"])
        return JSONResponse({"pace": self.pace})

    async def _counts(self, call: HttpRequest) -> Response:
        del call
        return JSONResponse(self.served)


def _asked(body: Mapping[str, object]) -> Request:
    """The request as a check would have made it."""
    parameters = {name: value for name, value in body.items() if name not in _NOT_ASKED}
    if "messages" in body:
        messages = body["messages"]
        if not isinstance(messages, list):
            message = "messages: expected a list"
            raise TypeError(message)
        return Request(tuple(Message(each["role"], each["content"]) for each in messages), parameters)  # type: ignore[arg-type]
    return Request(str(body["prompt"]), parameters)  # type: ignore[arg-type]


async def _events(
    answer: Answer, frame: Mapping[str, object], seconds: float, usage: object, *, chat: bool
) -> AsyncIterator[bytes]:
    size = max(-(-len(answer.text) // PIECES), 1)
    pieces = [answer.text[start : start + size] for start in range(0, len(answer.text), size)] or [""]
    kind = "chat.completion.chunk" if chat else "text_completion"
    for number, piece in enumerate(pieces):
        await asyncio.sleep(seconds / len(pieces))
        said = {"delta": {"content": piece}} if chat else {"text": piece}
        ends = answer.finish_reason if number == len(pieces) - 1 else None
        yield _event({**frame, "object": kind, "choices": [{"index": 0, **said, "finish_reason": ends}]})
    if usage is not None:
        yield _event({**frame, "object": kind, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _event(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "server_error", "param": None, "code": None}}, status)


def main() -> int:
    """Serve until asked to stop."""
    parser = argparse.ArgumentParser(prog="python -m evalgate.lab.replayed", description="Serve recorded answers.")
    parser.add_argument("--catalog", type=Path, default=Path("catalog.yaml"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pace", type=float, default=0.0, help="times the time that an answer took when recorded")
    options = parser.parse_args()
    endpoints = load_catalog(options.catalog).endpoints(MODEL)
    answers = {name: read_recording(each.recording) for name, each in endpoints.items() if each.recording is not None}
    replayed = Replayed(answers)
    replayed.pace = options.pace
    config = uvicorn.Config(
        replayed.application(), host=LOOPBACK, port=options.port, log_level="warning", access_log=False
    )
    uvicorn.Server(config).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
