"""What one template may take: a template is written once and rendered for every case, so none may run for ever.

Steps are counted: turns of loops, calls, and how large what is worked on is. Texts and lists grow to a limit, whichever
way they are made. What still takes long by this machine's clock is given up, too.
"""

from __future__ import annotations

import re
import time
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain, islice
from typing import Any, NoReturn

from jinja2.exceptions import TemplateRuntimeError

MAX_CHARACTERS = 4_000_000  # of a prompt, and of anything on the way to it
MAX_ITEMS = 200_000  # of a list that a template makes
MAX_STEPS = 500_000
MAX_SECONDS = 1.0  # of CPU time, for one rendering
MAX_TOKENS = 30_000  # of one template, in its tags: Python compiles them, and takes long
CALL = 4  # steps: a call takes that much longer than a turn of a loop
MAX_BITS = 10_000  # of a whole number
_WEIGHT = 100  # characters, or values of a list, that are a step to work on
_LOOK = 1_000  # steps between two looks at the clock
_NESTED = (list, tuple, Mapping, KeysView, ValuesView, ItemsView)
_FEW = 16  # pieces that may be in memory before anybody looks how long they are
# where a width of millions is written into a format, or one that comes with the values
_WIDE_PERCENT = re.compile(r"%(?:\([^)]{0,200}\))?[-+ #]{0,9}[\d.]{0,9}(?:\d{7}|\*)")
_WIDE_BRACES = re.compile(r"\{[^{}:]{0,200}:[^{}]{0,20}(?:\d{7}|\{)")


class Steps:
    """The steps of one rendering."""

    def __init__(self) -> None:
        self._left = MAX_STEPS
        self._look = MAX_STEPS - _LOOK
        self._until = time.thread_time() + MAX_SECONDS

    def take(self, count: int = 1) -> None:
        """Take some; raises `TemplateRuntimeError` when there are no more left, or no more time."""
        self._left -= count
        if self._left < self._look:
            if self._left < 0:
                _refuse(f"more than {MAX_STEPS} steps in loops and calls")
            if time.thread_time() > self._until:
                _refuse(f"more than {MAX_SECONDS:g} s of work for one text")
            self._look = self._left - _LOOK

    def weigh(self, *values: object) -> None:
        """Take the steps that it is to work on `values`, by the size of all that is in them."""
        for value in values:
            if isinstance(value, str | bytes | range):
                if len(value) > _WEIGHT:
                    self.take(len(value) // _WEIGHT)
            elif isinstance(value, _NESTED):
                self._weigh_nested(value)

    def _weigh_nested(self, value: object) -> None:
        """One by one: a list may hold another one many times, which prints as a text of any length."""
        inside, weight = [iter((value,))], 0
        while inside:
            each = next(inside[-1], inside)
            if each is inside:
                inside.pop()
                continue
            weight += 1
            if isinstance(each, str | bytes):
                weight += len(each)
            elif isinstance(each, Mapping):
                inside.append(chain.from_iterable(each.items()))
            elif isinstance(each, _NESTED):
                inside.append(iter(each))
            if weight >= _WEIGHT:
                self.take(weight // _WEIGHT)
                weight %= _WEIGHT

    def counted(self, values: Iterable[object]) -> Iterator[object]:
        """The `values`, each of which is a step."""
        for value in values:
            self.take()
            yield value


_under_way: ContextVar[Steps] = ContextVar("the steps of the rendering that is under way")


@contextmanager
def counted_steps() -> Iterator[None]:
    """A rendering, with steps of its own."""
    token = _under_way.set(Steps())
    try:
        yield
    finally:
        _under_way.reset(token)


def steps() -> Steps:
    """Those of the rendering that is under way; while a template is compiled there is none, and some are made."""
    return _under_way.get(None) or Steps()


def joined(pieces: Iterable[str], between: str = "") -> str:
    """The pieces as one text, with `between` between two of them."""
    pieces = iter(pieces)
    first = list(islice(pieces, _FEW))
    if len(first) < _FEW and not between:  # nearly always
        text = "".join(first)
        if len(text) > MAX_CHARACTERS:
            _too_long()
        if len(text) > _WEIGHT:
            steps().weigh(text)
        return text
    kept: list[str] = []
    size = 0
    for piece in chain(first, pieces):
        size += len(piece) + len(between)
        if size > MAX_CHARACTERS + len(between):
            _too_long()
        kept.append(piece)
    steps().take(size // _WEIGHT)
    return between.join(kept)


def require_small(*values: object) -> None:
    """Raise unless texts and lists are short, and whole numbers no widths beyond any text; widths are weighed."""
    for value in values:
        if isinstance(value, int) and value > _WEIGHT:
            steps().take(min(value, MAX_CHARACTERS) // _WEIGHT)
        if (isinstance(value, str) and len(value) > MAX_CHARACTERS) or (
            isinstance(value, int) and value > MAX_CHARACTERS
        ):
            _too_long()
        if isinstance(value, list | tuple) and len(value) > MAX_ITEMS:
            _too_many()


def require_narrow(pattern: str) -> None:
    """Raise when a format names a width of millions, or one that comes with the values (`%*d`, `{:{}}`)."""
    if _WIDE_PERCENT.search(pattern.replace("%%", "")) or _WIDE_BRACES.search(pattern):
        _refuse("a format with a width of millions, or one that is not written in it")


def require_replaceable(text: str | bytes, old: Any, new: Any) -> None:
    """Raise when `text` would become too long."""
    if len(text) + (text.count(old) * (len(new) - len(old))) > MAX_CHARACTERS:
        _too_long()


def require_computable(operator: str, left: object, right: object) -> None:
    """Raise when the result of an operator would be too large to be worked with; its size is weighed."""
    sizes = [len(side) if isinstance(side, str | bytes | list | tuple) else None for side in (left, right)]
    if operator == "+" and None not in sizes:
        _require_size(sum(size or 0 for size in sizes), left)
    if operator == "*":
        for size, side, times in zip(sizes, (left, right), (right, left), strict=True):
            if size is not None and isinstance(times, int):
                _require_size(size * times, side)
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
        if bits > MAX_BITS:
            _refuse(f"a number of more than {MAX_BITS} bits")


def require_short(tokens: Iterable[tuple[int, str, str]]) -> None:
    """Raise when a template has more in its tags than anybody writes."""
    if next(islice((kind for _, kind, _ in tokens if kind != "data"), MAX_TOKENS, None), None) is not None:
        _refuse(f"more than {MAX_TOKENS} words and signs in its tags")


def _require_size(size: int, kind: object) -> None:
    if isinstance(kind, list | tuple):
        if size > MAX_ITEMS:
            _too_many()
    elif size > MAX_CHARACTERS:
        _too_long()
    steps().take(max(size, 0) // _WEIGHT)


def _too_many() -> NoReturn:
    _refuse(f"more than {MAX_ITEMS} values in a list")


def _too_long() -> NoReturn:
    _refuse(f"more than {MAX_CHARACTERS} characters")


def _refuse(message: str) -> NoReturn:
    raise TemplateRuntimeError(message)
