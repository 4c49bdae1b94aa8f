"""Templates of promptfoo (nunjucks) as ours (Jinja2): nearly the same language, but here data is called `input`.

What is renamed are the names that a template reads and does not set, token by token, so that all else stays as it was
written. What nunjucks has and Jinja2 lacks is refused with its place: a prompt that renders differently is another one.
"""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import TemplateError, meta
from jinja2.runtime import Undefined

from evalgate.errors import InputError
from evalgate.suite.bounds import counted_steps, require_short
from evalgate.suite.language import ENVIRONMENT, FAILURES

_BLANKS = ("whitespace", "comment", "comment_begin", "comment_end")
_UNKNOWN = {"env": "the environment", "_conversation": "the conversation so far"}  # what promptfoo itself puts there


def names_in(text: str, place: str) -> set[str]:
    """The variables that a template reads; raises `InputError` for one that Jinja2 cannot do."""
    try:
        require_short(ENVIRONMENT.lex(text))
        found = meta.find_undeclared_variables(ENVIRONMENT.parse(text))
    except (TemplateError, RecursionError, ValueError, SyntaxError) as failure:
        message = str(failure).splitlines()[0][:200] if str(failure) else type(failure).__name__
        raise InputError(f"{place}: a template that Jinja2 cannot do: {message}; write it otherwise there") from None
    for name, what in _UNKNOWN.items():
        if name in found:
            raise InputError(f"{place}: the template reads {what} ({name!r}), which no suite has; write it out")
    return {name for name in found if name not in ENVIRONMENT.globals}


def renamed(text: str, names: set[str], place: str, *, whole: bool) -> str:
    """`text` with each of its variables `names` as `input.NAME`, or as `input` itself if that is the `whole` of it."""
    read = names_in(text, place) & names
    tokens = [(kind, value) for _, kind, value in ENVIRONMENT.lex(text)]
    told = [index for index, (kind, _) in enumerate(tokens) if kind not in _BLANKS]
    changed = [value for _, value in tokens]
    for at, index in enumerate(told):
        kind, value = tokens[index]
        before = tokens[told[at - 1]][1] if at else ""
        after = tokens[told[at + 1]][1] if at + 1 < len(told) else ""
        is_option = after == "=" and before in ("(", ",")
        if kind == "name" and value in read and before not in (".", "|", "is") and not is_option:
            changed[index] = "input" if whole else f"input.{value}"
    made = "".join(changed)
    if names_in(made, place) - {"input"}:
        raise InputError(f"{place}: a name is read and set in one template; call one of the two otherwise there")
    return made


def filled(text: str, values: Mapping[str, object], place: str) -> str:
    """What a template says for one test; a variable that is not there says nothing, as in nunjucks."""
    if "{{" not in text and "{%" not in text:
        return text
    names_in(text, place)
    lenient = ENVIRONMENT.overlay(undefined=Undefined)
    try:
        with counted_steps():
            return lenient.from_string(text).render(values)
    except FAILURES as failure:
        raise InputError(f"{place}: the template cannot be filled: {str(failure)[:200]}") from None
