"""What counts as one observation: pairs, repeats, clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import StatisticsError
from evalgate.stats import certify, paired_differences, unit_means


def test_means_come_in_the_order_in_which_units_first_appear():
    units = unit_means([1.0, 0.0, 0.5, 0.0, 1.0], ["b", "a", "b", "c", "a"])
    assert units.units == ("b", "a", "c")
    assert units.means.tolist() == [0.75, 0.5, 0.0]
    assert units.sizes.tolist() == [2, 2, 1]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50))
def test_a_unit_for_each_value_changes_nothing(values):
    assert unit_means(values, range(len(values))).means.tolist() == values


def test_ten_answers_to_one_question_prove_no_more_than_their_mean():
    repeats = np.zeros(2000)
    cases = np.repeat(np.arange(100), 20)
    assert certify(repeats, margin=0.02).verdict == "green"
    assert certify(unit_means(repeats, cases).means, margin=0.02).verdict == "inconclusive"


def test_scores_are_paired_by_id_in_the_order_of_the_baseline():
    paired = paired_differences(
        [0.0, 1.0, 0.5], [1.0, 1.0, 0.0], variant_ids=["c", "a", "b"], baseline_ids=["a", "b", "c"]
    )
    assert paired.tolist() == [0.0, -0.5, 0.0]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_swapping_the_sides_mirrors_every_difference(pairs):
    variant, baseline = zip(*pairs, strict=True)
    np.testing.assert_array_equal(paired_differences(variant, baseline), -paired_differences(baseline, variant))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: paired_differences([1.0], [1.0, 0.0]), "variant: 1 values, expected 2"),
        (lambda: paired_differences([1.1], [1.0]), r"variant\[0\]: 1.1 is outside \[0, 1\]"),
        (lambda: paired_differences([], []), "empty"),
        (lambda: paired_differences([1.0], [1.0], variant_ids=["a"]), "give both"),
        (
            lambda: paired_differences([1.0, 1.0], [1.0], variant_ids=["a", "a"], baseline_ids=["a"]),
            "variant_ids: more than once: 'a'",
        ),
        (
            lambda: paired_differences([1.0], [1.0], variant_ids=["a"], baseline_ids=["b"]),
            "variant_ids: no answer for 'b'",
        ),
        (
            lambda: paired_differences([1.0] * 9, [1.0], variant_ids=range(9), baseline_ids=[0]),
            "no answer for 1, 2, 3, 4, 5 and 3 more",
        ),
        (lambda: unit_means([1.0], ["a", "b"]), "1 values, expected 2"),
        (lambda: unit_means([1.0], []), "groups: 0 labels"),
        (lambda: unit_means([2.0], ["a"]), "outside"),
    ],
)
def test_what_does_not_pair_is_an_error_that_lists_it(call, said):
    with pytest.raises(StatisticsError, match=said):
        call()
