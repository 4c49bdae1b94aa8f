"""Tokens are counted, estimated or unknown; unknown is never zero, and all are compared at one token mix."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer
from evalgate.gate import Given, Tally
from tests.gate.simulated import endpoint

TEXT = "x" * 40


def given(tokens: tuple[int | None, int | None], of: Endpoint, text: str = TEXT) -> Given:
    return Given.of(Answer(text, "stop", *tokens, 5.0), of, prompt_size=400)


@pytest.fixture
def full(tmp_path: Path) -> Endpoint:
    return endpoint(tmp_path, "full")


def test_what_the_server_counted_is_counted(full: Endpoint) -> None:
    usage = Tally([given((100, 10), full)] * 4).usage(full)
    assert (usage.input_tokens, usage.output_tokens, usage.tokens) == (100, 10, "counted")
    assert usage.cost_usd == pytest.approx(110 / 1e6)


def test_who_counts_nothing_costs_what_the_baselines_tokens_cost_and_says_so(full: Endpoint) -> None:
    baseline, silent = Tally([given((100, 10), full)] * 4), Tally([given((None, None), full)] * 4)
    usage, _ = silent.beside(full, baseline, full)
    assert (usage.input_tokens, usage.output_tokens, usage.tokens) == (100, 10, "estimated")


def test_where_nobody_counts_text_is_measured(full: Endpoint) -> None:
    usage = Tally([given((None, None), full)] * 4).usage(full)
    assert (usage.input_tokens, usage.output_tokens, usage.tokens) == (100, 10, "estimated")


def test_one_that_counts_every_second_answer_is_not_half_as_dear(full: Endpoint) -> None:
    some = Tally([given((100, 10), full), given((None, None), full)] * 2).usage(full)
    assert (some.input_tokens, some.output_tokens, some.tokens) == (100, 10, "estimated")


def test_own_answers_count_where_they_are_longer_than_the_baselines(full: Endpoint) -> None:
    baseline, wordy = Tally([given((100, 10), full)]), Tally([given((120, 50), full)])
    usage, _ = wordy.beside(full, baseline, full)
    assert (usage.input_tokens, usage.output_tokens) == (100, 50)


def test_no_answer_at_all_is_unknown(full: Endpoint) -> None:
    failed = Given.of(Answer("", "error", error="down"), full)
    usage = Tally([failed]).usage(full)
    assert (usage.tokens, usage.cost_usd, usage.failed) == ("unknown", None, 1)


def test_kinds_and_reasoning_are_counted(full: Endpoint) -> None:
    answers = [Answer("<think>hm, hm</think>yes", "stop"), Answer("", "stop"), Answer("yes", "stop")]
    usage = Tally(Given.of(answer, full) for answer in answers).usage(full)
    assert usage.kinds == {"empty": 1, "text": 2}
    assert usage.share("empty") == pytest.approx(1 / 3)
    assert 0.5 < usage.reasoning < 1
