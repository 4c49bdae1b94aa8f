"""Tokens, as the two APIs count them.

OpenAI's `prompt_tokens` are all of them; `prompt_tokens_details` says how many of these were read from a cache or
written to it. Anthropic's `input_tokens` are those that no cache had to do with: all together are the sum of three.
Both count reasoning among the output.
"""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.exchange import JsonValue
from evalgate.providers.usage import count_within, output_with_reasoning, token_count

_DETAILS = ("prompt_tokens_details",)


def chat_usage(usage: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """OpenAI's usage, from Anthropic's."""
    read = token_count(usage.get("cache_read_input_tokens")) or 0
    written = token_count(usage.get("cache_creation_input_tokens")) or 0
    asked = (token_count(usage.get("input_tokens")) or 0) + read + written
    said = token_count(usage.get("output_tokens")) or 0
    return {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "completion_tokens_details": {
            "reasoning_tokens": count_within(usage, ("output_tokens_details",), "thinking_tokens")
        },
    }


def messages_usage(usage: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Anthropic's usage, from OpenAI's."""
    read = count_within(usage, _DETAILS, "cached_tokens") or token_count(usage.get("prompt_cache_hit_tokens")) or 0
    written = count_within(usage, _DETAILS, "cache_write_tokens")
    reasoning = count_within(usage, ("completion_tokens_details",), "reasoning_tokens")
    counts: dict[str, JsonValue] = {
        "input_tokens": max(0, (token_count(usage.get("prompt_tokens")) or 0) - read - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": output_with_reasoning(usage, reasoning, reasoned=bool(reasoning)) or 0,
    }
    return counts | ({"output_tokens_details": {"thinking_tokens": reasoning}} if reasoning else {})


def counted_on(usage: Mapping[str, JsonValue], later: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What a stream has counted, after a later event: its counts are cumulative.

    Some say 0 there for what they have counted at the start, or null.
    """
    return {**usage, **{key: value for key, value in later.items() if value or key not in usage}}
