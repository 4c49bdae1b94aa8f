"""Prompt templates: Jinja2, sandboxed, and strict: a variable that is not there is an error, not an empty text.

The same case must give the same prompt in every process, or baseline and variant are asked different things and known
answers are not found again; the language is that of `evalgate.suite.language`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError, nodes

from evalgate.errors import InputError
from evalgate.exchange import JsonValue, Message, Request
from evalgate.formats.documents import Document
from evalgate.suite.bounds import Steps
from evalgate.suite.cases import Case
from evalgate.suite.language import ENVIRONMENT, STEPS
from evalgate.suite.models import ChatMessage
from evalgate.suite.plain import Place, filled, plain_parts
from evalgate.suite.unrender import data_in, nested


class Template:
    """One Jinja2 text with the place it stands at."""

    def __init__(self, text: str, document: Document, *location: int | str) -> None:
        self._place = document.at(*location)
        try:
            self._template = ENVIRONMENT.from_string(text)
        except TemplateSyntaxError as failure:
            message = f"template: {failure.message} (line {failure.lineno} of the template)"
            raise document.error(message, *location) from None
        except (SyntaxError, ValueError, RecursionError, MemoryError) as failure:  # of Python, which it compiles to
            raise document.error(f"template: too much for one template: {failure}", *location) from None

        body = ENVIRONMENT.parse(text).body
        self._head, self._tail = _fixed_ends(body)
        self._parts = plain_parts(body)

    def own(self, rendered: str) -> str:
        """What a case adds to the template: the text without what every text begins and ends with."""
        return rendered[self._head : max(self._head, len(rendered) - self._tail)]

    def data_of(self, text: str) -> dict[Place, str] | None:
        """The data that would have made `text`; None where there is none, or the template does more than put it in."""
        return None if self._parts is None else data_in(self._parts, text)

    def render(self, case: Case, **more: JsonValue) -> str:
        """Render for one case; raises `InputError` naming the template and the case."""
        values = {"id": case.id, "input": case.input, "metadata": case.metadata, **more}
        try:
            text = None if self._parts is None else filled(self._parts, values)
            if text is None:
                text = self._template.render({**values, STEPS: Steps()})
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
        return text


def _fixed_ends(body: Sequence[nodes.Node]) -> tuple[int, int]:
    """How many characters every text that comes of a template begins with, and ends with."""
    first = body[0].nodes[0] if body and isinstance(body[0], nodes.Output) else None
    last = body[-1].nodes[-1] if body and isinstance(body[-1], nodes.Output) else None
    head = len(first.data) if isinstance(first, nodes.TemplateData) else 0
    return head, len(last.data) if isinstance(last, nodes.TemplateData) and last is not first else 0


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

    def case_of(self, asked: str | Sequence[Message]) -> Case | None:
        """The case for which exactly this would be asked, without a target; None where no case would."""
        if isinstance(asked, str) or self._text is not None:
            pairs = [(self._text, asked)] if isinstance(asked, str) and self._text is not None else None
        elif [message.role for message in asked] == [role for role, _ in self._messages]:
            pairs = [(text, message.content) for (_, text), message in zip(self._messages, asked, strict=True)]
        else:
            pairs = None
        data: dict[Place, str] = {}
        for template, text in pairs or ():
            found = template.data_of(text)
            if found is None or any(data.get(place, value) != value for place, value in found.items()):
                return None
            data |= found
        made = nested(data)
        if not made or not made.get("input"):
            return None
        identity, metadata = made.get("id", ""), made.get("metadata", {})
        if not isinstance(identity, str) or not isinstance(metadata, dict):
            return None
        case = Case(identity, made["input"], None, metadata)
        expected = asked if isinstance(asked, str) else tuple(asked)
        try:
            return case if self.request(case, {}).prompt == expected else None
        except InputError:
            return None

    def own(self, texts: Sequence[str]) -> list[str]:
        """Of each of the `texts` of a case, what differs between cases."""
        if self._text is not None:
            return [self._text.own(text) for text in texts]
        return [template.own(text) for (_, template), text in zip(self._messages, texts, strict=True)]

    def texts(self, case: Case) -> list[str]:
        """All that differs between the requests of two cases; raises as `request` does."""
        if self._text is not None:
            return [self._text.render(case)]
        return [text.render(case) for _, text in self._messages]
