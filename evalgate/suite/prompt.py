"""Prompt templates: Jinja2, sandboxed, and strict: a variable that is not there is an error, not an empty text.

The same case must give the same prompt in every process, or baseline and variant are asked different things and known
answers are not found again. So chance is taken out of the language, and what prints as a memory address is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalgate.errors import InputError
from evalgate.exchange import JsonValue, Message, Request
from evalgate.formats.documents import Document
from evalgate.suite.cases import Case
from evalgate.suite.models import ChatMessage

MAX_PROMPT_CHARACTERS = 4_000_000


class _Environment(ImmutableSandboxedEnvironment):
    """A field of the data comes before a method of the same name: `input.items` is the invoice's items."""

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """One plain dict: Jinja's chain of them takes longer to look through than most prompts take to render."""
        return {**self.globals, **(d or {})}


def _printable(value: object) -> object:
    if type(value) is str:  # nearly always
        return value
    if (callable(value) or isinstance(value, Iterator)) and not isinstance(value, Undefined):
        message = f"a {type(value).__name__} cannot be printed; call a method with (), turn a generator into a |list"
        raise TypeError(message)
    return value


def _tojson(value: object, indent: int | None = None) -> str:
    """Plain JSON: Jinja's own is for HTML pages, and writes `<` and `é` as escapes."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


_ENVIRONMENT = _Environment(
    undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False, finalize=_printable
)
_ENVIRONMENT.filters["tojson"] = _tojson
del _ENVIRONMENT.filters["random"], _ENVIRONMENT.globals["lipsum"]


class Template:
    """One Jinja2 text with the place it stands at."""

    def __init__(self, text: str, document: Document, *location: int | str) -> None:
        self._place = document.at(*location)
        try:
            self._template = _ENVIRONMENT.from_string(text)
        except TemplateSyntaxError as failure:
            message = f"template: {failure.message} (line {failure.lineno} of the template)"
            raise document.error(message, *location) from None
        except (SyntaxError, ValueError, RecursionError, MemoryError) as failure:  # of Python, which it compiles to
            raise document.error(f"template: too much for one template: {failure}", *location) from None

    def render(self, case: Case, **more: JsonValue) -> str:
        """Render for one case; raises `InputError` naming the template and the case."""
        try:
            text = self._template.render(id=case.id, input=case.input, metadata=case.metadata, **more)
            text.encode()  # half a surrogate pair, which only an escape in the template can make, cannot be sent
        except UndefinedError as failure:
            message = f"{self._place}: {failure.message}, for case {case.id!r}; there are: id, input, metadata"
            raise InputError(message) from None
        except (
            TemplateError,
            TypeError,
            ValueError,
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            MemoryError,
        ) as failure:
            message = f"{self._place}: the template fails for case {case.id!r}: {failure}"
            raise InputError(message) from None
        if len(text) > MAX_PROMPT_CHARACTERS:
            message = f"{self._place}: more than {MAX_PROMPT_CHARACTERS} characters for case {case.id!r}"
            raise InputError(message)
        return text


class Prompt:
    """A completion prompt, or chat messages; never sees the case's target."""

    def __init__(self, source: str | list[ChatMessage], document: Document) -> None:
        self._text: Template | None = None
        self._messages: list[tuple[str, Template]] = []
        if isinstance(source, str):
            self._text = Template(source, document, "prompt")
        else:
            self._messages = [
                (message.role, Template(message.content, document, "prompt", index, "content"))
                for index, message in enumerate(source)
            ]

    def request(self, case: Case, parameters: Mapping[str, JsonValue]) -> Request:
        """Return what is asked for `case`; raises `InputError` for an undefined variable."""
        if self._text is not None:
            return Request(self._text.render(case), parameters)
        return Request(tuple(Message(role, text.render(case)) for role, text in self._messages), parameters)

    def texts(self, case: Case) -> list[str]:
        """All that differs between the requests of two cases; raises as `request` does."""
        if self._text is not None:
            return [self._text.render(case)]
        return [text.render(case) for _, text in self._messages]
