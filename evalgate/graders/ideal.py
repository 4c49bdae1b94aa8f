"""The answer that an expectation means: what has to score 1, or the suite is not what its author thinks.

One small function for each kind of expectation; graders name theirs when they are registered. Nothing here is used to
score: `evalgate validate` runs every grader on what these make of the targets.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.exchange import Answer, JsonValue, as_text
from evalgate.formats.canonical import canonical


def a_text(text: str) -> Answer:
    """An answer that says this and nothing else."""
    return Answer(text, "stop")


def written(expected: JsonValue) -> Answer:
    """The expectation as a text."""
    return a_text(as_text(expected))


def first_of(expected: JsonValue) -> Answer | None:
    """The first of several references, or the only one."""
    if isinstance(expected, list):
        return written(expected[0]) if expected else None
    return written(expected)


def as_json(expected: JsonValue) -> Answer:
    """The expectation as JSON, its numbers as they were written."""
    return a_text(canonical(expected).decode())


def calling(calls: Sequence[tuple[str, JsonValue]]) -> Answer:
    """An answer that calls these functions with these arguments; without any, one that says so."""
    if not calls:
        return a_text("No tool is needed.")
    made: list[JsonValue] = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": canonical(arguments).decode()},
        }
        for number, (name, arguments) in enumerate(calls)
    ]
    return Answer("", "tool_calls", details={"tool_calls": made})
