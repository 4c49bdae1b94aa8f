"""An answer's text in one way of writing, before numbers are looked for in it: digits, dashes, marks, LaTeX.

Every step takes linear time, and none makes a number out of what was none.
"""

from __future__ import annotations

import re
import unicodedata

from evalgate.graders.normalise import INVISIBLE

_FORMS = INVISIBLE | str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹘﹣－➖", "-")
    | dict.fromkeys("’‘＇٬", "'")
    | dict(zip("＋，．％／＄（）：＝⁄∕", "+,.%/$():=//", strict=True))
)
_KEYCAP = "\u20e3"  # the frame around the digit of an emoji
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_SUPERSCRIPT = re.compile("(?<=[0-9])[⁰¹²³⁴-⁹⁺⁻]+")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_PART = r"\{((?:[^{}]|\{[^{}]{0,50}\}){1,100})\}"  # of a fraction; braces in it may be nested once
_FRACTION = re.compile(rf"(\d?)\\[cdt]?frac\s?(?:{_PART}\s?{_PART}|(\d)\s?(\d))")
_OVER = re.compile(r"\{\s?([\d.,]{1,50})\s?\\over\s?([\d.,]{1,50})\s?\}")
_WORDS = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mathit|operatorname)\s?\{([^{}]{0,100})\}")
_COMMANDS = re.compile(r"\\(?:left|right|displaystyle|[()\[\]])")
_THIN = re.compile(r"\\(?:[,;: ]|thinspace|quad)")
_SUPERSCRIPT_MINUS = re.compile(r"(?<![\w)\]}%⁰¹²³⁴-⁹])⁻(?=\d)")
_SPACED_MINUS = re.compile(  # never a bullet, as `- 5` may be
    r"(?<![\w)\]}%])(?<![\w)\]}%] )(?:−[ \u00a0\u2007-\u200a\u202f]|-[\u00a0\u2007\u202f])(?=\d)"
)
_SIGN_OUTSIDE = re.compile(r"(?<![\w)\]}%])-((?:\\(?:text|math)\w{0,12}\s?\{|[*_`({]){1,4})(?=[\d.$€£¥])")
_NEGATIVE = re.compile(
    r"(?:\bnegative|(?:^|(?<=is )|(?<=of )|(?<=equals )|(?<=[:=] ))minus|(?<=[=≈] )-) (?=[\d.$€£])", re.IGNORECASE
)
_LATEX = (
    *(("{,}", ","), ("{.}", "."), ("\\!", ""), ("\\$", "$"), ("\\%", "%"), ("\\times", "×"), ("\\cdot", "×")),
    *(("\\pm", "±"), ("\\leq", "≤"), ("\\geq", "≥"), ("\\le ", "≤ "), ("\\ge ", "≥ "), ("\\lt", "<"), ("\\gt", ">")),
)
_FOOTNOTE = re.compile(r"(?<=\S)[ \u00a0]?\[\^?\d{1,3}(?: ?[,;-] ?\d{1,3}){0,9}\]|【[^】]{0,40}】")
# what is said about an answer, and not the answer
_REMARK = re.compile(
    r"^[\W_]{0,8}(?:confidence|certainty|konfidenz|confiance|confianza|confiança|certeza|fiducia|置信度|信心)[^\n]{0,200}$"
    r"|\((?=[^()\n]{0,40}\b(?:confiden(?:ce|t)|certain(?:ty)?|sure)\b)[^()\n]{0,80}\)"
    r"|\b\d{1,2}[ -](?:decimals?\b|decimal (?:place|digit|point)s?\b|significant (?:figure|digit)s?\b|d\.?p\.|s\.?f\.)",
    re.MULTILINE | re.IGNORECASE,
)
# one of these stands in every such remark
_REMARKED = (
    *("confi", "certain", "konfidenz", "certeza", "fiducia", "sure", "decimal", "significant"),
    *("d.p.", "dp.", "s.f.", "sf."),
)
_LIST_ITEM = re.compile(r"^[ \t]*(?:[-*] )?(\d{1,2})[.)](?=[ \t]+\S)", re.MULTILINE)


def may_say(text: str, *words: str) -> bool:
    """Whether one of `words`, in lower case, may occur in any case: a look that costs less than a search for them.

    Texts beyond ASCII always may: case is not the same there as a pattern has it.
    """
    if not text.isascii():
        return True
    lower = text.lower()
    for word in words:  # noqa: SIM110  # `any` would take twice the time
        if word in lower:
            return True
    return False


def plain(text: str, decimal_mark: str = ".") -> str:
    """`text` with ASCII digits, `-`, `'` and `/`, superscripts as `^{2}`, and without LaTeX around numbers."""
    if not text.isascii():
        text = _SUPERSCRIPT_MINUS.sub("-", _SPACED_MINUS.sub("-", text))
        text = text.translate(_FORMS).replace("٫", decimal_mark).replace(_KEYCAP, "")
        text = _OTHER_DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), text)
        text = _SUPERSCRIPT.sub(lambda found: "^{" + found[0].translate(_LOWERED) + "}", text)
    if "-" in text:
        text = _SIGN_OUTSIDE.sub(r"\1-", text)  # `-**5**`, `-(5)`
    if "\\" in text or "{," in text:
        text = _without_latex(text)
    return _NEGATIVE.sub("-", text) if may_say(text, "-", "minus", "negative") else text


def _without_latex(text: str) -> str:
    for written, meant in _LATEX:
        text = text.replace(written, meant)
    text = _COMMANDS.sub(" ", _THIN.sub("\u2009", _WORDS.sub(r" \1", text)))
    return _OVER.sub(r"\1/\2", _FRACTION.sub(_as_division, text))


def _as_division(found: re.Match[str]) -> str:
    whole, above, below = found[1], found[2] or found[4], found[3] or found[5]
    return f"{whole} {above}/{below}" if whole else f"{above}/{below}"


def without_marks(text: str) -> str:
    """`text` without footnote marks, remarks on the answer, and the numbers of list items (1, 2, 3, … in order)."""
    if "[" in text or "【" in text:
        text = _FOOTNOTE.sub(" ", text)
    if may_say(text, *_REMARKED):
        text = _REMARK.sub(" ", text)
    expected, last, kept = 1, 0, []
    for item in _LIST_ITEM.finditer(text):
        number = int(item[1])
        if number in (1, expected):
            kept.append(text[last : item.start(1)])
            last, expected = item.end(), number + 1
    return "".join([*kept, text[last:]]) if kept else text
