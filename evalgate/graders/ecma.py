r"""Regular expressions as JSON Schema means them (ECMA-262 with the `u` flag), for the bounded engine that we have.

JSON Schema takes its patterns from JavaScript. Python reads most of them the same way, and the rest silently otherwise:
`$` also before a last line break, `\d` and `\w` in every script, `[^]` as an error. So a pattern is translated, piece
by piece, and what is none of ECMA-262 is refused instead of guessed at:

    ECMA-262                            becomes
    ^ $                                 \A \Z: the very beginning, the very end
    .                                   all but the four line terminators
    \d \w \b, \D \W \B                  ASCII alone
    \s \S                               ECMA's white space and line terminators
    \p{L} \p{Script=Greek} \P{…}        as they are
    [] [^]                              nothing; any character
    (?<name>…) \k<name> \1              numbered groups; one that took no part matches the empty text
    \cJ \xHH \uHHHH \u{H…} \/ \- …      the character
    { } ] that quantify or end nothing  themselves, as browsers read them

Refused: `\A \Z \z \a \e \G` and every other escaped letter, inline flags such as `(?i)`, comments, atomic groups and
possessive quantifiers. `[[:alpha:]]` is what ECMA-262 reads: a class of `[:alph`, and a `]`.

Reading takes time linear in the pattern's length, so that a hostile text may be held against `format: regex`.
"""

from __future__ import annotations

import re
from functools import lru_cache

import regex as bounded_regex

_WORD = "A-Za-z0-9_"
# WhiteSpace and LineTerminator of ECMA-262 §12.2 and §12.3
_SPACE = r"\t\n\x0b\x0c\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_SETS = {"d": "0-9", "w": _WORD, "s": _SPACE}
_ANY, _NOTHING = r"[\x00-\U0010ffff]", r"(?!)"
_NOT_A_LINE_END = r"[^\n\r\u2028\u2029]"
_EDGE = f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_NO_EDGE = f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))"
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}

_NAME = re.compile(r"\?<([A-Za-z_$][A-Za-z0-9_$]{0,99})>")
_GROUP = re.compile(r"\?(?::|=|!|<=|<!)")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d{1,9})(?:(,)(\d{1,9})?)?\})\??")
_PROPERTY = re.compile(r"[pP]\{([A-Za-z0-9_]{1,60}(?:=[A-Za-z0-9_]{1,60})?)\}")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,8})\}")
_REFERENCE = re.compile(r"[1-9][0-9]{0,3}")
_NAMED_REFERENCE = re.compile(r"k<([^>]{1,100})>")


class PatternError(ValueError):
    """A pattern that is none of ECMA-262, or none that can be had here."""


def translate(pattern: str) -> str:
    """`pattern` as the module `regex` understands it; raises `PatternError` with the position of what is wrong."""
    return _Reader(pattern).read()


@lru_cache(maxsize=256)
def _is_property(name: str) -> bool:
    try:
        bounded_regex.compile(f"\\p{{{name}}}")
    except bounded_regex.error:
        return False
    return True


