"""Personal data in a text, by its form: patterns, check digits, and the numbering plans of all countries."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, get_args

Kind = Literal["email", "phone", "credit_card", "iban", "us_ssn", "ip"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MAX_LOOKED_AT = 20_000  # characters

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+%-]{1,64}+@(?:[\w-]{1,63}+\.){1,8}[A-Za-z]{2,24}\b")
_DIGITS = re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){11,18}(?![\d-])", re.ASCII)
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Z0-9])", re.ASCII)
_SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])", re.ASCII)
_IP = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]{3,39}:[0-9A-Fa-f:.]{0,39})(?![\w:]|\.\d)", re.ASCII
)
_IBAN_LEAST = 15


def found_in(text: str, kinds: Sequence[Kind], region: str) -> Iterator[str]:
    """Every find, as it is written; a text that is too long is one as a whole."""
    if len(text) > MAX_LOOKED_AT:
        yield text
        return
    for kind in kinds:
        if kind == "phone":
            yield from _phones(text, region)
        else:
            yield from _FINDERS[kind](text)


def _emails(text: str) -> Iterator[str]:
    return (found[0] for found in _EMAIL.finditer(text))


def _phones(text: str, region: str) -> Iterator[str]:
    if not re.search(r"\d[\d\s().\-/–]{4,}\d", text):
        return
    import phonenumbers

    for found in phonenumbers.PhoneNumberMatcher(text, region, max_tries=500):
        yield found.raw_string


def _credit_cards(text: str) -> Iterator[str]:
    for found in _DIGITS.finditer(text):
        digits = [int(digit) for digit in found[0] if digit.isdigit()]
        if digits[0] in (2, 3, 4, 5, 6) and len(set(digits)) > 1 and _luhn(digits):
            yield found[0]


def _luhn(digits: Sequence[int]) -> bool:
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _ibans(text: str) -> Iterator[str]:
    for found in _IBAN.finditer(text):
        for end in range(len(found[0]), _IBAN_LEAST - 1, -1):  # words in capitals may follow it
            written = found[0][:end]
            compact = written.replace(" ", "")
            rest = found[0][end : end + 1]
            if len(compact) >= _IBAN_LEAST and rest in ("", " ") and _mod97(compact):
                yield written
                break


def _mod97(iban: str) -> bool:
    return int("".join(str(int(each, 36)) for each in iban[4:] + iban[:4])) % 97 == 1


def _ssns(text: str) -> Iterator[str]:
    return (found[0] for found in _SSN.finditer(text))


def _addresses(text: str) -> Iterator[str]:
    for found in _IP.finditer(text):
        try:
            address = ipaddress.ip_address(found[0].rstrip("."))
        except ValueError:
            continue
        if address.is_global:
            yield found[0]


_FINDERS: Mapping[Kind, Callable[[str], Iterator[str]]] = {
    "email": _emails,
    "credit_card": _credit_cards,
    "iban": _ibans,
    "us_ssn": _ssns,
    "ip": _addresses,
}
