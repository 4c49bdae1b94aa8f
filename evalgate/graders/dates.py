"""A day, however it is written, for targets that are dates. Nothing is guessed: what could be two days is none.

    as_text      dates are texts like all others (the default)
    any          2024-01-31, 20240131, 31 January 2024, January 31st, 2024, 31.01.2024, 1/31/2024: where only one
                 reading is a day that there is; 01/02/2024 is none
    day_first    the same, and 01/02/2024 is 1 February
    month_first  the same, and 01/02/2024 is 2 January; 31.01.2024 with dots is always the day first

Only days: what has a time of day is none, for a day and a moment are not the same. Months are named in English. Years
have four digits.
"""

from __future__ import annotations

import datetime
import re
from typing import Literal

DateForm = Literal["as_text", "any", "day_first", "month_first"]

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{4})/(\d{1,2})/(\d{1,2})|(\d{4})(\d\d)(\d\d)", re.ASCII)
_NUMBERS = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", re.ASCII)
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?(?: of)?[ -]([A-Za-z]{3,9})\.?,?[ -](\d{4})", re.ASCII)
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})", re.ASCII)
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? ", re.IGNORECASE)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NUMBER_OF = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}
_NUMBER_OF |= {name: number for number, name in enumerate(_MONTHS, 1)} | {"sept": 9}
MAX_LENGTH = 60  # characters; no date is longer


def day(text: str, form: DateForm) -> datetime.date | None:
    """The day that `text` names and nothing else; None when it is none, or could be two."""
    if len(text) > MAX_LENGTH:
        return None
    text = _WEEKDAY.sub("", " ".join(text.split()), count=1)
    if found := _ISO.fullmatch(text):
        year, month, number = (part for part in found.groups() if part is not None)
        return _date(year, int(month), number)
    if found := _DAY_MONTH.fullmatch(text):
        return _date(found[3], _NUMBER_OF.get(found[2].lower(), 0), found[1])
    if found := _MONTH_DAY.fullmatch(text):
        return _date(found[3], _NUMBER_OF.get(found[1].lower(), 0), found[2])
    found = _NUMBERS.fullmatch(text)
    return None if found is None else _of_numbers(found, form)


def _of_numbers(found: re.Match[str], form: DateForm) -> datetime.date | None:
    one, mark, other, year = found.groups()
    day_first, month_first = _date(year, int(other), one), _date(year, int(one), other)
    if mark == "." or form == "day_first":
        return day_first
    if form == "month_first":
        return month_first
    if day_first and month_first and day_first != month_first:
        return None
    return day_first or month_first


def _date(year: str, month: int, number: str) -> datetime.date | None:
    try:
        return datetime.date(int(year), month, int(number))
    except ValueError:
        return None
