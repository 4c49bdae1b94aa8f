"""An answer's text in one way of writing, before numbers are looked for in it: digits, dashes, marks, LaTeX.

Every step takes linear time, and none makes a number out of what was none.
"""

from __future__ import annotations

import re
import unicodedata

from evalgate.graders.normalise import INVISIBLE

_FORMS = INVISIBLE | str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
    | dict.fromkeys("’‘＇٬", "'")
    | dict(zip("＋，．％／＄（）：＝⁄∕", "+,.%/$():=//", strict=True))
)
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_SUPERSCRIPT = re.compile("(?<=[0-9])[⁰¹²³⁴-⁹⁺⁻]+")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_FRACTION = re.compile(r"(\d?)\\[dt]?frac\s?(?:\{([^{}]{1,100})\}\s?\{([^{}]{1,100})\}|(\d)(\d))")
_WORDS = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mathit|operatorname)\s?\{([^{}]{0,100})\}")
_COMMANDS = re.compile(r"\\(?:left|right|displaystyle|[()\[\]])")
_THIN = re.compile(r"\\(?:[,;: ]|thinspace|quad)")
_SPACED_MINUS = re.compile(r"(?<![\w)\]}%])(?<![\w)\]}%] )− (?=\d)")  # never a bullet, as `- 5` may be
_NEGATIVE = re.compile(
    r"(?:\bnegative|(?:^|(?<=is )|(?<=of )|(?<=equals )|(?<=[:=] ))minus|(?<=[=≈] )-) (?=[\d.$€£])", re.IGNORECASE
)
_LATEX = (("{,}", ","), ("{.}", "."), ("\\!", ""), ("\\$", "$"), ("\\%", "%"), ("\\times", "×"), ("\\cdot", "×"))
_FOOTNOTE = re.compile(r"(?<=\S)[ \u00a0]?\[\^?\d{1,3}(?: ?[,;-] ?\d{1,3}){0,9}\]|【[^】]{0,40}】")
_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*] )?(\d{1,2})[.)](?=[ \t]+\S)", re.MULTILINE)


def plain(text: str, decimal_mark: str = ".") -> str:
    """`text` with ASCII digits, `-`, `'` and `/`, superscripts as `^{2}`, and without LaTeX around numbers."""
    if not text.isascii():
        text = _SPACED_MINUS.sub("-", text)
        text = text.translate(_FORMS).replace("٫", decimal_mark)
        text = _OTHER_DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), text)
        text = _SUPERSCRIPT.sub(lambda found: "^{" + found[0].translate(_LOWERED) + "}", text)
    if "\\" in text or "{," in text:
        text = _without_latex(text)
    return _NEGATIVE.sub("-", text)


def _without_latex(text: str) -> str:
    for written, meant in _LATEX:
        text = text.replace(written, meant)
    text = _COMMANDS.sub(" ", _THIN.sub("\u2009", _WORDS.sub(r" \1", text)))
    return _FRACTION.sub(_as_division, text)


def _as_division(found: re.Match[str]) -> str:
    whole, above, below = found[1], found[2] or found[4], found[3] or found[5]
    return f"{whole} {above}/{below}" if whole else f"{above}/{below}"


def without_marks(text: str) -> str:
    """`text` without footnote marks and the numbers of list items (1, 2, 3, … in this order)."""
    text = _FOOTNOTE.sub(" ", text)
    expected, last, kept = 1, 0, []
    for item in _LIST_ITEM.finditer(text):
        number = int(item[1])
        if number in (1, expected):
            kept.append(text[last : item.start(1)])
            last, expected = item.end(), number + 1
    return "".join([*kept, text[last:]]) if kept else text
