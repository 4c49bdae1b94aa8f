"""The one registry: a grader is a small function, and everything around it is here.

    @grader("contains", expects=a_text)
    def contains(text: str, expected: JsonValue, *, ignore_case: bool = True) -> float:
        '''1 when the answer contains the expected text.'''

The function gets the answer's text and what is expected (the assertion's `value`, else the case's target) and returns a
score in [0, 1]. Its keyword-only parameters are the options that a suite may set; their annotations are checked when
the suite is loaded. `expects` is asked, once per case and before anything is paid, whether an expectation can be used;
it returns what is wrong with it, or None. `texts` lists the texts of an expectation that are compared normalised: two
that are written differently and compared alike would be a mistake of the suite. Both are given those of the options
that they have parameters for. `ideal` makes the answer of an expectation that has to score 1, so that a suite can be
tried before anybody is asked (`evalgate validate`).

A function that has a keyword-only parameter `seen: Seen` gets the whole answer, its case and who gave it. `prepare`
looks at the options together, once per suite: it refuses what cannot work, and may return a function of its own that
scores instead, with what identifies it. `for_suite` does the same for a grader that needs more of the suite than the
folder that it stands in.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from evalgate.exchange import Answer, JsonValue, Request
from evalgate.formats.documents import did_you_mean

if TYPE_CHECKING:
    from evalgate.catalog import Endpoint
    from evalgate.suite import Case, Suite

SEEN = "seen"  # the parameter by which a grader asks for more than the text


class Text(NamedTuple):
    """A text of an expectation: the field that it stands in, as it is written, and as it is compared."""

    field: str
    written: str
    compared: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What a grader may ask for beside the text: the whole answer, its case, and who gave it, where that is known.

    `baseline` is the baseline's answer to the same question, where a grader compares with it; `is_baseline`: this is
    it. `replies` are what the judge said to each request that the grader had.
    """

    answer: Answer
    case: Case
    endpoint: Endpoint | None = None
    baseline: Answer | None = None
    is_baseline: bool = False
    replies: tuple[Answer, ...] = ()


Score = Callable[..., float]
Expectation = Callable[..., str | None]  # (expected, **options)
Texts = Callable[..., Iterable[Text]]  # (expected, **options)
Label = Callable[..., str | None]  # (text, **options)
Ideal = Callable[..., Answer | None]  # (expected, **options); None where no answer can be made of it
# `right`: says what is right, so that it must not give 1 to everything. `guard`: only forbids or limits, so that most
# answers pass. `asked`: needs what only a model's answer or a judge has
Role = Literal["right", "guard", "asked"]


class Prepared(NamedTuple):
    """A function that scores in place of the registered one, what of it goes into the grading's hash, and what whoever
    starts a check should be told.
    """

    score: Score
    identity: JsonValue
    remark: str = ""


# (options, folder of the suite); raises `ValueError(key, message)`
Prepare = Callable[[Mapping[str, object], Path], Prepared | None]
# (options, suite, which of its assertions); raises `InputError`
ForSuite = Callable[[Mapping[str, object], "Suite", int], Prepared]
Asks = Callable[..., list[Request]]  # (text, expected, seen=…, **options)


@dataclass(frozen=True, slots=True)
class Grader:
    """A registered grader: its function, its check of expectations, and the types of its options by name.

    `value_as` is another name for an assertion's `value`. With `silence`, answers without any content are graded, too;
    all others score 0 for them. `label` tells which of several labels an answer gives. A `slow` one waits for another
    process, so that several answers are graded at once. `cpus` are the cores that it takes while it grades one, where
    that takes long: on a cluster it runs where those are. One that `asks` names a variant of the catalogue in its
    option `judge`; one that `compares` needs the baseline's answer.
    """

    name: str
    score: Score
    expects: Expectation
    options: Mapping[str, type[object]]
    texts: Texts | None = None
    value_as: str | None = None
    prepare: Prepare | None = None
    label: Label | None = None
    silence: bool = False
    sees: bool = False
    needed: frozenset[str] = frozenset()
    for_suite: ForSuite | None = None
    slow: bool = False
    cpus: float = 0.0
    asks: Asks | None = None
    compares: bool = False
    ideal: Ideal | None = None
    role: Role = "right"

    def ideal_answer(self, expected: JsonValue, options: Mapping[str, object]) -> Answer | None:
        """An answer that should score 1, made of an expectation; None where none can be made."""
        return None if self.ideal is None else self.ideal(expected, **_known_to(self.ideal, options))

    def requests(self, text: str, expected: JsonValue, seen: Seen, options: Mapping[str, object]) -> list[Request]:
        """What has to be asked before this answer can be scored; nothing for most graders."""
        return [] if self.asks is None else self.asks(text, expected, seen=seen, **_known_to(self.asks, options))

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
                known = {*COMMON, *self.options}
                raise ValueError(key, f"unknown key for grader {self.name!r}{did_you_mean(key, known)}")
            try:
                checked[key] = TypeAdapter(self.options[key]).validate_python(value)
            except ValidationError as failure:
                first = failure.errors()[0]
                where = "".join(f"{part}: " for part in _path(first["loc"], value))
                raise ValueError(key, f"{where}{first['msg']}, got {repr(value)[:200]}") from None
        if missing := sorted(self.needed - set(checked)):
            raise ValueError("type", f"grader {self.name!r} needs {' and '.join(map(repr, missing))}")
        return checked


COMMON = ("type", "value", "threshold", "weight", "metric", "reasoning", "allow_empty", "transform")


def _path(location: tuple[int | str, ...], value: object) -> Iterable[int | str]:
    """The parts of a location that name something in the value, and not a member of a union of types."""
    for part in location:
        inner: Mapping[int | str, object] = {}
        if isinstance(value, dict):
            inner = value
        elif isinstance(value, list):
            inner = dict(enumerate(value))
        if part in inner:
            value = inner[part]
            yield part


_REGISTRY: dict[str, Grader] = {}


def grader(
    name: str,
    *,
    expects: Expectation,
    texts: Texts | None = None,
    value_as: str | None = None,
    prepare: Prepare | None = None,
    label: Label | None = None,
    silence: bool = False,
    for_suite: ForSuite | None = None,
    slow: bool = False,
    cpus: float = 0.0,
    asks: Asks | None = None,
    compares: bool = False,
    ideal: Ideal | None = None,
    role: Role = "right",
) -> Callable[[Score], Score]:
    """Register a grading function under the name that suites use as `type`."""

    def register(function: Score) -> Score:
        options = dict(_options_of(function))
        sees = options.pop(SEEN, None) is not None
        needed = frozenset(key for key in options if _parameters(function)[key].default is inspect.Parameter.empty)
        _REGISTRY[name] = Grader(
            name,
            function,
            expects,
            options,
            texts,
            value_as,
            prepare,
            label,
            silence=silence,
            sees=sees,
            needed=needed,
            for_suite=for_suite,
            slow=slow,
            cpus=cpus,
            asks=asks,
            compares=compares,
            ideal=ideal,
            role=role,
        )
        return function

    return register


@functools.cache
def _parameters(function: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function, eval_str=True).parameters


@functools.cache
def _options_of(function: Callable[..., object]) -> Mapping[str, type[object]]:
    parameters = _parameters(function).values()
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
