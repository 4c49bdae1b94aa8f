"""The formats of JSON Schema that can be checked, each after the document that defines it.

Answers are hostile, so every grammar here is read in time linear in the text, and a text of more than `MAX_FORMATTED`
characters has no format. International host names need tables, which `idna` brings; whoever meets one first imports it.
A format that is missing here is refused when a suite is loaded: asserted and never checked, it would be a lie.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
import unicodedata
from collections.abc import Callable

from evalgate.graders.ecma import PatternError, translate

MAX_FORMATTED = 100_000
_MAX_HOSTNAME, _MAX_LOCAL, _MAX_REGEX = 253, 64, 10_000


def _is(*grammars: str) -> Callable[[str], bool]:
    pattern = re.compile("".join(grammars))
    return lambda text: pattern.fullmatch(text) is not None


_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")


def _date(text: str) -> bool:
    """RFC 3339 full-date, of a day that there is."""
    if (match := _DATE.fullmatch(text)) is None:
        return False
    try:
        datetime.date(*map(int, match.groups()))
    except ValueError:
        return False
    return True


def _time(text: str) -> bool:
    """RFC 3339 full-time; a leap second only where there may be one, at the end of a day in UTC."""
    if (match := _TIME.fullmatch(text)) is None:
        return False
    hour, minute, second = (int(match[n]) for n in (1, 2, 3))
    sign, away_hours, away_minutes = match[4], int(match[5] or 0), int(match[6] or 0)
    if hour > 23 or minute > 59 or second > 60 or away_hours > 23 or away_minutes > 59:
        return False
    away = (away_hours * 60 + away_minutes) * (-1 if sign == "-" else 1)
    return second < 60 or (hour * 60 + minute - away) % 1440 == 1439


def _date_time(text: str) -> bool:
    """RFC 3339 date-time."""
    return text[10:11] in ("T", "t") and _date(text[:10]) and _time(text[11:])


_CLOCK = r"T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
_DAYS = r"(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)"
_duration = _is(f"P(?:[0-9]+W|{_DAYS}(?:{_CLOCK})?|{_CLOCK})")  # RFC 3339 appendix A

_uuid = _is("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")  # RFC 4122
_POINTER = "(?:/(?:[^~/]|~[01])*)*"
_json_pointer = _is(_POINTER)  # RFC 6901
_relative_json_pointer = _is(f"(?:0|[1-9][0-9]*)(?:#|{_POINTER})")


def _ipv4(text: str) -> bool:
    """RFC 2673 §3.2: four decimal numbers, without leading zeros."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _ipv6(text: str) -> bool:
    """RFC 4291 §2.2, without a zone."""
    try:
        return "%" not in text and bool(ipaddress.IPv6Address(text).packed)
    except ValueError:
        return False


_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # what IDNA takes for a dot (RFC 3490 §3.1)


def _hostname(text: str) -> bool:
    """RFC 1123 §2.1; of a label in Punycode, what it stands for too (RFC 5891)."""
    return len(text) <= _MAX_HOSTNAME and all(map(_is_label, text.split(".")))


def _is_label(label: str) -> bool:
    if _LABEL.fullmatch(label) is None:
        return False
    return label[2:4] != "--" or (label[:4].lower() == "xn--" and _is_international(label))


def _idn_hostname(text: str) -> bool:
    """RFC 5890 §2.3.2.3, each label in ASCII or in its own script."""
    if len(text) > _MAX_HOSTNAME:
        return False
    labels = _DOTS.split(text)
    encoded = [label if label.isascii() else _punycode(label) for label in labels]
    return _hostname(".".join(encoded)) and (text.isascii() or _in_order(labels))


def _punycode(label: str) -> str:
    """The label in ASCII; nothing, which is no label, where there is no such thing."""
    import idna

    try:
        return idna.alabel(label).decode()
    except (idna.IDNAError, UnicodeError):
        return ""


def _in_order(labels: list[str]) -> bool:
    """RFC 5893: where one label is written from right to left, the others have to keep to its rule as well."""
    import idna

    if not any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in "".join(labels)):
        return True
    try:
        return all(idna.check_bidi(label, check_ltr=True) for label in labels)
    except idna.IDNAError:
        return False


def _is_international(label: str) -> bool:
    import idna

    try:
        idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return False
    return True


