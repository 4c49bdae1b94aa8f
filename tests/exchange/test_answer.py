"""What sort of answer it is: an empty one, whatever made it empty, is never taken for a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import Answer

CALL = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
KINDS = [
    (Answer("42", "stop"), "text"),
    (Answer("4", "length"), "text"),
    (Answer("", "unknown"), "empty"),
    (Answer(" \n\t\u3000", "stop"), "empty"),
    (Answer("\u200b \ufeff\u2060\x00", "stop"), "empty"),
    (Answer("", "stop", details={"reasoning": "hm"}), "empty"),
    (Answer("", "length"), "empty"),
    (Answer("", "length", details={"reasoning": "hm"}), "cut_in_reasoning"),
    (Answer("", "length", details={"reasoning_tokens": 7}), "cut_in_reasoning"),
    (Answer("<think>hm", "length"), "cut_in_reasoning"),
    (Answer("<think>hm</think> ", "stop"), "empty"),
    (Answer("<think>hm</think> 42", "stop"), "text"),
    (Answer("", "tool_calls", details={"tool_calls": CALL}), "tool_calls"),
    (Answer(" ", "stop", details={"tool_calls": CALL}), "tool_calls"),
    (Answer("I look it up.", "tool_calls", details={"tool_calls": CALL}), "text"),
    (Answer("", "stop", details={"refusal": "I cannot."}), "refused"),
    (Answer("", "refused", error="HTTP 400: no"), "refused"),
    (Answer("", "content_filter", error="HTTP 400: filtered"), "filtered"),
    (Answer("half of", "content_filter"), "filtered"),
    (Answer("", "error", error="HTTP 500 (6 attempts)"), "failed"),
]


@pytest.mark.parametrize(("answer", "kind"), KINDS)
def test_the_kind_of_an_answer(answer: Answer, kind: str) -> None:
    assert answer.kind == kind


@given(st.text(max_size=40))
def test_a_text_that_shows_anything_is_a_text(text: str) -> None:
    assert Answer(f"a{text}", "stop").kind == "text"


def test_a_long_answer_of_nothing_is_found_out_at_once() -> None:
    assert Answer("\u200b " * 1_000_000, "stop").kind == "empty"
