"""Prompt templates: Jinja2, sandboxed, and strict: a variable that is not there is an error, not an empty text.

The same case must give the same prompt in every process, or baseline and variant are asked different things and known
answers are not found again; the language is that of `evalgate.suite.language`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import TemplateRuntimeError, TemplateSyntaxError, UndefinedError, nodes

from evalgate.errors import InputError
from evalgate.exchange import JsonValue, Message, Request
from evalgate.formats.canonical import digest
from evalgate.formats.documents import Document
from evalgate.formats.written import as_json
from evalgate.suite.bounds import counted_steps, require_short
from evalgate.suite.cases import Case
from evalgate.suite.images import Pictures
from evalgate.suite.language import ENVIRONMENT, FAILURES
from evalgate.suite.plain import Place, filled, plain_parts
from evalgate.suite.turns import ChatMessage, Turn, read_turns
from evalgate.suite.unrender import data_in, nested


class Template:
    """One Jinja2 text with the place it stands at."""

    def __init__(self, text: str, document: Document, *location: int | str) -> None:
        self.place = document.at(*location)
        try:
            require_short(ENVIRONMENT.lex(text))
            self._template = ENVIRONMENT.from_string(text)
        except TemplateRuntimeError as failure:
            raise document.error(f"template: {failure.message}", *location) from None
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
                with counted_steps():
                    text = self._template.render(values)
            text.encode()  # half a surrogate pair, which only an escape in the template can make, cannot be sent
        except UndefinedError as failure:
            message = f"{self.place}: {failure.message}, for case {case.id!r}; there are: {', '.join(values)}"
            raise InputError(message) from None
        except FAILURES as failure:
            message = f"{self.place}: the template fails for case {case.id!r}: {failure}"
            raise InputError(message) from None
        return text


def _fixed_ends(body: Sequence[nodes.Node]) -> tuple[int, int]:
    """How many characters every text that comes of a template begins with, and ends with."""
    first = body[0].nodes[0] if body and isinstance(body[0], nodes.Output) else None
    last = body[-1].nodes[-1] if body and isinstance(body[-1], nodes.Output) else None
    head = len(first.data) if isinstance(first, nodes.TemplateData) else 0
    return head, len(last.data) if isinstance(last, nodes.TemplateData) and last is not first else 0


class Prompt:
    """A completion prompt, or chat messages; never sees the case's target.

    The messages of a case's own conversation come behind those of the system, and few-shot `examples` before them.
    """

    def __init__(self, source: str | Sequence[ChatMessage], document: Document, *location: int | str) -> None:
        self.location = location or ("prompt",)
        self._document, self._seen = document, Pictures()
        self._text: Template | None = None
        self._messages: list[_Written] = []
        self._prefix = ""
        self._examples: tuple[Message, ...] = ()
        if isinstance(source, str):
            self._text = Template(source, document, *self.location)
        else:
            self._messages = [
                _Written(each, self._seen, document, *self.location, index) for index, each in enumerate(source)
            ]
        roles = [message.role for message in self._messages]
        self._opening = next((index for index, role in enumerate(roles) if role != "system"), len(roles))

    @property
    def is_chat(self) -> bool:
        """Whether it is messages, not one text."""
        return self._text is None

    def with_examples(self, examples: str | tuple[Message, ...]) -> None:
        """Put these before what is asked of every case."""
        if isinstance(examples, str):
            self._prefix = examples
        else:
            self._examples = examples

    def request(self, case: Case, parameters: Mapping[str, JsonValue]) -> Request:
        """Return what is asked for `case`; raises `InputError` for an undefined variable."""
        if self._text is not None:
            return Request(self._prefix + self._text.render(case), parameters)
        opening = [message.filled(case) for message in self._messages[: self._opening]]
        return Request((*opening, *self._examples, *self._conversation(case), *self.closing(case)), parameters)

    def closing(self, case: Case, **more: JsonValue) -> list[Message]:
        """The messages behind those of the system."""
        return [message.filled(case, **more) for message in self._messages[self._opening :]]

    def text(self, case: Case, **more: JsonValue) -> str:
        """The text of a completion prompt."""
        return self._text.render(case, **more) if self._text is not None else ""

    def case_of(self, asked: str | Sequence[Message]) -> Case | None:
        """The case for which exactly this would be asked, without a target; None where no case would."""
        pairs = self._written_as(asked)
        if pairs is None:
            return None
        data: dict[Place, str] = {}
        for template, text in pairs:
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

    def _written_as(self, asked: str | Sequence[Message]) -> list[tuple[Template, str]] | None:
        """Which template would have made which text; None where they cannot have."""
        if isinstance(asked, str) or self._text is not None:
            fits = isinstance(asked, str) and self._text is not None and asked.startswith(self._prefix)
            return [(self._text, asked[len(self._prefix) :])] if fits else None  # type: ignore[list-item]
        shown = [None] * len(self._examples)  # they are the same in every request, and compared at the end
        written = [*self._messages[: self._opening], *shown, *self._messages[self._opening :]]
        if len(written) != len(asked):
            return None
        pairs = []
        for each, message in zip(written, asked, strict=True):
            if each is None:
                continue
            if each.role != message.role or each.pictured or not isinstance(message.content, str):
                return None
            pairs.append((each.templates[0], message.content))
        return pairs

    def own(self, texts: Sequence[str]) -> list[str]:
        """Of each of the `texts` of a case, what differs between cases."""
        templates = self._templates()
        return [
            *(template.own(text) for template, text in zip(templates, texts, strict=False)),
            *texts[len(templates) :],
        ]

    def texts(self, case: Case) -> list[str]:
        """All that differs between the requests of two cases; raises as `request` does.

        Beside the filled templates that is the case's own conversation, of pictures what is in them, and the tools
        that the case brings.
        """
        tools = [digest(case.tools)] if case.tools else []
        found = [template.render(case) for template in self._templates()]
        if self._text is not None:
            if case.messages:
                message = (
                    f"case {case.id!r} has messages, which a prompt of one text has no place for; write it as a list"
                )
                raise InputError(f"{case.place}: {message}")
            return found + tools
        if case.messages:
            found.append(as_json(case.messages))
        elif not self._messages:
            raise self._document.error("empty; there is nothing to ask", *self.location)
        return found + self.images(case) + tools

    def images(self, case: Case) -> list[str]:
        """A digest of each picture that is sent for `case`."""
        if self._text is not None:
            return []
        messages = (
            *self._conversation(case),
            *(message.filled(case) for message in self._messages if message.pictured),
        )
        return [digest(url) for message in messages for url in message.images]

    def shape(self, case: Case) -> tuple[bool, ...]:
        """What not everybody can be asked: pictures, calls of tools, words of the system within a conversation, tools
        that only some cases bring.
        """
        own = (True,) if case.tools else ()
        if self._text is not None or not (case.messages or any(message.pictured for message in self._messages)):
            return own
        turns = self._conversation(case)
        calls, systems = any(turn.tool_calls for turn in turns), any(turn.role == "system" for turn in turns)
        return bool(self.images(case)), calls, systems, *own

    def _templates(self) -> list[Template]:
        if self._text is not None:
            return [self._text]
        return [template for message in self._messages for template in message.templates]

    def _conversation(self, case: Case) -> list[Message]:
        if not case.messages:
            return []
        folder = self._document.path.parent
        return [
            _turn(turn, self._seen, folder, f"{case.place}: case {case.id!r}") for turn in read_turns(case.messages)
        ]


class _Written:
    """A message of the prompt."""

    def __init__(self, message: ChatMessage, seen: Pictures, document: Document, *location: int | str) -> None:
        self.role, self._seen = message.role, seen
        self._folder = document.mark(*location).path.parent
        place = (*location, "content")
        parts = message.content
        self.pictured = not isinstance(parts, str) and any(part.image is not None for part in parts)
        self._single = isinstance(parts, str)
        self._parts: list[tuple[str, Template]] = []
        if isinstance(parts, str):
            self._parts = [("text", Template(parts, document, *place))]
        else:
            for index, part in enumerate(parts):
                kind, text = ("text", part.text) if part.image is None else ("image", part.image)
                self._parts.append((kind, Template(text or "", document, *place, index, kind)))
        self.templates = [template for _, template in self._parts]

    def filled(self, case: Case, **more: JsonValue) -> Message:
        """The message for one case."""
        if self._single:
            return Message(self.role, self.templates[0].render(case, **more))
        parts = [
            _part(kind, template.render(case, **more), self._seen, self._folder, template.place)
            for kind, template in self._parts
        ]
        return Message(self.role, parts)


def _turn(turn: Turn, seen: Pictures, folder: Path, place: str) -> Message:
    content: str | list[JsonValue] = ""
    if isinstance(turn.content, str):
        content = turn.content
    elif turn.content is not None:
        parts = [("text", part.text or "") if part.image is None else ("image", part.image) for part in turn.content]
        content = [_part(kind, text, seen, folder, place) for kind, text in parts]
    return Message(turn.role, content, tuple(call.to_json() for call in turn.tool_calls or []), turn.tool_call_id)


def _part(kind: str, text: str, seen: Pictures, folder: Path, place: str) -> JsonValue:
    if kind == "text":
        return {"type": "text", "text": text}
    return {"type": "image_url", "image_url": {"url": seen.url(text, folder, place)}}
