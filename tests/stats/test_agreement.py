"""Agreement of a judge with labels: published examples, limits, and coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import StatisticsError
from evalgate.stats.agreement import agreement, rogan_gladen


def from_table(table: dict[tuple[str, str], int]) -> tuple[list[str], list[str]]:
    pairs = [pair for pair, count in table.items() for _ in range(count)]
    return [label for label, _ in pairs], [said for _, said in pairs]


def test_cohen_1960_as_every_textbook_has_it() -> None:
    # 50 grant proposals: both yes 20, only the first 5, only the second 10, both no 15; kappa 0.40
    found = agreement(*from_table({("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15}))
    assert found.observed == pytest.approx(0.70)
    assert found.kappa == pytest.approx(0.40)
    assert found.confusion["n", "y"] == 10


def test_gwet_where_kappa_is_paradoxical() -> None:
    # Gwet (2008), table 1: 118, 5, 2, 0 of 125; kappa -0.0234, AC1 0.9407
    found = agreement(*from_table({("+", "+"): 118, ("+", "-"): 5, ("-", "+"): 2}))
    assert found.kappa == pytest.approx(-0.0234, abs=5e-4)
    assert found.ac1 == pytest.approx(0.9408, abs=5e-4)


def test_fleiss_cohen_everitt_1969_standard_error() -> None:
    # their table 1: 200 subjects, three categories; kappa 0.429 with a standard error of 0.054
    rows = {"a": (53, 5, 2), "b": (11, 14, 5), "c": (1, 6, 3)}
    table = {(label, said): count for label, counts in rows.items() for said, count in zip("abc", counts, strict=True)}
    found = agreement(*from_table({pair: 2 * count for pair, count in table.items()}))
    assert found.kappa == pytest.approx(0.429, abs=1e-3)
    assert found.kappa_interval is not None
    assert (found.kappa_interval[1] - found.kappa_interval[0]) / 2 / 1.96 == pytest.approx(0.054, abs=1e-3)


def test_where_all_say_one_thing_kappa_says_nothing() -> None:
    found = agreement(["a"] * 5, ["a"] * 5)
    assert (found.kappa, found.ac1, found.observed) == (None, 1.0, 1.0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=40))
def test_agreement_is_symmetric_and_bounded(pairs: list[tuple[str, str]]) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    there, back = agreement(one, other), agreement(other, one)
    assert there.ac1 == pytest.approx(back.ac1)
    assert (there.kappa is None) == (back.kappa is None)
    if there.kappa is not None and back.kappa is not None:
        assert there.kappa == pytest.approx(back.kappa)
        assert -1 <= there.kappa <= 1
    assert -1 <= there.ac1 <= 1
    assert sum(there.confusion.values()) == len(pairs)


@pytest.mark.parametrize("chance", [0.5, 0.9])
def test_intervals_cover(chance: float) -> None:
    rng = np.random.default_rng(7)
    truth = agreement(*drawn(rng, 200_000, chance))
    kappa, ac1, runs = 0, 0, 300
    for _ in range(runs):
        found = agreement(*drawn(rng, 300, chance))
        assert found.kappa_interval is not None
        assert truth.kappa is not None
        kappa += found.kappa_interval[0] <= truth.kappa <= found.kappa_interval[1]
        ac1 += found.ac1_interval[0] <= truth.ac1 <= found.ac1_interval[1]
    assert kappa / runs > 0.9
    assert ac1 / runs > 0.9


def drawn(rng: np.random.Generator, size: int, chance: float) -> tuple[list[bool], list[bool]]:
    labels = rng.random(size) < chance
    judged = np.where(rng.random(size) < 0.85, labels, ~labels)
    return labels.tolist(), judged.tolist()


def test_rates_are_those_of_the_confusion() -> None:
    found = agreement(*from_table({("y", "y"): 40, ("y", "n"): 10, ("n", "y"): 5, ("n", "n"): 45}))
    assert found.rates("y") == (pytest.approx(0.8), pytest.approx(0.9))
    assert agreement(["y"], ["y"]).rates("y") == (1.0, None)


def test_rogan_gladen_is_their_formula() -> None:
    # a test that is right on 90 in 100 of the ill and on 95 in 100 of the well, and calls 22 in 100 ill: 20 in 100 are
    found = rogan_gladen(0.22, 1000, sensitivity=0.9, specificity=0.95)
    assert found is not None
    assert found.share == pytest.approx(0.2)
    assert found.interval[0] < 0.2 < found.interval[1]
    wider = rogan_gladen(0.22, 1000, sensitivity=0.9, specificity=0.95, positives=50, negatives=50)
    assert wider is not None
    assert wider.interval[1] - wider.interval[0] > found.interval[1] - found.interval[0]


def test_a_judge_no_better_than_chance_corrects_nothing() -> None:
    assert rogan_gladen(0.5, 100, sensitivity=0.5, specificity=0.5) is None
    assert rogan_gladen(0.0, 100, sensitivity=0.9, specificity=0.8).share == 0.0  # type: ignore[union-attr]


@pytest.mark.parametrize(("labels", "judged"), [([], []), (["a"], []), (["a"], ["a", "b"])])
def test_nothing_to_compare_is_refused(labels: list[str], judged: list[str]) -> None:
    with pytest.raises(StatisticsError, match="as many of both"):
        agreement(labels, judged)


@pytest.mark.parametrize("bad", [{"share": 1.2}, {"sensitivity": -0.1}, {"specificity": float("nan")}, {"items": 0}])
def test_what_is_no_share_is_refused(bad: dict[str, float]) -> None:
    given_: dict[str, float] = {"share": 0.5, "items": 10, "sensitivity": 0.9, "specificity": 0.9} | bad
    with pytest.raises(StatisticsError):
        rogan_gladen(**given_)  # type: ignore[arg-type]
