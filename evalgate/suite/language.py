"""The language of prompt templates: Jinja2 in its sandbox, in which data prints as it was written.

A value that becomes a text, wherever that happens (printed, joined, handed to a filter of texts), becomes the one that
`as_text` makes of it: `true` and not `True`, 3.10 and not 3.1, lists and objects as JSON and not as Python writes them.
Chance is taken out of the language, what prints as a memory address is refused, and nothing runs for ever.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, MutableMapping, ValuesView
from typing import Any

from jinja2 import Environment, StrictUndefined, Undefined, nodes, pass_environment, pass_eval_context
from jinja2.exceptions import FilterArgumentError, TemplateError
from jinja2.filters import do_replace, make_attrgetter
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalgate.exchange import as_text
from evalgate.formats.written import as_json
from evalgate.suite import bounds

_OF_A_TEXT = (
    *("capitalize", "center", "e", "escape", "forceescape", "indent", "lower", "string"),
    *("striptags", "title", "trim", "upper", "urlize", "wordcount", "wordwrap"),
)
_SLOW, _SLOW_WEIGHT = ("striptags", "title", "urlize", "wordwrap"), 2  # characters that are a step to look into
_COUNTED, _WEIGHED = " counted", " weighed"  # names that no template can say
_AT_ONCE = {"length", "count", "first", "last", "default", "d", _COUNTED, _WEIGHED}  # however large the value is
_COMPARING = {"in", "==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan", ">=", "ge", "<", "lt", "lessthan"} | {
    "<=",
    "le",
}
_LISTED = (list, tuple, KeysView, ValuesView, ItemsView)


FAILURES = (  # what a template can come to, whoever wrote it
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    MemoryError,
)


class _Environment(ImmutableSandboxedEnvironment):
    """A field of the data comes before a method of the same name: `input.items` is the invoice's items."""

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    concat = staticmethod(bounds.joined)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """One plain dict: Jinja's chain of them takes longer to look through than most prompts take to render."""
        return {**self.globals, **(d or {})}

    intercepted_binops = frozenset({"%", "*", "**", "+"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            return _filled(left, right)
        bounds.require_computable(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  # as Jinja's
        steps = bounds.steps()
        steps.take(bounds.CALL)
        if isinstance(__obj, LoopContext) and args:  # what a recursive loop goes through next
            args = (steps.counted(args[0]), *args[1:])
        method = getattr(__obj, "__wrapped__", __obj)
        text, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        steps.weigh(text, *args, *kwargs.values())
        if isinstance(text, str | bytes):
            if name in ("format", "format_map"):
                bounds.require_narrow(str(text))
            elif name == "join" and len(args) == 1:
                args = (list(args[0]),)
                bounds.require_computable("*", text, len(args[0]))
            elif name == "replace" and len(args) > 1:
                bounds.require_replaceable(text, *args[:2])
            else:
                bounds.require_small(*args, *kwargs.values())
        return super().call(__context, __obj, *args, **kwargs)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """`a ~ b` joins texts; each side is made one by our filter, because Jinja itself would ask Python.

        What a loop goes through is counted, and what filters, comparisons and slices work on is weighed.
        """
        template = super()._parse(source, name, filename)
        for joined in template.find_all(nodes.Concat):
            joined.nodes = [nodes.Filter(each, "string", [], [], None, None) for each in joined.nodes]
        for loop in template.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None)
        for node in list(template.find_all((nodes.Filter, nodes.Test, nodes.Compare, nodes.Getitem))):
            _weigh_operands(node)
        return template

    def call_filter(self, name: str, value: Any, *args: Any, **more: Any) -> Any:
        """As `map` and `select` call it for each value."""
        _weighed(value)
        return super().call_filter(name, value, *args, **more)

    def call_test(self, name: str, value: Any, *args: Any, **more: Any) -> Any:
        """As `select` and `reject` call it for each value."""
        bounds.steps().take()
        if name in _COMPARING:
            bounds.steps().weigh(value, *(args[0] if args and isinstance(args[0], list | tuple) else ()))
        return super().call_test(name, value, *args, **more)


def _weigh_operands(node: nodes.Node) -> None:
    def weighed(operand: nodes.Expr) -> nodes.Expr:
        return operand if isinstance(operand, nodes.Const) else nodes.Filter(operand, _WEIGHED, [], [], None, None)

    if isinstance(node, nodes.Compare):
        node.expr = weighed(node.expr)
        for operand in node.ops:
            operand.expr = weighed(operand.expr)
    elif isinstance(node, nodes.Getitem):
        node.node = weighed(node.node) if isinstance(node.arg, nodes.Slice) else node.node
    elif isinstance(node, nodes.Test):
        if node.name in _COMPARING:
            node.node, node.args = weighed(node.node), [weighed(each) for each in node.args]
    elif isinstance(node, nodes.Filter) and node.node is not None and node.name not in _AT_ONCE:
        node.node = weighed(node.node)


def _counted(values: Iterable[object]) -> Iterable[object]:
    return bounds.steps().counted(values)


def _weighed(value: Any) -> Any:
    bounds.steps().weigh(value)
    return value


def printable(value: object) -> object:
    """What is printed in place of `value`; raises `TypeError` where that would tell nothing."""
    if type(value) is str:  # nearly always
        return value
    if (callable(value) or isinstance(value, Iterator)) and not isinstance(value, Undefined):
        message = f"a {type(value).__name__} cannot be printed; call a method with (), turn a generator into a |list"
        raise TypeError(message)
    if isinstance(value, _LISTED):
        return as_json(list(_weighed(value)))
    return as_text(_weighed(value)) if value is None or isinstance(value, bool | dict) else value


def _of_text(function: Callable[..., object], *, slow: bool = False) -> Callable[..., object]:
    """The filter `function`, which is handed the text that it works on as it would be printed."""
    place = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def on_text(*given: object, **options: object) -> object:
        text, further = printable(given[place]), given[place + 1 :]
        bounds.require_small(text if isinstance(text, str) else None, *further, *options.values())
        if slow and isinstance(text, str):
            bounds.steps().take(len(text) // _SLOW_WEIGHT)
        return function(*given[:place], text, *further, **options)

    return on_text


@pass_eval_context
def _replace(context: EvalContext, text: object, old: object, new: object, count: int | None = None) -> str:
    whole, before, after = (str(printable(each)) for each in (text, old, new))
    bounds.require_replaceable(whole, before, after)
    return do_replace(context, whole, before, after, count)


def _of_size(function: Callable[..., object]) -> Callable[..., object]:
    """The filter `function`, which makes as much as a number tells it."""

    @functools.wraps(function)
    def of_size(*given: object, **options: object) -> object:
        bounds.require_small(*given, *options.values())
        return function(*given, **options)

    return of_size


def _format(pattern: object, *values: object, **named: object) -> object:
    if values and named:
        raise FilterArgumentError("can't handle positional and keyword arguments at the same time")
    return _filled(str(printable(pattern)), named or values)


def _filled(pattern: str, values: object) -> str:
    """`pattern % values`, with the texts that the values would be printed as; numbers stay numbers."""
    bounds.require_narrow(pattern)
    if isinstance(values, dict):
        return pattern % {name: printable(value) for name, value in values.items()}
    return pattern % (tuple(map(printable, values)) if isinstance(values, tuple) else printable(values))


@pass_environment
def _join(
    environment: Environment, values: Iterable[object], between: object = "", attribute: str | int | None = None
) -> str:
    if attribute is not None:
        values = map(make_attrgetter(environment, attribute), values)
    return bounds.joined((str(printable(value)) for value in values), str(printable(between)))


def _tojson(value: object, indent: int | None = None) -> str:
    """Plain JSON: Jinja's own is for HTML pages, and writes `<` and `é` as escapes."""
    return as_json(value, indent)


ENVIRONMENT = _Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False, finalize=printable)
del ENVIRONMENT.filters["random"], ENVIRONMENT.globals["lipsum"]
ENVIRONMENT.filters |= {name: _of_text(ENVIRONMENT.filters[name], slow=name in _SLOW) for name in _OF_A_TEXT}
ENVIRONMENT.filters |= {name: _of_size(ENVIRONMENT.filters[name]) for name in ("batch", "slice", "truncate")}
ENVIRONMENT.filters |= {_COUNTED: _counted, _WEIGHED: _weighed, "replace": _replace}
ENVIRONMENT.filters |= {"format": _format, "join": _join, "tojson": _tojson}
