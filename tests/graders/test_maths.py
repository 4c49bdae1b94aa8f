"""Formulas that are equal in whatever form, compared by a process that may die of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.graders import bind, registry
from evalgate.graders import maths as room
from evalgate.graders.maths import maths
from evalgate.suite import load_suite
from tests.conftest import suite_file


@pytest.mark.parametrize(
    ("target", "answer", "score"),
    [
        ("1/2", "0.5", 1.0),
        (r"\frac{1}{2}", r"So it is $\frac{2}{4}$.", 1.0),
        ("x+1", r"\boxed{1+x}", 1.0),
        ("x^2-1", "$(x-1)(x+1)$", 1.0),
        (r"2\sqrt2", r"$\sqrt{8}$", 1.0),
        ("12", "it is 12 apples", 1.0),
        ("3", "hence $x = 3$", 1.0),
        ("(1,2)", "$(1,2)$", 1.0),
        (r"\{1,2\}", r"$\{2,1\}$", 1.0),
        (12, "12.0", 1.0),
        ("12", "13", 0.0),
        ("1/3", "0.33", 0.0),
        (r"\pi", "$3.14$", 0.0),
        ("5", "", 0.0),
        ("5", "no idea", 0.0),
        ("x+1", "$x-1$", 0.0),
    ],
)
def test_formulas_are_compared_by_value(target: registry.JsonValue, answer: str, score: float) -> None:
    assert maths(answer, target) == score


@settings(max_examples=25)
@given(st.fractions(-50, 50, max_denominator=30), st.fractions(-50, 50, max_denominator=30))
def test_fractions_are_equal_exactly_when_their_values_are(one: Fraction, other: Fraction) -> None:
    written = rf"$\frac{{{one.numerator}}}{{{one.denominator}}}$"
    assert maths(written, str(other)) == float(one == other)
    assert maths(written, str(one)) == 1.0


@pytest.mark.parametrize("answer", [r"$9^{9^{9^{9}}}$", r"\boxed{100000!}", "$" + "(" * 4000 + "$", "\0\ud800"])
def test_a_hostile_formula_scores_zero_and_the_next_one_is_compared(answer: str) -> None:
    assert maths(answer, "10") == 0.0
    assert maths("10", "10") == 1.0


def test_a_process_that_was_killed_is_started_anew() -> None:
    assert maths("10", "10") == 1.0
    process = room._worker()._process
    assert process is not None
    process.kill()
    process.wait()
    assert maths("10", "10") == 1.0


def test_the_process_has_no_keys_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    room._worker().stop()
    assert maths("10", "10") == 1.0
    process = room._worker()._process
    assert process is not None
    environment = Path(f"/proc/{process.pid}/environ")
    assert not environment.exists() or b"sk-secret" not in environment.read_bytes()


@pytest.mark.parametrize("target", [None, True, "", "=", [1]])
def test_a_target_that_is_no_formula_is_refused(target: registry.JsonValue) -> None:
    assert registry.find("maths").problem_with(target, {}) is not None


@pytest.mark.parametrize(
    ("name", "library", "extra"), [("maths", "maths", "maths"), ("embedding_similarity", "embedding", "embeddings")]
)
def test_a_missing_library_is_told_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, library: str, extra: str
) -> None:
    monkeypatch.setattr(f"evalgate.graders.{library}.find_spec", lambda _: None)
    with pytest.raises(InputError) as caught:
        bind(load_suite(suite_file(tmp_path, assert_=[{"type": name}])))
    assert f"pip install 'evalgate-harness[{extra}]'" in str(caught.value)
