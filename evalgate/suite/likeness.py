"""When two texts ask the same thing: what a copied row, a second export or a slip of the pen leaves behind.

Tight on purpose, because suites are often made from a template: `Is Iran in Asia?` and `Is Iraq in Asia?` are two
questions. Whatever has another digit or sign is another question, however like the rest is.

| two texts that differ in | are near-duplicates |
| --- | --- |
| white space, invisible characters, Unicode form | always |
| also case, quotes, punctuation after a word, the number of a list item in front | unless their targets differ |
| also one letter of a word of five or more, or two letters that changed places | when their targets are the same |
| also one word of eight or more, which is no name | when they share a target that hardly another case has |
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

SHORT = 60  # characters: below, one letter in place of another is rather another word than a slip
LEAST_LETTERS = 5  # of a word in which one letter may be a slip
LEAST_WORDS = 8  # of a text in which one word may be a paraphrase
RARE = 3  # cases that share a target
_NO_ALPHABET = "\u2e80"  # from here on a letter may be a word

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_ITEM = re.compile(r"\s*(?:(?:q|question|item|case|no)\.?\s*)?#?\d{1,6}\s?[.):]\s+(?=\D)", re.IGNORECASE)
_QUOTES = re.compile("[\"'`´“”„‟‘’‚‛«»‹›「」『』]")
_AFTER_A_WORD = re.compile(r"(?<=[^\W\d_])\s?[.,;:!?…。！？，、；：]+(?=\s|$)")
_LETTERS = re.compile(r"[^\W\d_]+|\s+")


@dataclass(frozen=True, slots=True)
class Likeness:
    """A text in its forms, each of which leaves more of it away, and the target of its case in the same."""

    tidy: str
    plain: str
    target: str | None

    @classmethod
    def of(cls, text: str, target: str | None) -> Likeness:
        """The forms of a text of any length."""
        return cls(tidied(text), plain(text), None if target is None else plain(target))


def tidied(text: str) -> str:
    """`text` without invisible characters, in NFC, with one blank for all white space."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return " ".join(text.split())


def plain(text: str) -> str:
    """`tidied`, and without case, quotes, punctuation after a word, and the number of a list item in front."""
    return _AFTER_A_WORD.sub("", _QUOTES.sub("", unnumbered(tidied(text)).casefold())).strip()


def unnumbered(text: str) -> str:
    """`text` without the number of a list item in front."""
    item = _ITEM.match(text, 0, 40)
    return text[item.end() :] if item else text


def near(one: Likeness, other: Likeness, *, rare: bool = False) -> bool:
    """Whether the two ask the same thing; `rare`: hardly another case has their target."""
    if one.tidy == other.tidy:
        return True
    if one.plain == other.plain:
        return one.target == other.target or None in (one.target, other.target)
    return one.target == other.target and _signs(one) == _signs(other) and _nearly(one, other, rare)


def _signs(text: Likeness) -> str:
    """All that is no letter and no blank."""
    return _LETTERS.sub("", text.plain)


def _nearly(one: Likeness, other: Likeness, rare: bool) -> bool:
    if one.plain.replace(" ", "") == other.plain.replace(" ", ""):
        return True
    ours, theirs = one.plain.split(), other.plain.split()
    if len(ours) != len(theirs):
        return False
    differ = [at for at, (mine, yours) in enumerate(zip(ours, theirs, strict=True)) if mine != yours]
    long = min(len(one.plain), len(other.plain)) >= SHORT
    if len(differ) <= 1 + long and all(_slip(ours[at], theirs[at], long) for at in differ):
        return True
    return rare and len(ours) >= LEAST_WORDS and len(differ) == 1 and not _name(one, other, differ[0], len(ours))


def _slip(mine: str, yours: str, long: bool) -> bool:
    """Whether one of two words may be the other with a slip of the pen; the first letter is seldom one."""
    from rapidfuzz.distance import OSA

    if mine[0] != yours[0] or max(mine + yours) >= _NO_ALPHABET or OSA.distance(mine, yours, score_cutoff=1) != 1:
        return False
    if sorted(mine) == sorted(yours):
        return True
    return min(len(mine), len(yours)) >= LEAST_LETTERS and (long or len(mine) != len(yours))


def _name(one: Likeness, other: Likeness, at: int, count: int) -> bool:
    """Whether the word at `at` is written as a name is, or nobody can tell."""
    words = [unnumbered(each.tidy).split() for each in (one, other)]
    return any(len(each) != count or each[at][:1].isupper() or not each[at][:1].isalpha() for each in words)
