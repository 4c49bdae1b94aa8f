"""Numbers keep the text they were written in, and are numbers all the same."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import JsonValue
from evalgate.formats.canonical import canonical, digest
from evalgate.formats.written import WrittenFloat, WrittenInt, as_json, integer, real
from tests.conftest import JSON

DIGITS = st.text("0123456789", min_size=1, max_size=30)
WHOLE = st.builds(lambda sign, digits: sign + (digits.lstrip("0") or "0"), st.sampled_from(["", "-"]), DIGITS)
EXPONENT = st.sampled_from(["", "e5", "E5", "e+05", "e-7", "e-07"])
DECIMAL = st.builds(lambda whole, digits, exponent: f"{whole}.{digits}{exponent}", WHOLE, DIGITS, EXPONENT)
OTHER_THAN_JSON = ["+5", ".5", "-.5", "+.5", "5.", "5.e3", "+5.0"]


def number(text: str) -> int | float:
    return integer(text) if text.lstrip("+-").isdigit() else real(text)


@given(WHOLE | DECIMAL)
def test_a_number_has_the_text_and_the_value_that_were_written(text: str) -> None:
    value = number(text)
    assert str(value) == text
    assert Decimal(str(value)) == Decimal(text)
    assert value == (int(text) if isinstance(value, int) else float(text))


@given(st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_what_json_writes_itself_is_a_plain_number_unless_it_has_an_exponent(value: float) -> None:
    text = repr(value)
    assert type(number(text)) in ((int, float) if "e" not in text else (WrittenFloat,))


@given(WHOLE | DECIMAL, WHOLE | DECIMAL)
def test_numbers_have_one_hash_when_they_have_one_text(one: str, other: str) -> None:
    assert (digest([number(one)]) == digest([number(other)])) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"), [("3.10", "3.1"), ("5", "5.0"), ("+5", "5"), (".5", "0.5"), ("5.", "5.0"), ("1e-7", "1e-07")]
)
def test_one_value_in_two_texts_has_two_hashes(one: str, other: str) -> None:
    assert digest({"a": [number(one)]}) != digest({"a": [number(other)]})


@given(WHOLE | DECIMAL)
def test_json_has_the_number_as_it_was_written(text: str) -> None:
    assert canonical({"a": [number(text)]}).decode() == '{"a":[' + text + "]}" or type(number(text)) is float
    assert as_json({"a": [number(text)]}) == '{"a": [' + text + "]}"


@pytest.mark.parametrize("text", OTHER_THAN_JSON)
def test_what_json_writes_in_another_way_is_json_nevertheless(text: str) -> None:
    for encoded in (canonical([number(text)]), as_json([number(text)])):
        assert orjson.loads(encoded) == [float(text)]


@given(JSON, st.sampled_from([None, 0, 2]))
def test_json_of_other_values_is_that_of_the_standard_library(value: JsonValue, indent: int | None) -> None:
    assert as_json(value, indent) == json.dumps(value, ensure_ascii=False, indent=indent)


@given(JSON, st.sampled_from([None, 0, 2]))
def test_json_with_a_written_number_is_laid_out_like_any_other(value: JsonValue, indent: int | None) -> None:
    expected = json.dumps({"é": value, "n": 8.25, "1": []}, ensure_ascii=False, indent=indent)
    assert as_json({"é": value, "n": real("8.2500"), 1: []}, indent) == expected.replace("8.25", "8.2500")


def test_a_copy_keeps_the_text() -> None:
    for value in (WrittenInt("+5"), WrittenFloat("3.10")):
        assert str(copy.deepcopy(value)) == str(pickle.loads(pickle.dumps(value))) == value.text


@pytest.mark.parametrize("text", ["9" * 1001, "0." + "1" * 1000, "1e999", "-1e400"])
def test_what_nobody_can_count_with_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="as a text, put it in quotes"):
        number(text)
