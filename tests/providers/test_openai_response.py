"""Whatever a server sends as JSON is an answer, or a failed attempt; nothing else comes of it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.exchange import Answer, Message, Request
from evalgate.formats.canonical import canonical
from evalgate.providers import AttemptFailed
from evalgate.providers.openai import build, parse_response
from tests.conftest import JSON, catalog

DEEP = orjson.loads("[" * 900 + "]" * 900)
TOKEN = st.fixed_dictionaries(
    {"token": st.text(max_size=3), "logprob": st.floats(-9, 0)}, optional={"top_logprobs": JSON}
)
CHOICE = st.fixed_dictionaries(
    {},
    optional={
        "text": JSON,
        "message": JSON
        | st.fixed_dictionaries({"content": JSON | st.lists(st.fixed_dictionaries({"text": JSON})), "refusal": JSON}),
        "finish_reason": JSON | st.just("content_filter"),
        "index": JSON,
        "logprobs": JSON
        | st.fixed_dictionaries({"content": JSON | st.lists(TOKEN | JSON, max_size=2)})
        | st.fixed_dictionaries(
            {"token_logprobs": JSON | st.lists(JSON)},
            optional={"tokens": JSON | st.lists(JSON), "top_logprobs": JSON | st.lists(JSON)},
        ),
    },
)
BODY = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE | JSON, max_size=2)},
    optional={
        "usage": JSON
        | st.fixed_dictionaries(
            {"prompt_tokens": JSON, "completion_tokens": JSON},
            optional={"completion_tokens_details": JSON | st.fixed_dictionaries({"reasoning_tokens": JSON})},
        ),
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
    assert answer.failed == (answer.kind == "filtered" and not answer.text)
    assert answer.input_tokens is None or 0 < answer.input_tokens < 2**31
    assert answer.output_tokens is None or 0 <= answer.output_tokens < 2**31


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


def test_what_only_some_readers_want_is_kept() -> None:
    choice = {"message": {"content": None, "refusal": "I'm sorry, I cannot assist.", "reasoning_content": "hm"}}
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    refusal = "I'm sorry, I cannot assist."
    details = {"refusal": refusal, "reasoning": "hm", "reasoning_tokens": 7, "cached_tokens": 5}
    answer = parse_response({"choices": [choice], "usage": usage}, 1.0)
    assert answer == Answer("", "unknown", 9, 8, 1.0, details=details)


def test_log_probabilities_are_kept_in_one_shape() -> None:
    tops = [{"token": "Hi", "logprob": -0.1, "bytes": [72]}, {"token": "Ho", "logprob": -3, "bytes": None}]
    chat = {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72], "top_logprobs": tops}, {"token": "!"}]}
    plain = {"tokens": ["Hi"], "token_logprobs": [-0.1], "top_logprobs": [{"Hi": -0.1, "Ho": -3}], "text_offset": [0]}
    kept = {
        "token": "Hi",
        "logprob": -0.1,
        "top_logprobs": [{"token": "Hi", "logprob": -0.1}, {"token": "Ho", "logprob": -3}],
    }
    for choice in ({"message": {"content": "Hi!"}, "logprobs": chat}, {"text": "Hi!", "logprobs": plain}):
        answer = parse_response({"choices": [choice]}, 1.0)
        assert answer.details == {"first_logprob": -0.1, "logprobs": [kept]}


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"logprobs": True}, {"logprobs": 1}),
        ({"logprobs": True, "top_logprobs": 5}, {"logprobs": 5}),
        ({"logprobs": False}, {}),
    ],
)
def test_completions_have_older_names_for_the_same(
    tmp_path: Path, asked: dict[str, object], sent: dict[str, object]
) -> None:
    endpoint = catalog(tmp_path).endpoints("toy")["full"]
    assert build(endpoint, Request("hi", asked))[1] == {"model": "toy", "prompt": "hi", **sent}
    assert build(endpoint, Request((Message("user", "hi"),), asked))[1].items() >= asked.items()


def test_content_parts_are_joined_and_others_left_out() -> None:
    parts = [{"text": "a"}, {"type": "image"}, "x", {"text": {"value": "y"}}, {"text": "b"}]
    assert parse_response({"choices": [{"message": {"content": parts}}]}, 1.0).text == "ab"


def test_an_answer_without_content_is_an_empty_text() -> None:
    assert parse_response({"choices": [{"message": {"content": None}}]}, 1.0).text == ""


@pytest.mark.parametrize("said", ["eos", None, 1, ["stop"]])
def test_a_finish_reason_that_nobody_knows_is_unknown(said: object) -> None:
    assert parse_response({"choices": [{"text": "a", "finish_reason": said}]}, 1.0).finish_reason == "unknown"


@pytest.mark.parametrize("count", [-1, 0, 1.5, "7", True, None, 10**12, [], {}])
def test_a_token_count_that_is_nonsense_is_unknown(count: object) -> None:
    body = {"choices": [{"text": "a"}], "usage": {"prompt_tokens": count, "completion_tokens": count}}
    answer = parse_response(body, 1.0)
    assert (answer.input_tokens, answer.output_tokens) == (None, None)


@pytest.mark.parametrize("body", [{}, [], None, "text", {"choices": []}, {"choices": ["a"]}, {"choices": {"0": 1}}])
def test_a_body_without_choices_is_a_failed_attempt(body: object) -> None:
    with pytest.raises(AttemptFailed, match="no choices"):
        parse_response(body, 1.0)
