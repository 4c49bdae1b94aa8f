"""What one template may take: a template is written once and rendered for every case, so none may run for ever.

Steps (turns of loops, and calls) are counted, and texts and lists grow to a limit, whichever way they are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, NoReturn

from jinja2.exceptions import TemplateRuntimeError

MAX_CHARACTERS = 4_000_000  # of a prompt, and of anything on the way to it
MAX_STEPS = 500_000
CALL = 4  # steps: a call takes that much longer than a turn of a loop
MAX_BITS = 10_000  # of a whole number
_FEW = 16  # pieces that may be in memory before anybody looks how long they are
# where a width of millions is written into a format, or one that comes with the values
_WIDE_PERCENT = re.compile(r"%(?:\([^)]{0,200}\))?[-+ #]{0,9}[\d.]{0,9}(?:\d{7}|\*)")
_WIDE_BRACES = re.compile(r"\{[^{}:]{0,200}:[^{}]{0,20}(?:\d{7}|\{)")


class Steps:
    """The steps of one rendering."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def take(self, count: int = 1) -> None:
        """Take some; raises `TemplateRuntimeError` when there are no more left."""
        self._left -= count
        if self._left < 0:
            _refuse(f"more than {MAX_STEPS} steps in loops and calls")

    def counted(self, values: Iterable[object]) -> Iterator[object]:
        """The `values`, each of which is a step."""
        for value in values:
            self.take()
            yield value


def joined(pieces: Iterable[str], between: str = "") -> str:
    """The pieces as one text, with `between` between two of them."""
    pieces = iter(pieces)
    first = list(islice(pieces, _FEW))
    if len(first) < _FEW and not between:  # nearly always
        text = "".join(first)
        if len(text) > MAX_CHARACTERS:
            _too_long()
        return text
    kept: list[str] = []
    size = 0
    for piece in chain(first, pieces):
        size += len(piece) + len(between)
        if size > MAX_CHARACTERS + len(between):
            _too_long()
        kept.append(piece)
    return between.join(kept)


def require_small(*values: object) -> None:
    """Raise unless texts and lists among `values` are short, and whole numbers no widths beyond any text."""
    for value in values:
        if (isinstance(value, str | list | tuple) and len(value) > MAX_CHARACTERS) or (
            isinstance(value, int) and value > MAX_CHARACTERS
        ):
            _too_long()


def require_narrow(pattern: str) -> None:
    """Raise when a format names a width of millions, or one that comes with the values (`%*d`, `{:{}}`)."""
    if _WIDE_PERCENT.search(pattern.replace("%%", "")) or _WIDE_BRACES.search(pattern):
        _refuse("a format with a width of millions, or one that is not written in it")


def require_replaceable(text: str | bytes, old: Any, new: Any) -> None:
    """Raise when `text` would become too long."""
    if len(text) + (text.count(old) * (len(new) - len(old))) > MAX_CHARACTERS:
        _too_long()


def require_computable(operator: str, left: object, right: object) -> None:
    """Raise when the result of an operator would be too large to be worked with."""
    sizes = [len(side) if isinstance(side, str | bytes | list | tuple) else None for side in (left, right)]
    if operator == "+" and None not in sizes and sum(size or 0 for size in sizes) > MAX_CHARACTERS:
        _too_long()
    if operator == "*":
        for size, times in zip(sizes, (right, left), strict=True):
            if size is not None and isinstance(times, int) and size * times > MAX_CHARACTERS:
                _too_long()
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
        if bits > MAX_BITS:
            _refuse(f"a number of more than {MAX_BITS} bits")


def _too_long() -> NoReturn:
    _refuse(f"more than {MAX_CHARACTERS} characters")


def _refuse(message: str) -> NoReturn:
    raise TemplateRuntimeError(message)
