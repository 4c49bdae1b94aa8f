"""What holding one answer against a schema may take: steps are counted, so that every machine gives up at the same one.

A schema that refers to itself under `oneOf` can take time exponential in an answer's depth, and a pattern in its
length. Whoever wrote the schema need not have known; whoever writes the answer may.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import regex as bounded_regex

from evalgate.graders.ecma import translate
from evalgate.graders.text import REGEX_SECONDS

MAX_STEPS = 200_000  # parts of an answer, each held against one part of the schema


class _Left:
    __slots__ = ("seconds", "steps")

    def __init__(self) -> None:
        self.steps, self.seconds = MAX_STEPS, REGEX_SECONDS


_LEFT: ContextVar[_Left] = ContextVar("effort left for this answer")


@contextmanager
def bounded() -> Iterator[None]:
    """Inside, `step` and `found` raise `TimeoutError` when this one answer has used up its share."""
    token = _LEFT.set(_Left())
    try:
        yield
    finally:
        _LEFT.reset(token)


def step() -> None:
    """One step of the search."""
    left = _LEFT.get()
    left.steps -= 1
    if left.steps < 0:
        raise TimeoutError


def found(pattern: str, text: str) -> bool:
    """Whether the ECMA-262 pattern is found in the text; all searches of an answer share `REGEX_SECONDS`."""
    left = _LEFT.get()
    if left.seconds <= 0:
        raise TimeoutError
    started = time.perf_counter()
    hit = _compiled(pattern).search(text, timeout=left.seconds)
    left.seconds -= time.perf_counter() - started
    return hit is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> bounded_regex.Pattern[str]:
    return bounded_regex.compile(translate(pattern))


def check_pattern(pattern: str) -> None:
    """Raise `ValueError` or `regex.error` when the pattern cannot be searched for."""
    _compiled(pattern)
