"""Whether the one that was asked is the one that says it answered.

Honest endpoints write a model's name in many ways, so what is compared is the name without what does not tell models
apart: case and punctuation, the organisation's prefix or a path, `.gguf`, a marketplace's suffix (`:free`), a date at
the end (`gpt-4o` is served by `gpt-4o-2024-08-06`; two different dates are two models), and the declared precision.
Anything else is another name. It is told, and no more than that: a person knows whether it is an alias.
"""

from __future__ import annotations

import functools
import re

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer

_SHOWN = 80  # characters of a name that a server made up
_LONGEST = 500
_MARKETPLACE = re.compile(r":(?:free|nitro|floor|exacto|extended|online|beta|latest)$|-latest$|-v\d{1,3}:\d{1,6}$")
_PREFIX = re.compile(r"(?:[a-z]{2,20}\.){1,4}(?=[a-z])")  # us.anthropic.claude-…, as Bedrock writes it
_DATE = re.compile(
    r"(?:-?@?(?:20\d{2}-?(?:0\d|1[0-2])-?(?:[0-2]\d|3[01])|(?:0\d|1[0-2])(?:[0-2]\d|3[01])|2[3-9](?:0\d|1[0-2])))$"
)
_SEPARATORS = re.compile(r"[^a-z0-9]+")


def answered_by(endpoint: Endpoint, answer: Answer) -> str | None:
    """None when `answer` came from the model that was asked, as far as it says; else the name that it says.

    An alias is declared in the catalogue (`answers_as`).
    """
    said = answer.details.get("served_model")
    if not isinstance(said, str) or not said.strip():
        return None
    variant = endpoint.variant
    known = (endpoint.served_as, endpoint.model, *variant.aliases)
    return None if _is_one_of(said[:_LONGEST], known, variant.quantization.label) else said[:_SHOWN]


@functools.lru_cache(maxsize=1024)  # every answer of an endpoint says the same
def _is_one_of(said: str, known: tuple[str, ...], quantization: str) -> bool:
    precision = _letters(quantization)
    return any(_same(said, name, precision) for name in known)


def known_as(endpoint: Endpoint, answer: Answer) -> str | None:
    """By which name an answer's model is told apart from others; None where the server does not say.

    Another spelling is the same name, and so are all that the catalogue declares. A date is part of it: of a dated name
    and an undated one, or of two dates, nobody knows whether they are one model.
    """
    said = answer.details.get("served_model")
    if not isinstance(said, str) or not said.strip():
        return None
    precision = _letters(endpoint.variant.quantization.label)
    name = _without_precision(_core(said), precision)
    declared = {_without_precision(_core(one), precision) for one in endpoint.variant.aliases}
    return _without_precision(_core(endpoint.served_as), precision) if name in declared else name


def _same(said: str, asked: str, precision: str) -> bool:
    given, wanted = _core(said), _core(asked)
    if _letters(given) == _letters(wanted):
        return True
    if _without_precision(given, precision) == _without_precision(wanted, precision):
        return True
    bare, expected = _DATE.sub("", given), _DATE.sub("", wanted)
    dated_once = (bare == given) != (expected == wanted)
    return dated_once and _without_precision(bare, precision) == _without_precision(expected, precision)


def _core(name: str) -> str:
    """The part of a name that is the model's."""
    last = name.strip().lower().replace("\\", "/").rstrip("/").rpartition("/")[2].removesuffix(".gguf")
    return _PREFIX.sub("", _MARKETPLACE.sub("", last), count=1)


def _without_precision(name: str, precision: str) -> str:
    letters = _letters(name)
    return letters.removesuffix(precision) or letters


def _letters(name: str) -> str:
    return _SEPARATORS.sub("", name)
