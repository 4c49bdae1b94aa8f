"""What is taken out of an answer before it is graded, one step after the other, as an assertion's `transform` says.

    extract_code     what the last Markdown code fence holds; the whole answer where there is none
    first_line       the first line that is not blank
    last_line        the last one
    json_repair      JSON with its commas, quotes and brackets mended: what a lenient reader in production would read
    {after: TEXT}    what stands behind the last occurrence of TEXT
    {regex: PATTERN} the last match: its first group, or the whole without one

What `after` or `regex` do not find leaves nothing, and nothing scores 0: an answer in another form than the one that
was asked for must not be graded by luck. Steps are pure and bounded; a pattern that takes longer than a second finds
nothing. `json_repair` is off unless it is named, because it makes right answers of broken ones.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from evalgate.graders import text as bounds
from evalgate.graders.json_text import MAX_JSON
from evalgate.suite.models import After, Matched, Transform

Step = Callable[[str], str]

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n", re.MULTILINE)
MAX_REPAIRED = 50_000  # characters; the library takes quadratic time on some texts
MAX_OPEN = 100  # brackets inside one another, or it would recurse too deep


def step_of(transform: Transform) -> Step:
    """The function that a step names; raises `ValueError("transform", message)` for a pattern that is none."""
    if isinstance(transform, After):
        return partial(_after, transform.after)
    if isinstance(transform, Matched):
        import regex as bounded_regex

        try:
            bounded_regex.compile(transform.regex)
        except (bounded_regex.error, ValueError, RecursionError) as failure:
            raise ValueError("transform", f"not a regular expression: {failure}") from None
        return partial(_matched, transform.regex)
    return _STEPS[transform]


def undone(steps: Sequence[Transform], text: str) -> str | None:
    """An answer of which `steps` should leave `text`; None where nobody can tell, as with a pattern."""
    for step in reversed(steps):
        if isinstance(step, Matched):
            return None
        if isinstance(step, After):
            text = f"{step.after} {text}"
        elif step == "extract_code":
            text = fenced(text)
    return text


def fenced(text: str, label: str = "") -> str:
    """`text` in a code fence, longer than any that it holds."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{label}\n{text}\n{fence}"


def _after(marker: str, text: str) -> str:
    _, found, rest = text.rpartition(marker)
    return rest.strip() if found else ""


def _matched(pattern: str, text: str) -> str:
    import regex as bounded_regex

    found = bounded_regex.finditer(pattern, text[: bounds.MAX_SEARCHED], timeout=bounds.REGEX_SECONDS)
    try:
        last = next(iter(deque(found, maxlen=1)), None)
    except (TimeoutError, MemoryError):
        return ""
    if last is None:
        return ""
    return (last[1] if last.re.groups else last[0]) or ""


def extract_code(text: str) -> str:
    """What the last code fence holds, of those that hold something; one that is never closed ends with the answer."""
    held, opening = None, _FENCE.search(text)
    while opening:
        run = opening[1]
        closing = re.compile(rf"^[ \t]*{re.escape(run[0])}{{{len(run)},}}[ \t]*$", re.MULTILINE).search(
            text, opening.end()
        )
        inner = text[opening.end() : closing.start() if closing else len(text)]
        held = inner if inner.strip() else held
        opening = _FENCE.search(text, closing.end()) if closing else None
    return text if held is None else held


def first_line(text: str) -> str:
    """The first line that is not blank."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def last_line(text: str) -> str:
    """The last line that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def json_repair(text: str) -> str:
    """JSON, mended; what is too long or too deep to be mended stays as it is, and so does what holds no JSON."""
    import json_repair as library

    if len(text) > min(MAX_REPAIRED, MAX_JSON) or text.count("[") + text.count("{") > MAX_OPEN:
        return text
    try:
        return library.repair_json(text, ensure_ascii=False) or text
    except (ValueError, RecursionError, ArithmeticError):
        return text


_STEPS: dict[str, Step] = {
    "extract_code": extract_code,
    "first_line": first_line,
    "last_line": last_line,
    "json_repair": json_repair,
}
