"""What stands behind the gateway: a server that speaks OpenAI's and Anthropic's APIs as they are documented.

The last thing that the user says is what happens: a status (`429`), `break` with an error after the first words, `cut`
without one, `hang` after them, `late` before them; with tools two calls at once, with a schema an answer that fits,
otherwise `Hello, world`.
"""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from tests.conftest import Asked, Sent

PIECES = ("Hello", ", ", "world")
PERSON = {"name": "Ada", "age": 36}
CALLS = (("call_1", "weather", {"city": "Paris"}), ("call_2", "weather", {"city": "Rome"}))
OPENAI_ERRORS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    422: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", None),
}
ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "overloaded_error",
    529: "overloaded_error",
}
USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 9,
    "total_tokens": 39,
    "prompt_tokens_details": {"cached_tokens": 20, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
COUNTS = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 20, "output_tokens": 9}


class Upstream:
    """What a `Loopback` does. A stream breaks or is cut when `heard` is set: its first words have arrived."""

    def __init__(self) -> None:
        self.heard = threading.Event()

    def __call__(self, asked: Asked) -> Sent:
        sent = _answer(asked)
        if asked.body.get("stream") and "messages" in asked.body and _wish(asked.body) in ("break", "cut"):
            sent.pieces = self._breaking(sent.pieces, asked)  # type: ignore[assignment]  # it is only gone through
        return sent

    def _breaking(self, pieces: Sequence[bytes | float], asked: Asked) -> Iterator[bytes | float]:
        yield from pieces[:4]
        while not self.heard.is_set():
            yield 0.01
        if _wish(asked.body) == "break":
            yield _broken(is_anthropic=asked.path.endswith("/messages"))


def _answer(asked: Asked) -> Sent:
    if asked.path.endswith("/embeddings"):
        packed = base64.b64encode(struct.pack("<2f", 0.5, -0.5)).decode()
        vector: object = packed if asked.body.get("encoding_format") == "base64" else [0.5, -0.5]
        vectors = [{"object": "embedding", "index": 0, "embedding": vector}]
        counted = {"prompt_tokens": 3, "total_tokens": 3}
        return _json({"object": "list", "data": vectors, "model": asked.body["model"], "usage": counted})
    if asked.path.endswith("/completions") and "prompt" in asked.body:
        choice = {"index": 0, "text": "".join(PIECES), "logprobs": None, "finish_reason": "stop"}
        head = {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": asked.body["model"]}
        return _json({**head, "choices": [choice], "usage": USAGE})
    is_anthropic = asked.path.endswith("/messages")
    wish = _wish(asked.body)
    if wish.isdigit():
        return _failed(int(wish), is_anthropic=is_anthropic)
    if not asked.body.get("stream"):
        body = _message(asked.body) if is_anthropic else _completion(asked.body)
        return _json(body, after=0.5 if wish == "late" else 0.0)
    events = [*(_message_events(asked.body) if is_anthropic else _chunks(asked.body))]
    pieces: list[bytes | float] = [*events]
    if wish == "hang":
        pieces = [*events[:4], *[b": wait\n\n", 0.02] * 500]
    elif wish == "late":
        pieces = [0.5, *events]
    return Sent(b"", headers={"Content-Type": "text/event-stream; charset=utf-8"}, pieces=pieces)


def _wish(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else str(content[-1].get("text") or content[-1].get("content"))


def _json(body: object, status: int = 200, after: float = 0.0, **headers: str) -> Sent:
    return Sent(json.dumps(body).encode(), status, headers, after=after)


def _failed(status: int, *, is_anthropic: bool) -> Sent:
    told: dict[str, Any] = {"type": "error", "error": {"type": ANTHROPIC_ERRORS.get(status), "message": f"a {status}"}}
    if not is_anthropic:
        kind, code = OPENAI_ERRORS[status]
        told = {"error": {"message": f"a {status}", "type": kind, "param": None, "code": code}}
    return _json(told, status, **{"retry-after": "120"} if status == 429 else {})


def _broken(*, is_anthropic: bool) -> bytes:
    if is_anthropic:
        return _event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    return _chunk({"error": {"message": "Overloaded", "type": "server_error", "param": None, "code": None}})


def _wants_calls(body: dict[str, Any]) -> bool:
    return (
        bool(body.get("tools"))
        and "tool_result" not in json.dumps(body["messages"])
        and not any(message["role"] == "tool" for message in body["messages"])
    )


def _words(body: dict[str, Any]) -> tuple[str, ...]:
    fits = body.get("response_format") or (body.get("output_config") or {}).get("format")
    return (json.dumps(PERSON)[:9], json.dumps(PERSON)[9:]) if fits else PIECES


def _completion(body: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(_words(body)),
        "refusal": None,
        "annotations": [],
    }
    finish = "stop"
    if _wants_calls(body):
        message |= {"content": None, "tool_calls": [_call(*call) for call in CALLS]}
        finish = "tool_calls"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": body["model"]}
    return {**head, "choices": [choice], "usage": USAGE, "service_tier": "default", "system_fingerprint": "fp_1"}


def _call(identity: str, name: str, arguments: dict[str, str]) -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def _chunks(body: dict[str, Any]) -> Iterator[bytes]:
    counts = bool((body.get("stream_options") or {}).get("include_usage"))
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": body["model"]}
    usage: dict[str, Any] = {"usage": None} if counts else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _chunk({**head, "choices": [choice], **usage})

    calls = _wants_calls(body)
    yield chunk({"role": "assistant", "content": None if calls else "", "refusal": None})
    if calls:
        for index, (identity, name, arguments) in enumerate(CALLS):
            first = {"index": index, **_call(identity, name, {})}
            first["function"] = {"name": name, "arguments": ""}
            yield chunk({"tool_calls": [first]})
            written = json.dumps(arguments)
            for piece in (written[:5], written[5:]):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    else:
        for word in _words(body):
            yield chunk({"content": word})
    yield chunk({}, "tool_calls" if calls else "stop")
    if counts:
        yield _chunk({**head, "choices": [], "usage": USAGE})
    yield b"data: [DONE]\n\n"


def _chunk(body: object) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _message(body: dict[str, Any]) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": "".join(_words(body))}]
    if _wants_calls(body):
        content = [{"type": "tool_use", "id": i, "name": name, "input": given} for i, name, given in CALLS]
    stop = "tool_use" if _wants_calls(body) else "end_turn"
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"]}
    return {**head, "content": content, "stop_reason": stop, "stop_sequence": None, "usage": COUNTS}


def _message_events(body: dict[str, Any]) -> Iterator[bytes]:
    whole = _message(body)
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**COUNTS, "output_tokens": 1}}
    yield _event({"type": "message_start", "message": begun})
    for index, block in enumerate(whole["content"]):
        is_text = block["type"] == "text"
        empty = {"text": ""} if is_text else {"input": {}}
        yield _event({"type": "content_block_start", "index": index, "content_block": {**block, **empty}})
        yield _event({"type": "ping"})
        written = json.dumps(block.get("input"))
        pieces = _words(body) if is_text else ("", written[:5], written[5:])
        for piece in pieces:
            delta = {"type": "text_delta", "text": piece} if is_text else _partial(piece)
            yield _event({"type": "content_block_delta", "index": index, "delta": delta})
        yield _event({"type": "content_block_stop", "index": index})
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield _event({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 9}})
    yield _event({"type": "message_stop"})


def _partial(piece: str) -> dict[str, str]:
    return {"type": "input_json_delta", "partial_json": piece}


def _event(body: dict[str, Any]) -> bytes:
    return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode()
