"""Which cases a round asks, and on which day."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.suite import Suite, load_suite
from evalgate.watch.calendar import is_due
from evalgate.watch.draw import Draw, draw
from tests.conftest import suite_file


def suite_of(folder: Path, cases: int, **changes: object) -> Suite:
    rows = [
        {"id": f"c{n}", "input": f"number {n}", "target": "x", "metadata": {"source": n // 3}} for n in range(cases)
    ]
    return load_suite(suite_file(folder, cases=rows, near_duplicates="allow", **changes))


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return suite_of(tmp_path_factory.mktemp("draw"), 120)


@given(fragile=st.integers(0, 120), cases=st.integers(1, 130), seed=st.text(max_size=5))
def test_weights_make_up_for_how_units_are_drawn(suite: Suite, fragile: int, cases: int, seed: str) -> None:
    made = draw(suite, [f"c{n}" for n in range(fragile)], cases, seed=seed)
    assert len(made.units) == min(cases, 120)
    assert len({unit.first for unit in made.units}) == len(made.units)
    assert made.weights.sum() == pytest.approx(len(made.units))
    assert made.weights.max() <= made.heaviest


@given(seed=st.text(max_size=5))
def test_the_same_seed_draws_the_same(suite: Suite, seed: str) -> None:
    assert draw(suite, ["c1"], 30, seed=seed) == draw(suite, ["c1"], 30, seed=seed)


def test_fragile_cases_are_drawn_more_often_than_their_share(suite: Suite) -> None:
    made = draw(suite, [f"c{n}" for n in range(12)], 40, seed="1")
    assert sum(unit.fragile for unit in made.units) == 10
    assert made.fragile == tuple(sorted(made.fragile))
    assert len(made.fragile) == 12


def test_the_weighted_mean_is_that_of_the_suite_whatever_the_labels_are_worth(suite: Suite) -> None:
    values = {f"c{n}": -1.0 if n % 7 == 0 else 0.0 for n in range(120)}
    truth = sum(values.values()) / 120
    found = []
    for seed in range(400):
        made = draw(suite, [f"c{n}" for n in range(40)], 40, seed=str(seed))
        found.append(float(np.mean(made.weights * np.array([values[unit.first] for unit in made.units]))))
    assert abs(np.mean(found) - truth) < 4 * np.std(found) / 20


def test_a_draw_survives_the_store(suite: Suite) -> None:
    made = draw(suite, ["c1", "c2"], 10, seed="1")
    assert Draw.from_json(made.to_json()) == made
    assert made.fits(suite)


def test_a_draw_of_a_suite_that_was_changed_does_not_fit(suite: Suite, tmp_path: Path) -> None:
    made = draw(suite, [], 10, seed="1")
    assert not made.fits(suite_of(tmp_path, 5))


def test_clusters_are_drawn_whole(tmp_path: Path) -> None:
    clustered = suite_of(tmp_path, 30, cluster_by="metadata.source")
    made = draw(clustered, ["c4"], 9, seed="1")
    assert made.sizes == [3, 3, 3]
    assert len(made.cases(clustered)) == 9


@given(days=st.lists(st.integers(0, 6), max_size=12))
def test_whatever_clocks_do_no_day_is_asked_twice_in_a_row_and_a_right_clock_is_never_refused(days: list[int]) -> None:
    asked: list[int] = []
    for day in days:
        if is_due(day, asked[-1] if asked else None, asked_today=day in asked):
            asked.append(day)
    assert all(one != other for one, other in itertools.pairwise(asked))
    tomorrow = max([*days, 0]) + 1
    assert is_due(tomorrow, asked[-1] if asked else None, asked_today=False)
