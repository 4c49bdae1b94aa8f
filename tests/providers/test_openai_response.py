"""Whatever a server sends as JSON is an answer, or a failed attempt; nothing else comes of it."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.canonical import canonical
from evalgate.exchange import Answer
from evalgate.providers import AttemptFailed
from evalgate.providers.openai import parse_response
from tests.conftest import JSON

DEEP = orjson.loads("[" * 900 + "]" * 900)
CHOICE = st.fixed_dictionaries(
    {},
    optional={
        "text": JSON,
        "message": JSON | st.fixed_dictionaries({"content": JSON | st.lists(st.fixed_dictionaries({"text": JSON}))}),
        "finish_reason": JSON,
        "logprobs": JSON | st.fixed_dictionaries({"content": JSON}) | st.fixed_dictionaries({"token_logprobs": JSON}),
    },
)
BODY = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE | JSON, max_size=2)},
    optional={
        "usage": JSON | st.fixed_dictionaries({"prompt_tokens": JSON, "completion_tokens": JSON}),
        "system_fingerprint": JSON,
    },
)


@given(JSON | BODY)
@example({"choices": [{"text": "a", "finish_reason": {}}]})
@example({"choices": [{"text": "a", "finish_reason": []}]})
@example({"choices": [{"text": "a"}], "usage": {"prompt_tokens": 2**63, "completion_tokens": -1}})
def test_any_json_is_an_answer_that_can_be_stored_or_a_failed_attempt(body: object) -> None:
    try:
        answer = parse_response(body, 1.0)
    except AttemptFailed:
        return
    canonical(answer)
    assert not answer.failed
    assert 0 <= answer.input_tokens < 2**31
    assert 0 <= answer.output_tokens < 2**31


def test_what_is_nested_deeper_than_can_be_stored_is_left_out_or_fails_the_attempt() -> None:
    for choice in ({"text": "a"}, {"message": {"content": [{"text": DEEP}, {"text": "a"}]}}):
        assert parse_response({"choices": [choice], "system_fingerprint": DEEP}, 1.0).text == "a"
    with pytest.raises(AttemptFailed, match="nested too deeply"):
        parse_response({"choices": [{"message": {"content": "a", "tool_calls": DEEP}}]}, 1.0)


def test_a_completion() -> None:
    body = {
        "choices": [{"text": " 42", "finish_reason": "length", "logprobs": {"token_logprobs": [-0.5, -1]}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2},
        "system_fingerprint": "fp",
    }
    details = {"system_fingerprint": "fp", "first_logprob": -0.5}
    assert parse_response(body, 12.5) == Answer(" 42", "length", 7, 2, 12.5, details=details)


def test_a_chat_completion() -> None:
    choice = {
        "message": {"content": "hi", "tool_calls": [{"id": "1"}]},
        "finish_reason": "tool_calls",
        "logprobs": {"content": [{"logprob": -2}]},
    }
    details = {"tool_calls": [{"id": "1"}], "first_logprob": -2.0}
    assert parse_response({"choices": [choice]}, 1.0) == Answer("hi", "tool_calls", latency_ms=1.0, details=details)


def test_content_parts_are_joined_and_others_left_out() -> None:
    parts = [{"text": "a"}, {"type": "image"}, "x", {"text": {"value": "y"}}, {"text": "b"}]
    assert parse_response({"choices": [{"message": {"content": parts}}]}, 1.0).text == "ab"


def test_an_answer_without_content_is_an_empty_text() -> None:
    assert parse_response({"choices": [{"message": {"content": None}}]}, 1.0).text == ""


@pytest.mark.parametrize("said", ["eos", None, 1, ["stop"]])
def test_a_finish_reason_that_nobody_knows_is_unknown(said: object) -> None:
    assert parse_response({"choices": [{"text": "a", "finish_reason": said}]}, 1.0).finish_reason == "unknown"


@pytest.mark.parametrize("count", [-1, 1.5, "7", True, None, 10**12])
def test_a_token_count_that_is_nonsense_is_not_paid(count: object) -> None:
    body = {"choices": [{"text": "a"}], "usage": {"prompt_tokens": count, "completion_tokens": count}}
    answer = parse_response(body, 1.0)
    assert (answer.input_tokens, answer.output_tokens) == (0, 0)


@pytest.mark.parametrize("body", [{}, [], None, "text", {"choices": []}, {"choices": ["a"]}, {"choices": {"0": 1}}])
def test_a_body_without_choices_is_a_failed_attempt(body: object) -> None:
    with pytest.raises(AttemptFailed, match="no choices"):
        parse_response(body, 1.0)
