"""The one registry: a grader is a small function, and everything around it is here.

    @grader("contains", expects=a_text)
    def contains(text: str, expected: JsonValue, *, ignore_case: bool = True) -> float:
        '''1 when the answer contains the expected text.'''

The function gets the answer's text and what is expected (the assertion's `value`, else the case's target) and returns a
score in [0, 1]. Its keyword-only parameters are the options that a suite may set; their annotations are checked when
the suite is loaded. `expects` is asked, once per case and before anything is paid, whether an expectation can be used;
it returns what is wrong with it, or None. `texts` lists the texts of an expectation that are compared normalised: two
that are written differently and compared alike would be a mistake of the suite. Both are given those of the options
that they have parameters for.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from evalgate.exchange import JsonValue
from evalgate.formats.documents import did_you_mean


class Text(NamedTuple):
    """A text of an expectation: the field that it stands in, as it is written, and as it is compared."""

    field: str
    written: str
    compared: str


Score = Callable[..., float]
Expectation = Callable[..., str | None]  # (expected, **options)
Texts = Callable[..., Iterable[Text]]  # (expected, **options)


@dataclass(frozen=True, slots=True)
class Grader:
    """A registered grader: its function, its check of expectations, and the types of its options by name."""

    name: str
    score: Score
    expects: Expectation
    options: Mapping[str, type[object]]
    texts: Texts | None = None

    def problem_with(self, expected: JsonValue, options: Mapping[str, object]) -> str | None:
        """Why `expected` cannot be used with these options; None when it can."""
        return self.expects(expected, **_known_to(self.expects, options))

    def texts_of(self, expected: JsonValue, options: Mapping[str, object]) -> Iterable[Text]:
        """The texts of `expected` that are compared normalised."""
        return () if self.texts is None else self.texts(expected, **_known_to(self.texts, options))

    def check_options(self, given: Mapping[str, object]) -> dict[str, object]:
        """The options as the function takes them; raises `ValueError(key, message)` for the first that is wrong."""
        checked: dict[str, object] = {}
        for key, value in given.items():
            if key not in self.options:
                known = {"type", "value", "threshold", "weight", "metric", "reasoning", "allow_empty", *self.options}
                raise ValueError(key, f"unknown key for grader {self.name!r}{did_you_mean(key, known)}")
            try:
                checked[key] = TypeAdapter(self.options[key]).validate_python(value)
            except ValidationError as failure:
                raise ValueError(key, f"{failure.errors()[0]['msg']}, got {value!r}") from None
        return checked


_REGISTRY: dict[str, Grader] = {}


def grader(name: str, *, expects: Expectation, texts: Texts | None = None) -> Callable[[Score], Score]:
    """Register a grading function under the name that suites use as `type`."""

    def register(function: Score) -> Score:
        _REGISTRY[name] = Grader(name, function, expects, _options_of(function), texts)
        return function

    return register


@functools.cache
def _options_of(function: Callable[..., object]) -> Mapping[str, type[object]]:
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return {
        parameter.name: parameter.annotation for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY
    }


def _known_to(function: Callable[..., object], options: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in options.items() if key in _options_of(function)}


def find(name: str) -> Grader:
    """The grader called `name`; raises `LookupError` with the nearest name."""
    if name not in _REGISTRY:
        message = f"no grader {name!r}{did_you_mean(name, set(_REGISTRY))}"
        raise LookupError(message)
    return _REGISTRY[name]


def names() -> list[str]:
    """All graders, sorted."""
    return sorted(_REGISTRY)
