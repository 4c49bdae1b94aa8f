"""The small picture says what the numbers say, also to whoever sees no colours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.web.interval_svg import WIDTH, Axis, head, picture

AXIS = Axis.over(0.05, [(-0.08, 0.02)])
SHAPES = {"green": "circle", "red": "9m0 -9l-9 9", "worse": "h10l-5 9z", "inconclusive": "l5.5 5.5"}


@pytest.mark.parametrize(("outcome", "shape"), SHAPES.items())
def test_each_outcome_has_a_shape_of_its_own(outcome: str, shape: str) -> None:
    shown = picture(AXIS, 0.0, (-0.02, 0.01), outcome)
    assert [each for each in SHAPES.values() if each in shown] == [shape]


@pytest.mark.parametrize(
    ("interval", "told"),
    [
        ((-0.02, 0.01), "the whole sequence lies right of the margin of −5.0 pp"),
        ((-0.9, -0.06), "the whole sequence lies left of the margin of −5.0 pp"),
        ((-0.08, 0.04), "the margin of −5.0 pp lies within the sequence"),
    ],
)
def test_the_label_tells_where_the_sequence_lies(interval: tuple[float, float], told: str) -> None:
    assert f'aria-label="{told}"' in picture(AXIS, sum(interval) / 2, interval, "inconclusive")


def test_what_lies_farther_out_is_cut_off_with_an_arrow() -> None:
    assert picture(AXIS, -0.5, (-0.9, 0.0), "red").count('class="cut"') == 1
    assert 'class="cut"' not in picture(AXIS, 0.0, (-0.05, 0.01), "green")


def test_margin_and_zero_never_share_a_place() -> None:
    wide = Axis.over(0.01, [(-1.0, 1.0)])
    assert wide.at(0) - wide.at(-0.01) > 30


sizes = st.floats(-1, 1, allow_nan=False)


@given(st.floats(0, 1), sizes, sizes, sizes)
def test_nothing_is_drawn_outside(margin: float, delta: float, one: float, other: float) -> None:
    interval = (min(one, other), max(one, other))
    axis = Axis.over(margin, [interval])
    shown = head(axis) + picture(axis, delta, interval, "worse")
    places = [float(each) for each in re.findall(r'(?: x|M)="?(-?[\d.]+)', shown)]
    assert all(0 <= each <= WIDTH for each in places)
