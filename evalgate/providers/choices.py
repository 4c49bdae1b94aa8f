"""Which of several choices is the answer: that of index 0, wherever it stands; one without an index counts as 0."""

from __future__ import annotations

from evalgate.exchange import JsonValue


def least_choice(choices: JsonValue) -> dict[str, JsonValue] | None:
    """The choice of the least index; None when there is none."""
    if not isinstance(choices, list):
        return None
    if len(choices) == 1:  # as it nearly always is
        return choices[0] if isinstance(choices[0], dict) else None
    return min((choice for choice in choices if isinstance(choice, dict)), key=place_of, default=None)


def place_of(choice: dict[str, JsonValue]) -> float:
    """The index of a choice; 0 for one that has none, or nonsense."""
    index = choice.get("index")
    return float(index) if isinstance(index, int | float) and 0 <= index < 1e6 else 0.0