class _Reader:
    """One pass over a pattern. `_at` is where it stands; groups are numbered as ECMA-262 does, by their opening."""

    def __init__(self, pattern: str) -> None:
        self._text, self._at = pattern, 0
        self._out: list[str] = []
        self._groups = 0
        self._names: dict[str, int] = {}
        self._open: list[tuple[int, int]] = []  # for each open group, where it began and its number, or 0
        self._references: list[tuple[int, int, str | int]] = []  # piece of the output, position, what is meant

    def read(self) -> str:
        after_atom = False
        while self._at < len(self._text):
            after_atom = self._piece(after_atom)
        if self._open:
            raise self._error("a group that is never closed", self._open[-1][0])
        for piece, position, meant in self._references:
            number = self._names.get(meant) if isinstance(meant, str) else meant
            if number is None or number > self._groups:
                raise self._error("a reference to a group that is not there", position)
            # a group that took no part matches the empty text
            self._out[piece] = f"(?:(?({number})\\{number}|))"
        return "".join(self._out)

    def _error(self, problem: str, position: int | None = None) -> PatternError:
        at = self._at if position is None else position
        return PatternError(f"{problem} at character {at + 1} of the pattern {self._text[:80]!r}")

    def _match(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _piece(self, after_atom: bool) -> bool:
        """Read one piece; tells whether a quantifier may follow it."""
        character = self._text[self._at]
        if character in "*+?{":
            start = self._at
            if found := self._match(_QUANTIFIER):
                if not after_atom:
                    raise self._error("a quantifier with nothing to repeat", start)
                if found[3] and int(found[3]) < int(found[1]):
                    raise self._error("a quantifier out of order", start)
                self._out.append(found[0])
                return False
        self._at += 1
        if character == "(":
            self._begin_group()
            return False
        if character == ")":
            if not self._open:
                raise self._error("a bracket that closes nothing", self._at - 1)
            self._open.pop()
            self._out.append(")")
            return True
        if character in "|^$":
            self._out.append({"|": "|", "^": r"\A", "$": r"\Z"}[character])
            return False
        if character == "[":
            self._out.append(self._class())
        elif character == ".":
            self._out.append(_NOT_A_LINE_END)
        elif character == "\\":
            return self._escape()
        else:
            self._out.append(_literal(ord(character)))
        return True

    def _begin_group(self) -> None:
        start, number = self._at - 1, 0
        if found := self._match(_NAME):
            if found[1] in self._names:
                raise self._error(f"a second group named {found[1]!r}", start)
            self._groups += 1
            number = self._names[found[1]] = self._groups
            self._out.append("(")
        elif found := self._match(_GROUP):
            self._out.append("(" + found[0])
        elif self._text.startswith("?", self._at):
            what = "a group that ECMA-262 does not have (inline flags, comments and atomic groups are none of it)"
            raise self._error(what, start)
        else:
            self._groups += 1
            number = self._groups
            self._out.append("(")
        self._open.append((start, number))

    def _escape(self) -> bool:
        start = self._at
        if self._text[start : start + 1] in ("b", "B"):
            self._at += 1
            self._out.append(_EDGE if self._text[start] == "b" else _NO_EDGE)
            return False
        if found := self._match(_REFERENCE):
            self._refer(start - 1, int(found[0]))
        elif found := self._match(_NAMED_REFERENCE):
            self._refer(start - 1, found[1])
        elif (members := self._set()) is not None:
            self._out.append(members)
        else:
            self._out.append(_literal(self._character()))
        return True

    def _refer(self, position: int, meant: int | str) -> None:
        number = self._names.get(meant) if isinstance(meant, str) else meant
        if any(number == inside for _, inside in self._open):  # inside of itself, where it is always empty
            self._out.append("(?:)")
        else:
            self._references.append((len(self._out), position, meant))
            self._out.append("")

    def _set(self) -> str | None:
        r"""After a backslash: `d D w W s S p{…} P{…}` as a class, else None."""
        if found := self._match(_PROPERTY):
            if not _is_property(found[1]):
                raise self._error(f"no Unicode property {found[1]!r}", found.start() - 1)
            return "\\" + found[0]
        letter = self._text[self._at : self._at + 1]
        if letter and letter.lower() in _SETS:
            self._at += 1
            return f"[{'^' if letter.isupper() else ''}{_SETS[letter.lower()]}]"
        return None

    def _character(self) -> int:
        """After a backslash: the code point that is meant."""
        text, start = self._text, self._at
        if start == len(text):
            raise self._error("a backslash with nothing behind it", start - 1)
        if found := self._match(_HEX):
            code = int(found[1] or found[2] or found[3], 16)
            if found[2] and 0xD800 <= code < 0xDC00 and text.startswith("\\u", self._at):
                low = _HEX.match(text, self._at + 1)
                if low and low[2] and 0xDC00 <= int(low[2], 16) < 0xE000:
                    self._at = low.end()
                    code = 0x10000 + ((code - 0xD800) << 10) + int(low[2], 16) - 0xDC00
            if code > 0x10FFFF:
                raise self._error("a code point beyond U+10FFFF", start - 1)
            return code
        letter = text[start]
        self._at += 1
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter == "c" and text[self._at : self._at + 1].isascii() and text[self._at : self._at + 1].isalpha():
            self._at += 1
            return ord(text[self._at - 1]) % 32
        if letter == "0" and not text[self._at : self._at + 1].isdecimal():
            return 0
        if letter.isalnum():
            raise self._error(f"\\{letter}, which ECMA-262 does not have (with the u flag)", start - 1)
        return ord(letter)

    def _class(self) -> str:
        """After `[`: the class up to its `]`, as one class or as an alternative of classes."""
        start = self._at - 1
        if negated := self._text.startswith("^", self._at):
            self._at += 1
        members: list[str] = []  # characters and ranges
        others: list[str] = []  # classes, among them negated ones, that cannot stand inside another
        while not self._text.startswith("]", self._at):
            low = self._member(others, start)
            if self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at):
                dash = self._at
                self._at += 1
                high = self._member(others, start)
                if low is None or high is None:  # `[\w-.]`: the dash is one, as browsers read it
                    members += [_literal(code) for code in (low, ord("-"), high) if code is not None]
                elif low > high:
                    raise self._error("a range out of order", dash)
                else:
                    members.append(f"{_literal(low)}-{_literal(high)}")
            elif low is not None:
                members.append(_literal(low))
        self._at += 1
        if not members and not others:
            return _ANY if negated else _NOTHING
        if not others:
            return f"[{'^' if negated else ''}{''.join(members)}]"
        either = "|".join([*([f"[{''.join(members)}]"] if members else []), *dict.fromkeys(others)])
        return f"(?:(?!{either}){_ANY})" if negated else f"(?:{either})"

    def _member(self, others: list[str], start: int) -> int | None:
        """One character of a class; None when it was a class of its own, which is put to the `others`."""
        if self._at == len(self._text):
            raise self._error("a class that is never closed", start)
        character = self._text[self._at]
        self._at += 1
        if character != "\\":
            return ord(character)
        if (found := self._set()) is not None:
            others.append(found)
            return None
        if self._text.startswith("b", self._at):
            self._at += 1
            return 8
        return self._character()


def _literal(code: int) -> str:
    """The character itself, safe both inside and outside of a class."""
    character = chr(code)
    if code < 128:
        return character if character.isalnum() else f"\\x{code:02x}"
    return f"\\U{code:08x}"
