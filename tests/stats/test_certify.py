"""The front door: what a certificate says, and what it may never depend on."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evalgate.errors import StatisticsError
from evalgate.stats import certify

differences = arrays.arrays(
    np.float64, st.integers(1, 400), elements=st.one_of(st.sampled_from([-1.0, 0.0, 1.0]), st.floats(-1, 1))
)
flips = arrays.arrays(np.float64, st.integers(1, 600), elements=st.sampled_from([-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]))


def flipping(broke: float, fixed: float, cases: int, seed: int = 0) -> np.ndarray:
    draws = np.random.default_rng(seed).random(cases)
    return np.where(draws < broke, -1.0, np.where(draws > 1 - fixed, 1.0, 0.0))


def test_a_variant_that_never_differs_is_proven_green():
    certificate = certify(np.zeros(1000), margin=0.02)
    assert (certificate.verdict, certificate.cases, certificate.delta) == ("green", 196, 0.0)
    assert certificate.e_green >= 20 > certificate.e_red


def test_a_variant_that_loses_a_tenth_is_proven_red():
    certificate = certify(flipping(0.12, 0.02, 1000), margin=0.02)
    assert certificate.verdict == "red"
    assert certificate.e_red >= 20 > certificate.e_green
    assert certificate.interval[1] < 0


def test_too_few_cases_are_inconclusive_however_good_they_look():
    certificate = certify(np.zeros(148), margin=0.02)
    assert certificate.verdict == "inconclusive"
    assert certificate.cases == 148
    assert -1 <= certificate.interval[0] < -0.02 < certificate.interval[1]


def test_no_test_can_be_green_before_the_exact_floor_and_the_full_stake_reaches_it():
    sure_of_no_flips = {"flip_rate_green": 1e-9, "inertia": 1e6}
    assert certify(np.zeros(500), margin=0.02, cap=1.0, **sure_of_no_flips).cases == 149
    assert certify(np.zeros(500), margin=0.02, cap=0.9, **sure_of_no_flips).cases == 165
    assert certify(np.zeros(500), margin=0.02).cases == 196


def test_the_verdict_says_at_which_look_it_was_noticed():
    for batch, asked in ((1, 196), (10, 200), (25, 200), (64, 256), (500, 300)):
        certificate = certify(np.zeros(300), margin=0.02, batch=batch)
        assert (certificate.cases, certificate.asked) == (196, asked)


@given(flips, st.integers(1, 50))
def test_the_batch_size_changes_nothing_but_what_was_asked(values, batch):
    one = certify(values, margin=0.05)
    other = certify(values, margin=0.05, batch=batch)
    assert dataclasses.replace(other, asked=one.asked) == one


@given(flips, flips)
def test_what_comes_after_the_stop_changes_nothing(values, more):
    before = certify(values, margin=0.05)
    if before.verdict != "inconclusive":
        after = certify(np.concatenate([values, more]), margin=0.05)
        assert dataclasses.replace(after, asked=before.asked) == before


@given(flips)
def test_more_evidence_of_the_same_kind_never_turns_green_into_red(values):
    if certify(values, margin=0.05).verdict == "green":
        assert certify(np.tile(values, 3), margin=0.05).verdict == "green"
        assert certify(np.tile(values, 3), margin=0.05, red_is_final=False).verdict == "green"


@given(differences)
def test_swapping_variant_and_baseline_mirrors_the_difference(values):
    one, other = certify(values, margin=0.9, alpha=1e-9, beta=1e-9), certify(-values, margin=0.9, alpha=1e-9, beta=1e-9)
    if one.cases == other.cases == values.size:
        assert one.delta == -other.delta


@settings(max_examples=200)
@given(differences, st.floats(0.005, 0.5), st.floats(0.01, 0.3), st.floats(0.01, 0.3))
def test_the_interval_agrees_with_the_verdict(values, margin, alpha, beta):
    certificate = certify(values, margin=margin, alpha=alpha, beta=beta)
    low, high = certificate.interval
    assert certificate.level == pytest.approx(1 - alpha - beta)
    assert -1 <= low <= high <= 1
    if "something changed" in certificate.note:
        return
    if certificate.verdict == "green":
        assert low >= -margin
    else:
        assert low <= -margin + 4e-6
    if certificate.verdict == "red":
        assert high <= 0


@given(differences, st.floats(0.005, 0.5))
def test_the_same_evidence_gives_the_same_bits(values, margin):
    assert certify(values, margin=margin) == certify(list(values), margin=margin)


def test_the_bits_do_not_depend_on_the_vector_units_of_the_processor():
    program = (
        "import numpy as np; from evalgate.stats import certify, closed_sequential, evidence_path\n"
        "d = np.round(np.random.default_rng(5).normal(0, .3, 3000).clip(-1, 1), 2)\n"
        "p = evidence_path(d, margin=.03); s = evidence_path(d, margin=.03, claim='suite', population=4000)\n"
        "print([x.hex() for x in (*p.e_green, *p.e_red, *s.e_green, *s.e_red)])\n"
        "w = np.where(np.arange(3000) % 7, .3, 1)\n"
        "q = evidence_path(d, margin=.03, deadline=2900, weights=w)\n"
        "print([x.hex() for x in (*q.e_green, *q.e_red)])\n"
        "print(closed_sequential([p.e_green, q.e_green, s.e_green], weights=[1, .05, 1]))\n"
        "c = certify(d, margin=.03, level=.95); print([x.hex() for x in (c.e_green, c.e_red, c.delta, *c.interval)])\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env={"NPY_DISABLE_CPU_FEATURES": disabled, "PATH": ""},
            capture_output=True,
            check=True,
        ).stdout
        for disabled in ("", "AVX512F AVX512_SKX AVX2 FMA3 X86_V3 X86_V4")
    }
    assert len(outputs) == 1


def test_a_green_after_a_red_counts_only_where_all_answers_exist_anyway():
    slightly_worse = np.zeros(2000)
    slightly_worse[40::50] = -1.0
    stopped = certify(slightly_worse, margin=0.05)
    assert (stopped.verdict, stopped.note) == ("red", "")
    whole = certify(slightly_worse, margin=0.05, red_is_final=False)
    assert (whole.verdict, whole.note) == ("green", "measurably worse, within margin")
    assert whole.cases > stopped.cases


def test_cases_that_no_single_mean_fits_are_said_to_have_changed():
    certificate = certify(np.repeat([0.9, -0.9], 300), margin=0.3, alpha=1e-6, beta=1e-6, red_margin=0.5, level=0.9)
    assert certificate.note == ""
    turned = certify(np.repeat([-0.9, 0.9], 300), margin=0.01, alpha=0.2, beta=1e-250, level=0.9)
    assert "something changed" in turned.note


def test_red_margin_asks_for_more_than_measurably_worse():
    values = flipping(0.05, 0.02, 1500, seed=3)
    assert certify(values, margin=0.02).verdict == "red"
    assert certify(values, margin=0.02, red_margin=0.02).verdict == "inconclusive"
    assert certify(flipping(0.15, 0.02, 1500), margin=0.02, red_margin=0.02).verdict == "red"


def test_a_wider_level_gives_a_wider_interval_and_the_same_verdict():
    values = flipping(0.05, 0.05, 1500)
    plain, wide = certify(values, margin=0.03), certify(values, margin=0.03, level=0.99)
    assert wide.level == pytest.approx(0.99)
    assert wide.interval[0] < plain.interval[0] <= plain.delta <= plain.interval[1] < wide.interval[1]
    assert wide.cases == plain.cases


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "empty"),
        ([0.0, float("nan")], r"differences\[1\]: nan"),
        ([0.0, 1.5], r"differences\[1\]: 1.5 is outside \[-1, 1\]"),
        ([float("inf")], "outside"),
        ([[0.0]], "one dimension"),
        (["a"], "expected numbers"),
    ],
)
def test_what_cannot_be_differences_is_refused_with_its_place(values, said):
    with pytest.raises(StatisticsError, match=said):
        certify(values, margin=0.02)


@pytest.mark.parametrize(
    "options",
    [
        {"margin": 0.0},
        {"margin": 1.0},
        {"margin": float("nan")},
        {"alpha": 0.0},
        {"beta": 1.0},
        {"alpha": 0.6, "beta": 0.4},
        {"batch": 0},
        {"batch": 2.5},
        {"red_margin": -0.1},
        {"cap": 0.0},
        {"cap": 1.1},
        {"inertia": 0.0},
        {"flip_rate_green": 0.0},
        {"flip_rate_red": 1.1},
        {"level": 1.0},
        {"claim": "both"},
        {"claim": "suite"},
        {"claim": "suite", "population": 2},
        {"population": 10},
        {"baseline": [1.0, 1.0, 1.0]},
    ],
)
def test_a_design_that_makes_no_sense_is_refused(options):
    with pytest.raises(StatisticsError):
        certify([0.0, 0.0, 1.0], **{"margin": 0.02, **options})
