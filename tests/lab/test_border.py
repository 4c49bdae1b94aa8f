"""The recorded first tokens, and what the drift detectors make of them: no engine needed."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from evalgate.errors import InputError
from evalgate.lab.border import COMPARED, candidates, read_first_tokens
from evalgate.stats import Movement, border_prompts

RECORDED = Path(__file__).parents[2] / "benchmarks" / "data" / "first-tokens.json.gz"


@pytest.fixture(scope="module")
def recorded():
    return read_first_tokens(RECORDED)


def test_candidates_are_different_and_the_same_for_everybody(recorded):
    assert len(set(candidates(500))) == 500
    assert candidates(500) == candidates(1500)[:500]
    assert tuple(candidates(len(recorded.prompts))) == recorded.prompts


def test_the_engine_repeats_itself_however_a_prompt_is_cut_into_blocks(recorded):
    assert recorded.logprobs["f16-token-by-token"] == recorded.logprobs["f16"][:COMPARED]


def test_tokens_are_ranked(recorded):
    for serving in ("f16", "q8_0", "q4_0"):
        assert len(recorded.tokens[serving]) == len(recorded.prompts)
        assert all(list(row) == sorted(row, reverse=True) for row in recorded.logprobs[serving])


@pytest.mark.parametrize("swapped_to", ["q8_0", "q4_0"])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_silent_swap_is_called_with_the_first_200_one_token_calls(recorded, swapped_to, noise):
    random = np.random.default_rng(1)

    def ask(serving, place):
        logits = np.array(recorded.logprobs[serving][place])
        return recorded.tokens[serving][place][int((logits + noise * random.normal(size=logits.size)).argmax())]

    answers = {str(place): [ask("f16", place) for _ in range(5)] for place in range(len(recorded.prompts))}
    chosen = list(map(int, border_prompts(answers, 20)))
    watch = Movement(run_length=1000, method="day")
    state = watch.begin({str(place): [ask("f16", place) for _ in range(50)] for place in chosen})
    for _ in range(3):
        state = watch.after(state, [(str(place), ask("f16", place)) for place in chosen for _ in range(10)])
    assert not watch.moved(state)
    state = watch.after(state, [(str(place), ask(swapped_to, place)) for place in chosen for _ in range(10)])
    assert watch.moved(state)


@pytest.mark.parametrize("content", [b"", b"not gzip", gzip.compress(b"{}"), gzip.compress(b'{"format": "other"}')])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "first-tokens.json.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="first-tokens"):
        read_first_tokens(path)


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(InputError, match="record-border"):
        read_first_tokens(tmp_path / "nowhere.json.gz")