def _local_part(more: str) -> Callable[[str], bool]:
    atom = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{more}-]+"
    return _is(rf'(?:{atom}(?:\.{atom})*|"(?:[ !#-\[\]-~{more}]|\\[ -~])*")')


_ascii_local, _any_local = _local_part(""), _local_part("\x80-\U0010ffff")


def _email(text: str, local: Callable[[str], bool] = _ascii_local, host: Callable[[str], bool] = _hostname) -> bool:
    """RFC 5321 §4.1.2 Mailbox: a dotted or quoted name, and a host or an address in brackets."""
    name, at, domain = text.rpartition("@")
    if not at or len(name.encode("utf-8", "surrogatepass")) > _MAX_LOCAL or not local(name):
        return False
    if domain.startswith("[") and domain.endswith("]"):
        literal = domain[1:-1]
        return _ipv6(literal[5:]) if literal[:5].lower() == "ipv6:" else _ipv4(literal)
    return host(domain)


def _idn_email(text: str) -> bool:
    """RFC 6531: as `email`, in any script."""
    return _email(unicodedata.normalize("NFC", text), _any_local, _idn_hostname)


# RFC 3987 §2.2: the characters beyond ASCII, and those for private use that a query may have
_BEYOND = "\xa0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef" + "".join(
    f"{chr((plane << 16) + (0x1000 if plane == 14 else 0))}-{chr((plane << 16) + 0xFFFD)}" for plane in range(1, 15)
)
_PRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"


def _resource(beyond: str = "", private: str = "", *, relative: bool = False) -> Callable[[str], bool]:
    """RFC 3986 appendix A, whose every alternative can be told by its next character."""
    plain, escape = rf"A-Za-z0-9\-._~!$&'()*+,;={beyond}", "%[0-9A-Fa-f]{2}"
    character = rf"(?:[{plain}:@]|{escape})"
    segment_without_colon = rf"(?:[{plain}@]|{escape})+"
    host = rf"(?:\[(?P<address>[^\]/?#@]*)\]|(?:[{plain}]|{escape})*)"
    authority = rf"(?:(?:[{plain}:]|{escape})*@)?{host}(?::[0-9]*)?"
    path = rf"(?:/{character}*)*"
    hierarchy = rf"(?://{authority}{path}|/(?!/){character}*{path}|{{first}}{path}|)"
    rest = rf"(?:\?(?:{character}|[/?{private}])*)?(?:#(?:{character}|[/?])*)?"
    scheme = r"[A-Za-z][A-Za-z0-9+.\-]*:"
    absolute = re.compile(scheme + hierarchy.replace("{first}", f"{character}+") + rest)
    without_scheme = re.compile(hierarchy.replace("{first}", segment_without_colon) + rest)

    def is_one(text: str) -> bool:
        match = absolute.fullmatch(text) or (without_scheme.fullmatch(text) if relative else None)
        return match is not None and (match["address"] is None or _address(match["address"]))

    return is_one


_future_address = _is(r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+")


def _address(text: str) -> bool:
    """What may stand between brackets in an authority."""
    return _ipv6(text) or _future_address(text)


# RFC 6570 §2
_VARIABLE = r"(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})(?:\.?(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2}))*(?::[1-9][0-9]{0,3}|\*)?"
_uri_template = _is(
    rf"(?:[!#$&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~{_BEYOND}{_PRIVATE}]|%[0-9A-Fa-f]{{2}}",
    rf"|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*",
)


def _regex(text: str) -> bool:
    """ECMA-262, as `pattern` reads it."""
    if len(text) > _MAX_REGEX:
        return False
    try:
        translate(text)
    except PatternError:
        return False
    return True


FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _date,
    "date-time": _date_time,
    "duration": _duration,
    "email": _email,
    "hostname": _hostname,
    "idn-email": _idn_email,
    "idn-hostname": _idn_hostname,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "iri": _resource(_BEYOND, _PRIVATE),
    "iri-reference": _resource(_BEYOND, _PRIVATE, relative=True),
    "json-pointer": _json_pointer,
    "regex": _regex,
    "relative-json-pointer": _relative_json_pointer,
    "time": _time,
    "uri": _resource(),
    "uri-reference": _resource(relative=True),
    "uri-template": _uri_template,
    "uuid": _uuid,
}


def has_format(name: str, text: str) -> bool:
    """Whether `text` has the format called `name`, one of `FORMATS`."""
    return len(text) <= MAX_FORMATTED and FORMATS[name](text)
