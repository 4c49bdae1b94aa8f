"""The operator's own way to take out of captured traffic what must not be kept."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable

from evalgate.errors import InputError
from evalgate.exchange import JsonValue

Redact = Callable[[str], str]
_NAMED = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)
_DEEPEST = 200  # levels of JSON; what is nested deeper is not kept


class TooDeepError(ValueError):
    """What is to be redacted is nested too deeply, and none of it may be kept."""


def load_redaction(name: str | None) -> Redact:
    """The function that `module:function` names; None: everything is kept as it is.

    Raises `InputError` when there is none: a gateway that was told to redact does not start without.
    """
    if name is None:
        return str
    if not _NAMED.fullmatch(name):
        raise InputError(f"capture.redact: expected module:function, got {name[:80]!r}")
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as failure:
        advice = "it must be importable where the gateway runs (PYTHONPATH)"
        raise InputError(f"capture.redact: {name} cannot be loaded: {failure}; {advice}") from None
    if not callable(found):
        raise InputError(f"capture.redact: {name} is not a function")
    made: Redact = found
    return made


def redacted(value: JsonValue, redact: Redact) -> JsonValue:
    """`value` with every text redacted, also the keys of objects.

    Raises whatever `redact` raises, `TypeError` where it returns no text, and `TooDeepError`: then nothing of it may be
    kept.
    """
    return _redacted(value, redact, _DEEPEST)


def _redacted(value: JsonValue, redact: Redact, levels: int) -> JsonValue:
    if isinstance(value, str):
        said: object = redact(value)
        if not isinstance(said, str):
            message = f"the redaction returned {type(said).__name__}, expected a text"
            raise TypeError(message)
        return said
    if isinstance(value, dict | list) and levels == 0:
        message = f"nested deeper than {_DEEPEST} levels"
        raise TooDeepError(message)
    if isinstance(value, dict):
        return {redact(key): _redacted(each, redact, levels - 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_redacted(each, redact, levels - 1) for each in value]
    return value
