"""Formats, each with what its document allows and what only looks like it."""

from __future__ import annotations

import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.graders.formats import FORMATS, MAX_FORMATTED, has_format

EXAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "date": (["2024-02-29"], ["2023-02-29", "2024-2-9", "20240229", "2024-02-29T00:00:00Z", "２024-02-29", ""]),
    "time": (
        ["08:30:06Z", "23:59:60Z", "08:30:06.283185+02:00", "01:29:60+01:30"],
        ["08:30:06", "24:00:00Z", "12:00:60Z"],
    ),
    "date-time": (
        ["1990-12-31T15:59:60-08:00", "1963-06-19t08:30:06z"],
        ["1990-02-31T15:59:59Z", "2024-01-01 00:00:00Z"],
    ),
    "duration": (["P4Y2M1D", "PT36H", "P2W", "P1DT12H"], ["P", "PT", "P1Y2W", "1D", "P1", "PT1D", "P1DT", "P٢Y"]),
    "email": (
        ["a@example.org", '"a b"@example.org', "a+b@[127.0.0.1]", "a@localhost"],
        ["a", "a@", ".a@b.org", "a..b@c.org", "a@b c", "a@-b.org", "a@[1]"],
    ),
    "idn-email": (["실례@실례.테스트", "a@example.org"], ["2962", "a@"]),
    "hostname": (
        ["example.org", "xn--4gbwdl.xn--wgbh1c", "a-1"],
        ["-a.org", "a_b", "a.", "", "é.org", "a" * 64, "xn--X"],
    ),
    "idn-hostname": (["실례.테스트", "example.org", "faß.de"], ["〮실례.테스트", "-> $1.00", "a·l", ""]),
    "ipv4": (["192.168.0.1"], ["256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4\n", "１.2.3.4"]),
    "ipv6": (["::1", "fe80::1", "::ffff:192.168.0.1"], ["12345::", "fe80::1%eth0", "::1 ", "1::2::3"]),
    "uri": (
        ["https://example.org/a?b=c#d", "urn:isbn:0451450523", "mailto:a@b.org", "http://[::1]:80/"],
        ["/a", "//a", "http://a b", "http://[::1", "http://a/\\b", "é:", "http://é.org", "a:%4"],
    ),
    "uri-reference": (["/a", "a?b", "#c", "", "../a:b"], ["\\a", "#\\b", "1:2"]),
    "iri": (["http://é.org/ö", "https://example.org"], ["/é", "é"]),
    "iri-reference": (["/é", "é", "#ƒ"], ["\\é", "a b"]),
    "uri-template": (["http://a/{b}/{?c*,d:3}", "a"], ["http://a/{b", "{}", "{a b}", "}"]),
    "uuid": (
        ["2EB8AA08-aa98-11ea-b4aa-73b441d16380"],
        [
            "2eb8aa08aa9811eab4aa73b441d16380",
            "{2eb8aa08-aa98-11ea-b4aa-73b441d16380}",
            "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
        ],
    ),
    "json-pointer": (["", "/a/0/~1~0", "/"], ["a", "/~", "/~2", "#/a"]),
    "relative-json-pointer": (["0", "1/a", "10#"], ["-1", "01", "/a", "", "0##"]),
    "regex": (["^a$", r"\p{L}", "(?<n>a)"], ["(", r"\Z", "(?i)a", "a++", "a" * 20_000]),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_what_its_document_says(name: str) -> None:
    fitting, others = EXAMPLES[name]
    assert [text for text in fitting if not has_format(name, text)] == []
    assert [text for text in others if has_format(name, text)] == []


@given(st.datetimes(timezones=st.timezones()), st.uuids(), st.ip_addresses(v=4), st.ip_addresses(v=6), st.emails())
def test_what_python_writes_in_a_format_has_it(
    when: object, unique: uuid.UUID, four: object, six: object, mail: str
) -> None:
    moment = when.isoformat(timespec="seconds")[:19] + "Z"  # type: ignore[attr-defined]
    named = {"date-time": moment, "date": moment[:10], "uuid": unique, "ipv4": four, "ipv6": six, "email": mail}
    assert [name for name, text in named.items() if not has_format(name, str(text))] == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_long_text_is_held_against_a_format_in_time_linear_in_it(name: str) -> None:
    started = time.process_time()
    for piece in (
        "a",
        "1",
        ".",
        "a.",
        "a@",
        "/",
        "a:",
        "[",
        "{a}",
        "~0",
        "é.",
        "%41",
        "(",
        "[::",
        "-",
        "P1Y",
        "xn--a.",
    ):
        has_format(name, piece * (MAX_FORMATTED // len(piece)))
        has_format(name, "http://" + piece * ((MAX_FORMATTED - 8) // len(piece)) + "\n")
    assert time.process_time() - started < 20


def test_a_text_that_is_longer_than_any_format_has_none() -> None:
    assert has_format("uri", "a:" + "b" * (MAX_FORMATTED - 2))
    assert not has_format("uri", "a:" + "b" * (MAX_FORMATTED - 1))
