"""The language of prompt templates: Jinja2 in its sandbox, in which data prints as it was written.

A value that becomes a text, wherever that happens (printed, joined, handed to a filter of texts), becomes the one that
`as_text` makes of it: `true` and not `True`, 3.10 and not 3.1, lists and objects as JSON and not as Python writes them.
Chance is taken out of the language, and what prints as a memory address is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any

from jinja2 import Environment, StrictUndefined, Undefined, nodes, pass_environment
from jinja2.exceptions import FilterArgumentError
from jinja2.filters import make_attrgetter
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalgate.exchange import as_text
from evalgate.formats.written import as_json

_OF_A_TEXT = (
    *("capitalize", "center", "e", "escape", "forceescape", "indent", "lower", "replace", "string"),
    *("striptags", "title", "trim", "upper", "urlize", "wordcount", "wordwrap"),
)
_LISTED = (list, tuple, KeysView, ValuesView, ItemsView)


class _Environment(ImmutableSandboxedEnvironment):
    """A field of the data comes before a method of the same name: `input.items` is the invoice's items."""

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """One plain dict: Jinja's chain of them takes longer to look through than most prompts take to render."""
        return {**self.globals, **(d or {})}

    intercepted_binops = frozenset({"%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, str):
            return _filled(left, right)
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """`a ~ b` joins texts; each side is made one by our filter, because Jinja itself would ask Python."""
        template = super()._parse(source, name, filename)
        for joined in template.find_all(nodes.Concat):
            joined.nodes = [nodes.Filter(each, "string", [], [], None, None) for each in joined.nodes]
        return template


def _printable(value: object) -> object:
    if type(value) is str:  # nearly always
        return value
    if (callable(value) or isinstance(value, Iterator)) and not isinstance(value, Undefined):
        message = f"a {type(value).__name__} cannot be printed; call a method with (), turn a generator into a |list"
        raise TypeError(message)
    if isinstance(value, _LISTED):
        return as_json(list(value))
    return as_text(value) if value is None or isinstance(value, bool | dict) else value


def _of_text(function: Callable[..., object]) -> Callable[..., object]:
    """The filter `function`, which is handed the text that it works on as it would be printed."""
    place = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def on_text(*given: object, **options: object) -> object:
        return function(*given[:place], _printable(given[place]), *given[place + 1 :], **options)

    return on_text


def _format(pattern: object, *values: object, **named: object) -> object:
    if values and named:
        raise FilterArgumentError("can't handle positional and keyword arguments at the same time")
    return _filled(str(_printable(pattern)), named or values)


def _filled(pattern: str, values: object) -> str:
    """`pattern % values`, with the texts that the values would be printed as; numbers stay numbers."""
    if isinstance(values, dict):
        return pattern % {name: _printable(value) for name, value in values.items()}
    return pattern % (tuple(map(_printable, values)) if isinstance(values, tuple) else _printable(values))


@pass_environment
def _join(
    environment: Environment, values: Iterable[object], between: object = "", attribute: str | int | None = None
) -> str:
    if attribute is not None:
        values = map(make_attrgetter(environment, attribute), values)
    return str(_printable(between)).join(str(_printable(value)) for value in values)


def _tojson(value: object, indent: int | None = None) -> str:
    """Plain JSON: Jinja's own is for HTML pages, and writes `<` and `é` as escapes."""
    return as_json(value, indent)


ENVIRONMENT = _Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False, finalize=_printable)
del ENVIRONMENT.filters["random"], ENVIRONMENT.globals["lipsum"]
ENVIRONMENT.filters |= {name: _of_text(ENVIRONMENT.filters[name]) for name in _OF_A_TEXT}
ENVIRONMENT.filters |= {"format": _format, "join": _join, "tojson": _tojson}
