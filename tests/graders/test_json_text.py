"""JSON out of an answer: where it may stand, what its numbers are, and what is refused."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import JsonValue
from evalgate.graders.json_text import MAX_DEPTH, MAX_JSON, MISSING, Extract, parse_json
from tests.conftest import JSON

ADA = '{"name": "Ada"}'


@pytest.mark.parametrize(
    "text",
    [
        ADA,
        f"\ufeff {ADA}\n",
        f"```json\n{ADA}\n```",
        f"```json\r\n{ADA}\r\n```\r\n",
        f" ```\n{ADA}``` ",
        f"```JSON\n{ADA}\n```",
        f"```javascript\n{ADA}\n```",
        f'```json title="order.json"\n{ADA}\n```',
        f"````json\n{ADA}\n````",
        f"~~~\n{ADA}\n~~~",
        f"Here it is:\n```json\n{ADA}\n```\nAnything else?",
        f"Here it is: ```json\n{ADA}\n``` Anything else?",
        f"Here it is: ```{ADA}```",
        f"1. The order\n   ```json\n   {ADA}\n   ```",
        f"- ```json\n  {ADA}\n  ```",
        f"Without an end:\n```json\n{ADA}",
        f"\ufeff```json\n{ADA}\n```\u200b",
        f"```json\n\ufeff{ADA}\n```",
        f"I use ``` for code.\n```json\n{ADA}\n```",
    ],
)
def test_json_alone_or_in_a_fence_is_found(text: str) -> None:
    assert parse_json(text) == {"name": "Ada"}


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n[1]\n```\nNo, better:\n```json\n{ADA}\n```",
        f"```\n[1]\n```\nNo, better:\n~~~\n{ADA}\n~~~",
        f"```json\n{ADA}\n```\nTo read it:\n```python\njson.loads(text)\n```",
        f"```\n[1]\n```\n```json\n{ADA}\n```\n```\n[2]\n```",
        f"```json\n{ADA}\n```\n```\n```",
    ],
)
def test_of_several_fences_the_last_that_says_json_counts_else_the_last(text: str) -> None:
    assert parse_json(text) == {"name": "Ada"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        f"Here: {ADA}",
        f"{ADA} {ADA}",
        f"`{ADA}`",
        '{"name": "Ada"',
        "{'name': 'Ada'}",
        '{"name": "Ada",}',
        "NaN",
        "[Infinity, -Infinity]",
        "01",
        "1_000",
        "1e99999999999999999999",
        f"```json\n{ADA}\n{ADA}\n```",
        '```json\n{"name": "Ada"\n```',
        f'```json\n{ADA}\n```\n```json\n{{"name": ',
        "```json\n```",
    ],
)
def test_anything_else_is_no_json(text: str) -> None:
    assert parse_json(text) is MISSING


def test_only_the_whole_answer_is_json_when_the_suite_is_strict() -> None:
    assert parse_json(f"\ufeff{ADA}\n", extract="strict") == {"name": "Ada"}
    assert parse_json(f"```json\n{ADA}\n```", extract="strict") is MISSING


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"The order is {ADA}.", {"name": "Ada"}),
        (f"The set {{1, 2}}, as in [1], gives {ADA} [2].", {"name": "Ada"}),
        (f"First [1], then [2, {ADA}].", [2, {"name": "Ada"}]),
        (f'Cut off: {{"order": {ADA}', MISSING),
        (f"In a fence: {ADA}\n```\nnone\n```", MISSING),
    ],
)
def test_json_is_found_in_prose_when_the_suite_says_anywhere(text: str, value: object) -> None:
    assert parse_json(text, extract="anywhere") == value


def test_the_last_of_equal_keys_counts_or_the_answer_is_no_json() -> None:
    text = '{"a": [{"b": 1, "b": 2}]}'
    assert parse_json(text) == {"a": [{"b": 2}]}
    assert parse_json(text, duplicate_keys="error") is MISSING
    assert parse_json('{"a": {"b": 1}, "b": 1}', duplicate_keys="error") == {"a": {"b": 1}, "b": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9007199254740993", 9007199254740993),
        ("9" * 100_000, Decimal("9" * 100_000)),
        ("0.1000000000000000055", Decimal("0.1000000000000000055")),
        ("1e999999999", Decimal("1e999999999")),
        ("-0.0", Decimal("-0.0")),
    ],
)
def test_a_number_is_what_was_written(text: str, value: object) -> None:
    found = parse_json(text)
    assert found == value
    assert type(found) is type(value)


@given(JSON)
def test_what_was_written_as_json_is_read_back(value: JsonValue) -> None:
    assert json.dumps(parse_json(json.dumps(value)), default=float) == json.dumps(value)


@given(JSON, st.sampled_from(["```", "````", "~~~"]), st.sampled_from(["", "json"]), st.text("abc .,\n", max_size=20))
def test_a_fence_and_prose_around_it_change_nothing(value: JsonValue, fence: str, label: str, prose: str) -> None:
    text = json.dumps(value)
    assert parse_json(f"{prose}\n{fence}{label}\n{text}\n{fence}\n{prose}") == parse_json(text)


def test_what_is_too_deep_or_too_long_is_no_json() -> None:
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not MISSING
    assert parse_json("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) is MISSING
    assert parse_json("[1]".ljust(MAX_JSON + 1)) is MISSING


HOSTILE = [
    "[", "{", "[]", "[],", '{"a":', "{[", "[[],", "{'", "`", "``` ", "```\n", "```{", "```[\n", "```\n1\n", "```json\n",
    "~", "~~~json {", '"', '"\\', " ", "\n", "> ", "9", "1e9", "[x] ", "\ufeff", '```\n{"',
]  # fmt: skip


@pytest.mark.parametrize("extract", ["strict", "fenced", "anywhere"])
def test_a_megabyte_of_anything_is_read_in_time_linear_in_it(extract: Extract) -> None:
    started = time.process_time()
    for piece in HOSTILE:
        parse_json(piece * (MAX_JSON // len(piece)), extract=extract)
    assert time.process_time() - started < 30  # seconds for 27 MB; one that takes the square takes minutes alone
