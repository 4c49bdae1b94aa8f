"""The one normalisation: it removes only what cannot carry meaning, and every grader that compares text uses it.

    none      nothing
    strict    how Unicode spells a character (NFC, never NFKC); white space; characters that nobody sees
    default   also: case; the form of quotes, apostrophes and dashes; one pair of quotes, backticks, a code fence or
              Markdown emphasis around the whole; one sentence terminator of any script at the end

`ignore_case` is true with `default` and false otherwise, unless it is given. Never removed is what may be a sign or an
operator: `-5`, `AA+`, `C#`, `10²`, `<42`, `5!` and `...` stay as they are. docs/graders.md has the table with examples.

Forms of width (`Ａ`), of digits (`٥`, `²`) and of letters (`𝐀`) are kept apart: in a name, a formula or an identifier
they mean something, and whoever wants a number compared by value has the grader `numeric`.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Literal

Normalisation = Literal["default", "strict", "none"]

# Soft hyphen, combining grapheme joiner, direction marks, zero-width space, word joiner, byte order mark, and the two
# selectors between text and emoji. Not the invisible operators U+2061 to U+2064, nor tags: flags are made of those.
_DIRECTION = (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x2070))
INVISIBLE: dict[int, str | None] = dict.fromkeys((0xAD, 0x34F, 0x200B, *_DIRECTION, 0x2060, 0xFE0E, 0xFE0F, 0xFEFF))
_UNIFIED = INVISIBLE | str.maketrans(
    dict.fromkeys("“”„‟«»〝〞〟＂「」『』｢｣﹁﹂﹃﹄《》〈〉", '"')
    | dict.fromkeys("‘’‚‛‹›＇", "'")
    | dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")  # not the superscript minus
)
# Joiners shape letters and emoji, and beside anything else they are only invisible.
_SHAPED = r"[\u0590-\u1dff\u200c\u200d\u2190-\U0010ffff]"
# the letter of Ukrainian, and what stands for an apostrophe on some keyboards
_INNER_APOSTROPHE = re.compile(r"(?<=[^\W\d_])[\u02bc\u00b4\u2032](?=[^\W\d_])")
_MARKS_IN_A_ROW = re.compile(r"[^\w\x00-\x7f]+")
_PILE = 32  # sorting accents on one letter takes quadratic time; no language has so many
_FENCE = re.compile(r"\s*(```|~~~)[A-Za-z0-9+#_.-]{0,20}[ \t]*\r?\n(.*)\1\s*", re.DOTALL)
_MARKS = ("```", "``", "`", '"', "'", "**", "__", "*", "_")
_MARK_BEGINS = frozenset(mark[0] for mark in _MARKS)
_INSIDE_WORDS = {"'", "_"}  # `don't` and `snake_case`: these marks may also stand inside a word
_PADDING = " \u200c\u200d"
# Sentence_Terminal of the Unicode Character Database, without those that are two in one
_TERMINATORS = frozenset(".!?։؝؞؟۔܀܁܂߹࠷࠹࠽࠾।॥၊။።፧፨།᙮᜵᜶᠃᠉᥄᥅᪨᪩᪪᪫᭎᭏᭚᭛᭞᭟᭽᭾᭿᰻᰼᱾᱿⸮⸼。꓿꘎꘏꛳꛷꡶꡷꣎꣏꤯꧈꧉꩝꩞꩟꫰꫱꯫︒﹒﹖﹗！．？｡")
_MAY_BE_OPERATORS = frozenset("!?！？﹗﹖")  # `5!`, `n!`, `int a?`
_INVERTED = {"!": "¡", "?": "¿"}


def normalised(text: str, normalise: Normalisation = "default", ignore_case: bool | None = None) -> str:
    """`text` without what cannot carry meaning; to be compared with other texts that were normalised alike.

    Normalising twice changes nothing. Takes linear time.
    """
    if normalise == "default" and ("```" in text or "~~~" in text) and (fenced := _FENCE.fullmatch(text)):
        text = text if fenced[1] in fenced[2] else fenced[2]
    flat = flattened(text, normalise, ignore_case)
    return _bare(flat) if normalise == "default" else flat


def flattened(text: str, normalise: Normalisation = "default", ignore_case: bool | None = None) -> str:
    """Like `normalised`, but what stands around the whole stays: a longer text, to be searched in."""
    ignore_case = normalise == "default" if ignore_case is None else ignore_case
    if normalise != "none":
        if text.isascii():
            return " ".join((text.lower() if ignore_case else text).split())
        text = _composed(_composed(text).translate(_UNIFIED if normalise == "default" else INVISIBLE))
    if ignore_case:
        text = _composed(_composed(text, "NFD").casefold())
    if normalise == "none":
        return text
    text = " ".join(text.split())
    if "\u200c" in text or "\u200d" in text:
        text = " ".join(_composed(_loose_joiner().sub("", text)).split())
    return _INNER_APOSTROPHE.sub("'", text) if normalise == "default" else text


@functools.cache
def _loose_joiner() -> re.Pattern[str]:
    """Compiled when it is needed: so large a set takes longer than to load all graders."""
    return re.compile(rf"(?<!{_SHAPED})[\u200c\u200d]+|[\u200c\u200d]+(?!{_SHAPED})")


def _composed(text: str, form: Literal["NFC", "NFD"] = "NFC") -> str:
    if text.isascii() or any(marks.end() - marks.start() > _PILE for marks in _MARKS_IN_A_ROW.finditer(text)):
        return text
    return unicodedata.normalize(form, text)


def _bare(text: str) -> str:
    """Without wrappers around the whole and a terminator at its end, in whatever order they stand there."""
    while (inner := _unwrapped(_unterminated(text.strip(_PADDING)))) != text:
        text = inner
    return text


def _unwrapped(text: str) -> str:
    if text[:1] not in _MARK_BEGINS:
        return text
    for mark in _MARKS:
        width = len(mark)
        if len(text) > 2 * width and text.startswith(mark) and text.endswith(mark):
            inner = text[width:-width]
            return inner if _is_wrapped(inner, mark) else text
    return text


def _is_wrapped(inner: str, mark: str) -> bool:
    """Whether the marks at both ends belong together, and around a text: not in `'a' or 'b'`, `*.*` or `2 * 3 *`."""
    if mark[0] in "*_" and (inner[0].isspace() or inner[-1].isspace()):
        return False
    if mark in ("*", "_") and not _says_something(inner):
        return False
    if inner.strip(mark[0] + _PADDING) == "":
        return False
    if mark in _INSIDE_WORDS:
        return not _has_outside_words(inner, mark)
    return mark not in inner


def _has_outside_words(text: str, mark: str) -> bool:
    before = after = ""
    at = text.find(mark)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        if not (before.isalnum() and after.isalnum()):
            return True
        at = text.find(mark, at + 1)
    return False


def _unterminated(text: str) -> str:
    """Without *one* terminator: `Paris.` but not `etc...`, `?!`, `5!` (factorial) or `*.`."""
    if not text or text[-1] not in _TERMINATORS:
        return text
    rest = text[:-1].rstrip(_PADDING)
    if not rest or rest[-1] in _TERMINATORS or not _says_something(rest):
        return text
    if text[-1] in _MAY_BE_OPERATORS and _may_be_operand(rest):
        return text
    if (opening := _INVERTED.get(text[-1])) and rest.startswith(opening) and rest.count(opening) == 1:
        return rest[1:]
    return rest


def _may_be_operand(text: str) -> bool:
    """Whether `!` or `?` behind `text` may be an operator: behind a number, a bracket, or a variable of one letter."""
    last = text[-1]
    return last.isnumeric() or last in ")]}" or (last.isascii() and last.isalpha() and not text[-2:-1].isalpha())


def _says_something(text: str) -> bool:
    return any(character.isalnum() or unicodedata.category(character) == "So" for character in text)
