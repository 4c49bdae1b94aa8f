"""Tokens that nobody counted: an estimate, from what was counted of the same model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import Answer, Message, Request
from evalgate.exchange.tokens import TokenEstimates

ASKED = Request((Message("user", "x" * 60), Message("system", "y" * 40)), {})


def test_what_was_counted_is_not_estimated() -> None:
    assert TokenEstimates().tokens(ASKED, Answer("a", "stop", 7, 0)) == (7, 0)


def test_without_anything_learnt_a_token_has_four_bytes() -> None:
    assert TokenEstimates().tokens(ASKED, Answer("€" * 4, "stop")) == (25, 3)


def test_what_was_counted_teaches_bytes_per_token() -> None:
    estimates = TokenEstimates()
    estimates.learn(ASKED, Answer("x" * 100, "stop", 10, 50))
    assert estimates.tokens(ASKED, Answer("x" * 10, "stop")) == (10, 5)
    assert estimates.tokens(None, Answer("x" * 10, "stop")) == (10, 5)


def test_reasoning_and_calls_of_tools_are_output_too() -> None:
    reasoned = Answer("", "stop", details={"reasoning": "x" * 40, "tool_calls": ["y" * 36]})
    assert TokenEstimates().tokens(ASKED, reasoned)[1] == 20


def test_hidden_reasoning_teaches_nothing_of_texts() -> None:
    estimates = TokenEstimates()
    estimates.learn(ASKED, Answer("x" * 4, "stop", 10, 1000, details={"reasoning_tokens": 999}))
    assert estimates.tokens(ASKED, Answer("x" * 40, "stop"))[1] == 10


COUNTED = st.builds(Answer, st.text(max_size=30), st.just("stop"), st.none() | st.integers(0, 99), st.integers(0, 99))


@given(st.lists(COUNTED, max_size=9), st.text(min_size=1, max_size=50))
def test_a_text_is_never_free(learnt: list[Answer], text: str) -> None:
    estimates = TokenEstimates()
    for answer in learnt:
        estimates.learn(ASKED, answer)
    asked, said = estimates.tokens(ASKED, Answer(text, "stop"))
    assert asked >= 1
    assert said >= 1
