"""Chunks of the OpenAI API's streams, as its documentation shows them."""

from __future__ import annotations

DONE = b"data: [DONE]\n\n"
HEAD = {"id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1694268190, "model": "gpt-4o-mini"}


def chunk(delta: object = None, finish: str | None = None, **more: object) -> dict[str, object]:
    choice = {"index": 0, "delta": delta or {}, "logprobs": None, "finish_reason": finish}
    return {**HEAD, "system_fingerprint": "fp_44709d6fcb", "choices": [choice], "usage": None, **more}


USAGE = {**HEAD, "choices": [], "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29}}
# platform.openai.com/docs/api-reference/chat-streaming, with `stream_options: {"include_usage": true}`
HELLO = [chunk({"role": "assistant", "content": ""}), chunk({"content": "Hello"}), chunk({"content": "!"})]
WHOLE = [*HELLO, chunk(finish="stop"), USAGE]
