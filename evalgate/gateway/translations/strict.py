"""Reading a request that is to be said in other words: whatever is not understood is refused, by its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from evalgate.gateway.translation import Untranslatable

TIERS = (None, "auto", "default", "standard_only", "realtime", "standard", "batch")
"""Of `service_tier`: those that ask nothing of the provider, and those that are the gateway's own."""


def no_words(place: str, why: str) -> Untranslatable:
    """That `place` of the request cannot be said."""
    return Untranslatable(f"{place}: {why}")


def mapping(value: object, place: str) -> Mapping[str, object]:
    """An object; raises `Untranslatable` for anything else, as do the others here."""
    if not isinstance(value, dict):
        raise no_words(place, f"expected an object, got {_shown(value)}")
    return value


def listed(value: object, place: str) -> list[object]:
    """An array."""
    if not isinstance(value, list):
        raise no_words(place, f"expected an array, got {_shown(value)}")
    return value


def text(value: object, place: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise no_words(place, f"expected a string, got {_shown(value)}")
    return value


def only(given: Mapping[str, object], place: str, known: Collection[str], who: str) -> None:
    """Refuse what is set beside what is known; null is not set. `who` has no words for it."""
    for name, value in given.items():
        if name not in known and value is not None:
            raise no_words(f"{place}.{name[:60]}" if place else name[:60], f"{who} has no word for it")


def unless(value: object, place: str, allowed: Collection[object], why: str) -> None:
    """Refuse a value that is not one of those which say nothing."""
    if isinstance(value, list | dict) and not value:
        value = None  # an empty one says nothing either
    if not any(value is each or (value == each and type(value) is type(each)) for each in allowed):
        raise no_words(place, f"{why}, got {_shown(value)}")


def common(body: Mapping[str, object]) -> dict[str, object]:
    """What both APIs call by the same name."""
    unless(body.get("service_tier"), "service_tier", TIERS, "the upstream's API has no such tier")
    same = ("model", "temperature", "top_p", "stream")
    return {name: body[name] for name in same if body.get(name) is not None}


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    if value is None:
        return "nothing"
    return repr(value[:60] if isinstance(value, str) else value)[:60]
