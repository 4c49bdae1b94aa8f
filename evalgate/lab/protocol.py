"""The OpenAI wire format for one engine: a request's JSON in, a status and the answer's JSON out.

Pure but for the engine that is passed in, so that every rule of the format is tested without sockets and without
weights. What the format calls for and the lab has no use for (streaming, tools, several choices) is refused aloud:
a parameter that is silently ignored is the kind of fault that evalgate is there to find in others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalgate.lab.engine import Completion, Engine, TokenLogprob

__all__ = ["RequestError", "Serving", "chat_completions", "completions", "error_body", "models"]

_DEFAULT_MAX_TOKENS = 16
_MOST_LOGPROBS = 20
_PLAIN_ONLY: Mapping[str, object] = {"n": 1, "best_of": 1, "stream": False, "echo": False, "suffix": None}
_CHAT_ONLY: Mapping[str, object] = {"tools": None, "functions": None, "response_format": {"type": "text"}}


class RequestError(Exception):
    """A request that cannot be answered as it stands; becomes a 400 with this message."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How a model is served: under which name, and how much it may say whatever the request asks for."""

    name: str
    max_tokens_cap: int | None = None


def completions(body: Mapping[str, Any], engine: Engine, serving: Serving, *, created: int) -> dict[str, Any]:
    """Answer a request to `/v1/completions`; `created` is the time in Unix seconds."""
    _refuse(body, _PLAIN_ONLY)
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        msg = "'prompt' must be a string that is not empty"
        raise RequestError(msg)
    wanted = _integer(body, "logprobs", None, 0, _MOST_LOGPROBS)
    completion = _generate(prompt, body, engine, serving, wanted, _integer(body, "max_tokens", _DEFAULT_MAX_TOKENS, 1))
    choice = {
        "index": 0,
        "text": completion.text,
        "finish_reason": completion.finish_reason,
        "logprobs": None if wanted is None else _plain_logprobs(completion.logprobs),
    }
    return _answer("cmpl", "text_completion", choice, completion, engine, serving, created)


def chat_completions(body: Mapping[str, Any], engine: Engine, serving: Serving, *, created: int) -> dict[str, Any]:
    """Answer a request to `/v1/chat/completions`, with the chat template that belongs to the weights."""
    _refuse(body, {**_PLAIN_ONLY, **_CHAT_ONLY})
    prompt = render_chat(engine.chat_template, body.get("messages"))
    logprobs = body.get("logprobs") or False
    if not isinstance(logprobs, bool):
        msg = "'logprobs' must be true or false"
        raise RequestError(msg)
    wanted = (_integer(body, "top_logprobs", 0, 0, _MOST_LOGPROBS) or 0) if logprobs else None
    limit = _integer(body, "max_completion_tokens", None, 1) or _integer(body, "max_tokens", _DEFAULT_MAX_TOKENS, 1)
    completion = _generate(prompt, body, engine, serving, wanted, limit)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": completion.text},
        "finish_reason": completion.finish_reason,
        "logprobs": None if wanted is None else {"content": [_chat_logprob(one) for one in completion.logprobs]},
    }
    return _answer("chatcmpl", "chat.completion", choice, completion, engine, serving, created)


def models(serving: Serving, *, created: int) -> dict[str, Any]:
    """List the one model there is."""
    model = {"id": serving.name, "object": "model", "created": created, "owned_by": "evalgate-lab"}
    return {"object": "list", "data": [model]}


def error_body(message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    """An error as OpenAI's clients expect it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def render_chat(template: str, messages: object) -> str:
    """Render messages up to the point where the assistant's answer begins."""
    if not isinstance(messages, list) or not messages:
        msg = "'messages' must be a list that is not empty"
        raise RequestError(msg)
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not all(isinstance(message.get(key), str) for key in ("role", "content")):
            msg = f"'messages[{number}]' must have 'role' and 'content', both strings"
            raise RequestError(msg)
    try:
        # The template comes out of a weights file, which is data from elsewhere: hence the sandbox.
        prepared = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(template)
        return prepared.render(messages=messages, add_generation_prompt=True)
    except TemplateError as failure:
        msg = f"the chat template of these weights does not take these messages: {failure}"
        raise RequestError(msg) from failure


def _generate(
    prompt: str, body: Mapping[str, Any], engine: Engine, serving: Serving, logprobs: int | None, limit: int | None
) -> Completion:
    max_tokens = limit or _DEFAULT_MAX_TOKENS
    if serving.max_tokens_cap is not None:
        # The point of a cap: nothing in the answer but its finish_reason tells of it.
        max_tokens = min(max_tokens, serving.max_tokens_cap)
    return engine.generate(
        prompt,
        max_tokens=max_tokens,
        stop=_stop(body),
        seed=_integer(body, "seed", 0) or 0,
        temperature=_temperature(body),
        top_logprobs=logprobs,
    )


def _answer(
    prefix: str,
    kind: str,
    choice: dict[str, Any],
    completion: Completion,
    engine: Engine,
    serving: Serving,
    created: int,
) -> dict[str, Any]:
    return {
        # Not a random id: the same question gets the same bytes, all but the time.
        "id": f"{prefix}-{serving.name}",
        "object": kind,
        "created": created,
        "model": serving.name,
        "system_fingerprint": engine.fingerprint,
        "choices": [choice],
        "usage": {
            "prompt_tokens": completion.prompt_tokens,
            "completion_tokens": completion.completion_tokens,
            "total_tokens": completion.prompt_tokens + completion.completion_tokens,
        },
    }


def _plain_logprobs(logprobs: Sequence[TokenLogprob]) -> dict[str, Any]:
    offsets = [0]
    for one in logprobs:
        offsets.append(offsets[-1] + len(one.token))
    return {
        "tokens": [one.token for one in logprobs],
        "token_logprobs": [one.logprob for one in logprobs],
        "top_logprobs": [dict(one.top) for one in logprobs],
        "text_offset": offsets[:-1],
    }


def _chat_logprob(one: TokenLogprob) -> dict[str, Any]:
    top = [{"token": token, "logprob": logprob, "bytes": list(token.encode())} for token, logprob in one.top]
    return {"token": one.token, "logprob": one.logprob, "bytes": list(one.token.encode()), "top_logprobs": top}


def _refuse(body: Mapping[str, Any], unsupported: Mapping[str, object]) -> None:
    for key, only in unsupported.items():
        if body.get(key, only) not in (only, None):
            msg = f"'{key}' is not supported by the lab's server"
            raise RequestError(msg)


def _integer(
    body: Mapping[str, Any], key: str, default: int | None, least: int | None = None, most: int | None = None
) -> int | None:
    value = body.get(key)
    if value is None:
        return default
    good = isinstance(value, int) and not isinstance(value, bool)
    if not good or (least is not None and value < least) or (most is not None and value > most):
        bounds = f" from {least}" * (least is not None) + f" to {most}" * (most is not None)
        msg = f"'{key}' must be an integer{bounds}, not {value!r}"
        raise RequestError(msg)
    return int(value)


def _temperature(body: Mapping[str, Any]) -> float:
    value = body.get("temperature")
    if value is None:
        return 0.0  # greedy, where others default to 1: the lab is there to be repeated
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        msg = f"'temperature' must be a number from 0, not {value!r}"
        raise RequestError(msg)
    return float(value)


def _stop(body: Mapping[str, Any]) -> tuple[str, ...]:
    stop = body.get("stop")
    listed = [] if stop is None else [stop] if isinstance(stop, str) else stop
    if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
        msg = "'stop' must be a string or a list of strings, none of them empty"
        raise RequestError(msg)
    return tuple(listed)
