"""A template read backwards: which data would have made this text of it.

For calls that production made with the suite's own prompt, so that each can become a case. What is found is rendered
again and compared, so that a guess that is not exactly right is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.exchange import JsonValue
from evalgate.suite.plain import Part, Place

MOST_CHARACTERS = 200_000  # of one text
MOST_PLACES = 16
_SECONDS = 1.0  # that one text may take: its pattern is ours, the text is anybody's


def data_in(parts: Sequence[Part], text: str) -> dict[Place, str] | None:
    """The data at each place of a template, from a text that it made; None where it cannot have made it.

    Where several readings are possible it is the one with the shortest data in front.
    """
    import regex  # lazily: no check needs it

    places = [part for part in parts if not isinstance(part, str)]
    if len(text) > MOST_CHARACTERS or len(places) > MOST_PLACES:
        return None
    names: dict[Place, str] = {}
    pattern = []
    for part in parts:
        if isinstance(part, str):
            pattern.append(regex.escape(part, special_only=True, literal_spaces=True))
        elif part in names:
            pattern.append(f"(?P={names[part]})")
        else:
            names[part] = f"p{len(names)}"
            pattern.append(f"(?P<{names[part]}>.*?)")
    try:
        found = regex.fullmatch("".join(pattern), text, flags=regex.DOTALL, timeout=_SECONDS)
    except TimeoutError:
        return None
    return None if found is None else {place: found[name] for place, name in names.items()}


def nested(data: dict[Place, str]) -> dict[str, JsonValue] | None:
    """`id`, `input` and `metadata` that have the data at their places; None where two of them exclude each other."""
    made: dict[str, JsonValue] = {}
    for place, value in data.items():
        within = made
        for key in place[:-1]:
            inner = within.setdefault(key, {})
            if not isinstance(inner, dict):
                return None
            within = inner
        if place[-1] in within:
            return None
        within[place[-1]] = value
    return made
