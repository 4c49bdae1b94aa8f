"""What is kept of a response beside its text: who answered, reasoning, tool calls, log probabilities."""

from __future__ import annotations

from evalgate.exchange import JsonValue
from evalgate.formats.canonical import canonical
from evalgate.providers.base import AttemptFailed

MAX_NAME, MAX_REASONING = 200, 65_536  # characters that are kept


def served_by(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Who says that they answered: the model's name, and the fingerprint of what serves it."""
    names = {"served_model": body.get("model"), "system_fingerprint": body.get("system_fingerprint")}
    return {key: name[:MAX_NAME] for key, name in names.items() if isinstance(name, str) and name}


def bounded(reasoning: str) -> str:
    """The beginning of a reasoning, which may be many times as long as its answer."""
    return reasoning[:MAX_REASONING]


def storable(tool_calls: JsonValue) -> JsonValue:
    """`tool_calls` as they are; raises `AttemptFailed` when they cannot be stored."""
    try:
        canonical(tool_calls)
    except TypeError:  # orjson reads four times as deep as it writes
        reason = "the response's tool calls are nested too deeply"
        raise AttemptFailed(reason) from None
    return tool_calls


def first_logprob(logprobs: JsonValue) -> float | None:
    """Log probability (natural) of the first token, in the chat or the completions shape."""
    if not isinstance(logprobs, dict):
        return None
    content, tokens = logprobs.get("content"), logprobs.get("token_logprobs")
    first: JsonValue = None
    if isinstance(content, list) and content and isinstance(content[0], dict):
        first = content[0].get("logprob")
    elif isinstance(tokens, list) and tokens:
        first = tokens[0]
    return float(first) if isinstance(first, int | float) else None


def token_logprobs(logprobs: JsonValue) -> list[JsonValue]:
    """Every token with its log probability, in the shape of chat completions and without their `bytes`.

    The older shape of completions (parallel lists) is turned into it. Whatever is not one of the two is left out.
    """
    if not isinstance(logprobs, dict):
        return []
    content = logprobs.get("content")
    if isinstance(content, list):
        return [kept for entry in content if isinstance(entry, dict) and (kept := _token(entry))]
    columns = [logprobs.get(name) for name in ("tokens", "token_logprobs", "top_logprobs")]
    tokens, values, tops = (column if isinstance(column, list) else [] for column in columns)
    tops = tops + [None] * (len(tokens) - len(tops))
    entries: list[dict[str, JsonValue]] = [
        {
            "token": token,
            "logprob": value,
            "top_logprobs": [{"token": t, "logprob": p} for t, p in top.items()] if isinstance(top, dict) else [],
        }
        for token, value, top in zip(tokens, values, tops, strict=False)
    ]
    return [kept for entry in entries if (kept := _token(entry))]


def _token(entry: dict[str, JsonValue]) -> dict[str, JsonValue] | None:
    token, logprob, alternatives = entry.get("token"), entry.get("logprob"), entry.get("top_logprobs")
    if not isinstance(token, str) or not isinstance(logprob, int | float):
        return None
    kept: dict[str, JsonValue] = {"token": token, "logprob": logprob}
    if isinstance(alternatives, list) and alternatives:
        kept["top_logprobs"] = [one for it in alternatives if isinstance(it, dict) and (one := _token(it))]
    return kept
