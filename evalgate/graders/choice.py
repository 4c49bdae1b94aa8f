"""The graders for answers that pick one of several: a letter, or a label."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from evalgate.exchange import JsonValue
from evalgate.graders import ideal
from evalgate.graders.expectations import a_text
from evalgate.graders.normalise import flattened, normalised
from evalgate.graders.registry import Prepared, grader

MAX_READ = 200_000  # characters
Letters = Annotated[str, Field(pattern=r"^[A-Z]{2,26}$")]

# what may stand around a letter: brackets, Markdown, LaTeX, quotes; as many of them as people write
_OPEN, _CLOSE = r"(?:\\text\{|\\mathrm\{|[\s(\[{*_`\"'$]){0,8}", r"[)\]}*_`\"'$]{0,8}"
# what follows a letter that is one, and not the beginning of a word or a sentence such as `A good way is`, `I think`
_ENDS = r"(?=\s*(?:$|[.,;:!)\]}|<]|\n|because\b|since\b|and\b|or\b|/|[-–—]\s))"
_NO_WORD = r"(?-i:(?<=[B-HJ-Z])(?=\s))"
_MARKER = (
    r"(?:\b(?:answer|choice|option)\s*(?:is|was|would\s+be|should\s+be|:|=)(?:\s*:)?"
    r"(?:\s+(?:option|choice|letter))?|<answer>|\\boxed\{|####)"
)
_MORE = r"\s*(?:,|/|\bor\b|\band\b|&)\s*(?:option|choice)?"


@functools.lru_cache(maxsize=64)
def _patterns(letters: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    one = f"[{letters}{letters.lower()}]"
    upper = f"[{letters}]"
    lone = re.compile(rf"\s*(?:option\s+|choice\s+)?{_OPEN}({one}){_CLOSE}[.:]?{_CLOSE}\s*", re.IGNORECASE)
    marked = re.compile(
        rf"{_MARKER}{_OPEN}({one})(?!['’\w]){_CLOSE}(?:{_ENDS}|{_NO_WORD}|(?<=[)\]}}*_`\"'$]))(?P<more>{_MORE}{_OPEN}{one}(?!\w))?",
        re.IGNORECASE,
    )
    listed = re.compile(rf"^[ \t>*-]{{0,8}}{_OPEN}({upper})(?:[.:]|{_CLOSE}[).:\]*]|\s+[-–—])(?=\s|\*|$)", re.MULTILINE)
    named = re.compile(rf"(?<!\w)(?:\(({upper})\)|\[({upper})\]|\*\*({upper})\*\*|(?:option|choice) ({upper})(?!\w))")
    return lone, marked, listed, named


def chosen(text: str, letters: str) -> str | None:
    """The letter that an answer settles for, in upper case; None where it names none, or several."""
    text = text[:MAX_READ]
    lone, marked, listed, named = _patterns(letters)
    if len(text) < 100 and (found := lone.fullmatch(text)):
        return found[1].upper()
    last = None
    for last in marked.finditer(text):  # noqa: B007  # the last one is wanted: models correct themselves
        pass
    if last is not None:
        return None if last["more"] else last[1].upper()
    several = {found[1] for found in listed.finditer(text)}
    several |= {next(filter(None, found.groups())) for found in named.finditer(text)}
    return several.pop() if len(several) == 1 else None


def _a_letter(expected: JsonValue, *, letters: str = "ABCDEFGHIJ") -> str | None:
    if problem := a_text(expected):
        return problem
    known = chosen(str(expected), letters) if len(str(expected)) <= 4 else None
    return None if known else f"expected one of the letters {letters} as target, got {str(expected)[:60]!r}"


@grader("multiple_choice", expects=_a_letter, ideal=ideal.written)
def multiple_choice(text: str, expected: JsonValue, *, letters: Letters = "ABCDEFGHIJ") -> float:
    r"""1 when the one letter that the answer settles for is the target's; 0 when it names none, or several.

    It is the whole answer (`B`, `(b)`, `**B.**`), else the letter behind the last marker (`the answer is`, `Answer:`,
    `\boxed{}`, `<answer>`, `####`), else the only letter that stands as one (`B) Paris` at the beginning of a line,
    `(B)`, `option B`). `B or C` is no answer, nor is one that repeats all options without a marker, nor `I think so`
    or `A good way`, where the letter is a word. Lower case counts alone and behind a marker. The text of an option
    without its letter is no answer: use `exact` where models are asked for the text.
    """
    return float(chosen(text, letters) == chosen(str(expected), letters))


Labels = list[str] | dict[str, list[str]]
_NEGATED = re.compile(
    r"(?:\b(?:not|no|non|never|neither|nor|without|rather than|instead of)|n't)(?:\W+(?:a|an|the|be|really))?\W*$"
)


@functools.lru_cache(maxsize=64)
def _readings(labels: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[Mapping[str, str], re.Pattern[str]]:
    """Label by the text that stands for it, and what finds any of these texts, longer ones first."""
    by_text = {normalised(word): label for label, words in labels for word in (label, *words)}
    longest = sorted(by_text, key=len, reverse=True)
    return by_text, re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")


def _frozen(labels: Labels) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if isinstance(labels, dict):
        return tuple((label, tuple(words)) for label, words in labels.items())
    return tuple((label, ()) for label in labels)


def label_of(text: str, labels: Labels, *, anywhere: bool = False) -> str | None:
    """The label that an answer gives; None where it gives none, or several."""
    by_text, finds = _readings(_frozen(labels))
    if (whole := by_text.get(normalised(text[:MAX_READ]))) is not None:
        return whole
    if not anywhere:
        return None
    searched = flattened(text[:MAX_READ])
    found: set[str] = set()
    for each in finds.finditer(searched):
        if _NEGATED.search(searched[max(0, each.start() - 40) : each.start()]):
            return None  # `not spam` is no vote for spam, and what it is one for is a guess
        found.add(by_text[each[0]])
        if len(found) > 1:
            return None
    return found.pop() if found else None


def _distinct_labels(options: Mapping[str, object], folder: Path) -> Prepared | None:
    del folder
    labels = options["labels"]
    words = [word for label, more in _frozen(labels) for word in (label, *more)]  # type: ignore[arg-type]  # checked
    if len(words) < 2:
        raise ValueError("labels", "expected at least two labels")
    seen: dict[str, str] = {}
    for word in words:
        compared = normalised(word)
        if not compared:
            raise ValueError("labels", f"nothing is left of {word!r} when it is normalised")
        if compared in seen:
            raise ValueError("labels", f"{word!r} and {seen[compared]!r} would be compared as one")
        seen[compared] = word
    return None


def _a_label(expected: JsonValue, *, labels: Labels) -> str | None:
    if problem := a_text(expected):
        return problem
    known = [label for label, _ in _frozen(labels)]
    told = f"expected one of the labels {', '.join(known)} as target, got {str(expected)[:60]!r}"
    return None if expected in known else told


@grader("classification", expects=_a_label, prepare=_distinct_labels, label=label_of, ideal=ideal.written)
def classification(text: str, expected: JsonValue, *, labels: Labels, anywhere: bool = False) -> float:
    """1 when the label that the answer gives is the target; 0 when it gives none, another, or several.

    `labels` is the list of all labels, or says which other words stand for each: `{spam: [junk], ham: []}`. The whole
    answer must be a label, compared normalised as for `exact`. With `anywhere` it is the only label that occurs in the
    answer as whole words; longer labels are found before shorter ones inside them, and `not spam` gives none. A target
    that is no label is refused when the suite is loaded.
    """
    return float(label_of(text, labels, anywhere=anywhere) == expected)
