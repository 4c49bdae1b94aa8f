"""Numbers as people and models write them, read exactly: as integers or fractions of them, never through a float.

No library does this part: Babel reads a whole text in a stated locale and finds nothing inside one, and the parsers of
formulas (math-verify) need sympy, which is slow to load and may be kept busy by a hostile answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from evalgate.graders.number_text import plain

DecimalMark = Literal["auto", "point", "comma"]
PercentSign = Literal["number", "fraction"]
Number = int | Fraction
Found = re.Match[str]

MAX_DIGITS = 4000  # of a number and in its powers of ten; what is longer equals nothing

_GAP = "[ '_\u00a0\u2007\u2009\u202f]"
_ANY_GAP = re.compile(_GAP)
_WITHOUT_DIGITS = dict.fromkeys(map(ord, "0123456789"))
_RUN = rf"(?>[1-9]\d{{0,2}}(?:{_GAP}\d{{3}})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*)"
_CURRENCY = "[$¢£¤¥֏؋৲৳฿\u20a0-\u20cf﷼￠￡￥]"
_SCALES = {
    2: "hundred hundreds hundert cientos cem 百",
    3: "thousand thousands tausend mil mille mila milliers duizend tusen tusind tisíc tysiąc tysiące tysięcy tys ribu "
    "k тыс тысяча тысячи тысяч тисяч ألف آلاف हज़ार हजार 千 천",
    4: "万 萬 만",
    5: "lakh lakhs लाख hunderttausend",
    6: "million millions millionen millones millón milhão milhões milione milioni miljoen miljoner miljon millioner "
    "milion miliony milionów milyon juta mio mln mn m млн миллион миллиона миллионов мільйон мільйонів مليون ملايين",
    7: "crore crores करोड़",
    8: "亿 億 억",
    9: "billion billions milliard milliards milliarde milliarden miliardo miliardi miljard miljarder milliarder "
    "miliard miliardy miliardów milyar miliar bilhão bilhões mrd bn bln b млрд миллиард миллиарда миллиардов مليار",
    12: "trillion trillions tn trn t billionen billones billón трлн 兆 조",
    15: "quadrillion quadrillions billiarden",
}
# written without spaces, so that what counts follows at once: `2.5万元`
_JOINED = "百千천万萬만亿億억兆조"
_TENS = {word: power for power, words in _SCALES.items() for word in words.split()}
_WORDS = "|".join(word for word in _TENS if word not in set("kmbt" + _JOINED))
_VULGAR = "¼-¾⅐-⅞↉"
_TOKEN = re.compile(
    rf"""
      (?=[-+\d{_CURRENCY[1:-1]}{_VULGAR}]|\.\d|[A-Z]{{1,3}}{_CURRENCY}|\ [{_VULGAR}])(?:  # how it may begin
      (?P<other>  # a date, a time, a ratio, a range is not one number
          {_CURRENCY}?{_RUN}\ ?%?(?:[-:]{_CURRENCY}?{_RUN}%?(?!/))+ | \d+(?:/\d+){{2,}} | 0[xX][0-9A-Fa-f]+ )
    | (?:(?P<sign>(?<![^\W_])(?<![)\]%}}])[-+])(?:[A-Z]{{3}}\ ?)?)?  # after a letter or digit it is a hyphen
      (?:(?P<currency>(?:[A-Z]{{1,3}})?{_CURRENCY}\ ?)(?P<inner_sign>[-+])?)?
      (?P<digits>
          (?P<whole>\d{{1,9}})[ \u00a0-](?P<above>\d{{1,9}})/(?P<below>\d{{1,9}})(?![\d/])
        | (?P<before>\d{{0,9}})\ ?(?P<vulgar>[{_VULGAR}])
        | (?P<run>{_RUN}|(?<![\w.,)])\.\d+)
          (?: [eE](?P<exponent>[-+]?\d+)(?!\w)
            | \s?[×xX*·⋅∙]\s?10\s?(?:\^|\*\*)\s?[{{(]?(?P<ten>[-+]?\d+)[}})]?
            | \^[{{(]?(?P<power>[-+]?\d+)[}})]?
            | \ ?/\ ?(?P<over>{_RUN})(?![\d/])
          )? )
      (?P<scale>
          [ \u00a0\u202f-]?(?:(?ai:{_WORDS})(?![^\W_])|[{_JOINED}](?!\d))
        | [kKMBT](?![^\W_])
        | (?(currency)[mbt](?![^\W_])|(?!))
      )?)
    """,
    re.VERBOSE,
)
_FACTOR = re.compile(r"\s?×?\s?(?:\\(?:sqrt|pi|ln|log|sin|cos|tan)\b|[√π]|\^\{?[A-Za-z])")
_DIVIDED = re.compile(r"(?:(?<![A-Za-z])[A-Za-z]|\\pi|[\])}π])/\Z")
# `<5` and `±5` are not 5; but `> 5` at the head of a line is a quotation
_BOUND = re.compile(r"(?:(?:[<≤≥≠±∓≮≯]=?|\+/-?|(?<=\S )>=?|>=)\s?|(?<![^\s(])>)\Z")
_PERCENT = re.compile(r"\s?(?:(%|percent\b|per cent\b|pct\b)|‰)")
_NOT_OF_A_NUMBER = re.compile(r"(?:[A-Za-z]|\^|\^\{|[A-Za-z]_|_\{)\Z")  # `CO2`, `cm^2`, `x_1`
_RAISED = re.compile(r"(?:\^|\^\{|\w_|_\{)\Z")
_BETWEEN = " \u00a0\u202f\u2009*_"  # a number and its unit
_AROUND = re.compile(r"[\s*_`$~\"']+")


@dataclass(frozen=True, slots=True)
class Notation:
    """How numbers are written: the decimal mark, what a percent sign means, and the units that must stand with one."""

    decimal: DecimalMark = "auto"
    percent: PercentSign = "number"
    units: tuple[str, ...] = ()

    def plain(self, text: str) -> str:
        """`text` as `numbers` and `value` need it."""
        return plain(text, "," if self.decimal == "comma" else ".")

    def numbers(self, text: str, *, glued: bool = False) -> Iterator[Found]:
        """The numbers in a plain text; with `glued`, also those that are part of a word."""
        return (found for found in _TOKEN.finditer(text) if self._counts(text, found, glued=glued))

    def last(self, text: str, *, glued: bool = False) -> Found | None:
        """The last of `numbers`, without a look at those before it."""
        for found in reversed(list(_TOKEN.finditer(text))):
            if self._counts(text, found, glued=glued):
                return found
        return None

    def _counts(self, text: str, found: Found, *, glued: bool) -> bool:
        if found["other"] or _is_bound(text, found):
            return False
        if not found["currency"] and _is_glued(text, found) and (not glued or _is_index(text, found)):
            return False
        if (run := found["run"]) and self._last_of(run) is None:
            return False
        return not self.units or self._unit_stands_with(found)

    def value(self, found: Found) -> Number | None:
        """What a number is; None when it is too long to be one, divides by zero, or is a factor of a formula."""
        size = None if _is_factor(found) else self._size(found)
        if size is None:
            return None
        if (scale := found["scale"]) and scale.strip() not in self.units:
            size *= 10 ** _TENS[scale.strip(" \u00a0\u202f-").lower()]
        if self.percent == "fraction" and (percent := _PERCENT.match(found.string, found.end())):
            size = Fraction(size, 100 if percent[1] else 1000)
        return -size if "-" in (found["sign"], found["inner_sign"]) else size

    def whole(self, text: str) -> Number | None:
        """The number that a text is and says nothing else; None when it is not exactly one."""
        text = self.plain(text)
        found = next(Notation(self.decimal, self.percent).numbers(text), None)
        if found is None or (found["run"] and _digits(found["run"], self.decimal) is None):
            return None
        end = found.end()
        if percent := _PERCENT.match(text, end):
            end = percent.end()
        before, after = _AROUND.sub("", text[: found.start()]), _AROUND.sub("", text[end:]).removesuffix(".")
        alone = not (before or after) or before + after in self.units or re.fullmatch(_CURRENCY, before + after)
        return self.value(found) if alone else None

    def _size(self, found: Found) -> Number | None:
        if found["vulgar"]:
            return int(found["before"] or 0) + Fraction(unicodedata.numeric(found["vulgar"])).limit_denominator(10)
        if found["whole"]:
            return _mixed(int(found["whole"]), int(found["above"]), int(found["below"]))
        size = self._read(found["run"])
        if size is not None:
            if over := found["over"]:
                size = Fraction(size) / below if (below := self._read(over)) else None
            elif ten := found["exponent"] or found["ten"]:
                size = size * Fraction(10) ** int(ten) if _is_small(ten) else None
            elif power := found["power"]:
                size = _power(size, power)
        return size

    def _read(self, run: str) -> Number | None:
        digits = self._last_of(run)
        if digits is None or len(digits) > MAX_DIGITS:
            return None
        whole, _, part = digits.partition(".")
        return Fraction(int(whole + part), 10 ** len(part)) if part else int(whole)

    def _last_of(self, run: str) -> str | None:
        """The digits of `run`, or of its last part where commas without spaces separate several numbers."""
        digits = _digits(run, self.decimal)
        if digits is None and self.decimal != "comma" and "," in run:
            return _digits(run.rpartition(",")[2], self.decimal)
        return digits

    def _unit_stands_with(self, found: Found) -> bool:
        if (scale := found["scale"]) and scale.strip() in self.units:
            return True
        text, start, end = found.string, found.start("digits"), found.end()
        before, after = text[max(0, start - 60) : start].rstrip(" \u00a0-+"), text[end : end + 60].lstrip(_BETWEEN)
        return any(_begins_with(after, unit) or _ends_with(before, unit) for unit in self.units)


def _is_glued(text: str, found: Found) -> bool:
    return _before(text, found.start(), _NOT_OF_A_NUMBER)


def _is_index(text: str, found: Found) -> bool:
    """Whether it can be no number for itself, whatever else there is: `x^2`, `a_1`, `H2O`."""
    inside = text[found.end() : found.end() + 1].isalpha() and text[found.start() - 1 : found.start()].isalpha()
    return inside or _before(text, found.start(), _RAISED)


def _before(text: str, at: int, pattern: re.Pattern[str]) -> bool:
    return at > 0 and pattern.search(text[max(0, at - 5) : at]) is not None


def _is_bound(text: str, found: Found) -> bool:
    start = found.start()
    return start > 0 and text[found.end() : found.end() + 1] != ">" and _before(text, start, _BOUND)


def _is_factor(found: Found) -> bool:
    """Whether it stands under a root, or before one, or below a formula: `2√3` is not 2, nor are `2π` and `π/2`."""
    text, start = found.string, found.start()
    under = text[max(0, start - 6) : start].endswith(("\\sqrt{", "√"))
    return under or _before(text, start, _DIVIDED) or _FACTOR.match(text, found.end()) is not None


def _begins_with(text: str, unit: str) -> bool:
    following = text[len(unit) : len(unit) + 1]
    return text.startswith(unit) and not (unit[-1].isalnum() and (following.isalnum() or following in ("/", "^", "·")))


def _mixed(whole: int, above: int, below: int) -> Number | None:
    """`1 1/2`; what cannot be a mixed number is two, of which the last counts."""
    if below == 0:
        return None
    return Fraction(above, below) + (whole if above < below else 0)


def _power(base: Number, exponent: str) -> Number | None:
    if not _is_small(exponent) or (base == 0 and int(exponent) <= 0):
        return None
    digits = len(str(base))
    return Fraction(base) ** int(exponent) if digits * abs(int(exponent)) <= MAX_DIGITS else None


def _ends_with(text: str, unit: str) -> bool:
    """Whether `unit` stands at the end, and for what follows: in `12 kg 3 times` it belongs to 12."""
    rest = text.removesuffix(unit)
    return rest != text and not (unit[0].isalnum() and rest[-1:].isalnum()) and not rest.rstrip()[-1:].isdecimal()


def _is_small(exponent: str) -> bool:
    return len(exponent) < 7 and abs(int(exponent)) <= MAX_DIGITS


def _digits(run: str, decimal: DecimalMark) -> str | None:
    """`run` as digits with at most one point; None when it is no single number in this notation.

    With `auto`, a mark is what it can only be (`1.234,50`, `3,5`, `1.234.567`); where it can be both, a point is a
    decimal point and a comma separates thousands: `1.234` is a little more than one, `1,234` more than a thousand.
    """
    if run.isdecimal():
        return run
    if found := _ANY_GAP.search(run):
        run = run.replace(found[0], "")
        marks = run.strip("0123456789")
        return run.replace(",", ".") if marks in _decimal_marks(decimal) or not marks else None
    marks = run.translate(_WITHOUT_DIGITS)
    last = marks[-1]
    if marks.count(last) == 1 and len(marks) > 1:  # `1.234,50`
        whole, _, part = run.partition(last)
        return f"{whole.replace(marks[0], '')}.{part}" if _fits(last, decimal) and _grouped(whole, marks[0]) else None
    if len(set(marks)) > 1:
        return None
    if _grouped(run, last) and (len(marks) > 1 or _separates(last, decimal)):
        return run.replace(last, "") if not (decimal != "auto" and _fits(last, decimal)) else None
    return run.replace(last, ".") if len(marks) == 1 and _fits(last, decimal) else None


def _decimal_marks(decimal: DecimalMark) -> str:
    return {"auto": ".,", "point": ".", "comma": ","}[decimal]


def _fits(mark: str, decimal: DecimalMark) -> bool:
    return mark in _decimal_marks(decimal)


def _separates(mark: str, decimal: DecimalMark) -> bool:
    """Whether a single mark that can be both separates thousands."""
    return mark == ("." if decimal == "comma" else ",")


def _grouped(run: str, mark: str) -> bool:
    """Whether `mark` separates thousands in `run`: groups of three, or after the Indian manner of two before three."""
    first, *groups = run.split(mark)
    if not groups or first.startswith("0") or not 1 <= len(first) <= 3 or len(groups[-1]) != 3:
        return False
    sizes = {len(group) for group in groups[:-1]}
    return sizes <= {3} or (mark == "," and sizes == {2} and len(first) <= 2)
