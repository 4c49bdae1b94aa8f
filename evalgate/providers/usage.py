"""What a response says of tokens: counted by the server, or unknown. Unknown is None, and never zero.

A count that cannot be is no count: a text, a fraction, less than 0, more than the context holds, none for a prompt (no
prompt is empty) or for an answer that has content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evalgate.catalog import Endpoint
from evalgate.exchange import MAX_TOKENS, Answer, JsonValue


def token_count(value: JsonValue) -> int | None:
    """Tokens; None when the server does not count, or counts nonsense. Some write 12.0 for 12."""
    if value is None:  # often
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS else None


def count_within(usage: Mapping[str, JsonValue], groups: tuple[str, ...], name: str) -> int:
    """`usage.group.name` of the first group that has it, such as `completion_tokens_details.reasoning_tokens`.

    Some have it in no group, and just as `usage.name`; 0 when it is nowhere.
    """
    for group in groups:
        inner = usage.get(group)
        if isinstance(inner, dict) and (count := token_count(inner.get(name))):
            return count
    return token_count(usage.get(name)) or 0


def output_with_reasoning(usage: Mapping[str, JsonValue], reasoning: int, *, reasoned: bool) -> int | None:
    """All output tokens of an OpenAI usage, those of the reasoning included.

    By the API's own rule `completion_tokens` contains `reasoning_tokens`, but some servers book them beside it. They
    are added when they are more than the completion that should contain them, when `total_tokens` is the sum of all
    three, and, where reasoning came and was not counted by name, as what the total has beyond prompt and completion.
    """
    said, asked = token_count(usage.get("completion_tokens")), token_count(usage.get("prompt_tokens"))
    total = token_count(usage.get("total_tokens"))
    if said is None:
        return None
    if reasoning > said:
        return said + reasoning
    beside = total - asked - said if total is not None and asked is not None else 0
    if beside > 0 and (beside == reasoning or (not reasoning and reasoned)):
        return said + beside
    return said


def counted(answer: Answer) -> Answer:
    """`answer` without a count of 0 for what is not nothing."""
    asked, said = answer.input_tokens, answer.output_tokens
    if answer.failed or (asked != 0 and said != 0):
        return answer
    has_content = bool(answer.text or answer.details.get("tool_calls") or answer.details.get("reasoning"))
    return replace(answer, input_tokens=asked or None, output_tokens=None if said == 0 and has_content else said)


def plausible(endpoint: Endpoint, answer: Answer) -> Answer:
    """`answer` without counts that the endpoint's declared context cannot hold."""
    context = endpoint.variant.capabilities.context
    if context is None or (answer.input_tokens or 0) + (answer.output_tokens or 0) <= context:
        return answer
    asked, said = (None if (count or 0) > context else count for count in (answer.input_tokens, answer.output_tokens))
    return replace(answer, input_tokens=asked, output_tokens=said)
