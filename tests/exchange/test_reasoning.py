"""Reasoning inside an answer's text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import split_reasoning

MARKS = st.sampled_from(["<think>", "</think>", "<THINK>", "<thinking>", "</thinking>", " ", "\n", "42", "a", "<", "/"])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>5 or 6?</think>\n\n42", "42"),
        ("  <THINK>\nhm\n</Think> 42", "42"),
        ("<thinking>hm</thinking>42", "42"),
        ("<thought>hm</thought>42", "42"),
        ('<reasoning effort="low">hm</reasoning>\n42', "42"),
        ("<seed:think>hm</seed:think>42", "42"),
        ("[THINK]hm[/THINK]42", "42"),
        ("◁think▷hm◁/think▷42", "42"),
        ("<think></think>42", "42"),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>42", "42"),
        ("<|channel|>analysis<|message|>cut off", ""),
        ("<think>a</think>\n<think>b</think>42", "42"),
        ("<think>a <think> b </think> c </think>42", "42"),
        ("<think>is <think> a mark?</think>42", "42"),
        ("hm, 5 or 6\n</think>\n\n42", "42"),
        ("hm</think><think>more</think>42", "42"),
        ("<think>cut off before it", ""),
        ("<think>", ""),
        ("<thinking>a</think>b</thinking>42", "42"),
    ],
)
def test_reasoning_at_the_beginning_is_taken_off(text: str, answer: str) -> None:
    reasoning, rest = split_reasoning(text)
    assert rest == answer
    assert reasoning
    assert text.startswith(reasoning)


@pytest.mark.parametrize(
    "text",
    ["42", "", " 42 ", "The mark is <think>…</think>.", "<thinker>42", "42 <think>", "<a></reasoning>", "think 42"],
)
def test_an_answer_that_does_not_begin_with_reasoning_is_left_as_it_is(text: str) -> None:
    assert split_reasoning(text) == ("", text)


@given(st.lists(MARKS).map("".join))
def test_nothing_is_lost_but_white_space_between(text: str) -> None:
    reasoning, rest = split_reasoning(text)
    assert text.startswith(reasoning)
    assert text[len(reasoning) :].lstrip() == rest.lstrip()


@pytest.mark.parametrize(
    "text", ["<think>" * 150_000, "<think></think>" * 60_000, "</think>" * 120_000, " " * 1_000_000]
)
def test_a_huge_answer_is_split_in_linear_time(text: str) -> None:
    started = time.process_time()
    split_reasoning(text)
    assert time.process_time() - started < 5
