"""Tango's and Newcombe's intervals: the published tables, and the tables at the edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from evalgate.errors import StatisticsError
from evalgate.stats import newcombe_interval, score_interval, score_test, score_test_cases, share_interval
from evalgate.stats.interval import _wilson

# both right, variant only, baseline only, neither; level; published ends; source
TANGO = [
    ((43, 0, 1, 0), 0.90, (-0.096, 0.037), 3, "Tango 1998, Table V"),
    ((4, 9, 3, 16), 0.95, (-0.027, 0.390), 3, "Tango 1998, Table VII"),
    ((53, 16, 8, 9), 0.95, (-0.020, 0.207), 3, "Agresti & Min 2005"),
    ((1, 1, 7, 12), 0.95, (-0.517, -0.026), 3, "Fagerland, Lydersen & Laake 2014, Bentur data"),
    ((59, 6, 16, 80), 0.95, (-0.1240, -0.0054), 4, "R package contingencytables, Cavo data"),
]
NEWCOMBE = [
    ((20, 12, 2, 16), 0.95, (0.0562, 0.3292), 4, "Newcombe 1998"),
    ((1, 1, 7, 12), 0.95, (-0.507, -0.026), 3, "Fagerland, Lydersen & Laake 2014, Bentur data"),
    ((59, 6, 16, 80), 0.95, (-0.1186, -0.0046), 4, "R package contingencytables, Cavo data"),
]

counts = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda cells: sum(cells) > 0)


@pytest.mark.parametrize(("cells", "level", "ends", "digits", "source"), TANGO)
def test_tango_to_the_printed_digits(cells, level, ends, digits, source):
    low, high = score_interval(cells[1], cells[2], sum(cells), level)
    assert (round(low, digits), round(high, digits)) == ends, source


@pytest.mark.parametrize(("cells", "level", "ends", "digits", "source"), NEWCOMBE)
def test_newcombe_to_the_printed_digits(cells, level, ends, digits, source):
    low, high = newcombe_interval(*cells, level)
    assert (round(low, digits), round(high, digits)) == ends, source


@given(st.integers(1, 500), st.floats(0, 1), st.floats(0.5, 0.999))
def test_the_shares_of_newcombe_are_those_of_scipy(n, share, level):
    """Its closed form stays our own: three lines, where scipy would have to be imported whole."""
    theirs = binomtest(round(share * n), n).proportion_ci(level, method="wilson")
    assert _wilson(round(share * n), n, norm.ppf(0.5 + level / 2)) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(st.integers(1, 10_000), st.floats(0.5, 0.999))
def test_without_flips_the_interval_is_known_in_closed_form(n, level):
    z2 = norm.ppf(0.5 + level / 2) ** 2
    assert score_interval(0, 0, n, level) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), abs=1e-7)


@given(counts, st.floats(0.5, 0.999))
def test_intervals_are_ordered_contain_the_estimate_and_stay_in_range(cells, level):
    _, gains, losses, _ = cells
    estimate = (gains - losses) / sum(cells)
    for low, high in (score_interval(gains, losses, sum(cells), level), newcombe_interval(*cells, level)):
        assert -1 <= low <= estimate + 1e-9
        assert estimate - 1e-9 <= high <= 1


@given(counts)
def test_swapping_the_sides_mirrors_the_intervals(cells):
    both, gains, losses, neither = cells
    low, high = score_interval(gains, losses, sum(cells))
    assert score_interval(losses, gains, sum(cells)) == pytest.approx((-high, -low), abs=1e-9)
    low, high = newcombe_interval(*cells)
    assert newcombe_interval(both, losses, gains, neither) == pytest.approx((-high, -low), abs=1e-9)


@given(counts, st.floats(0.001, 0.5), st.sampled_from([0.01, 0.025, 0.05, 0.1]))
def test_the_test_and_the_interval_are_two_views_of_one_statistic(cells, margin, alpha):
    _, gains, losses, _ = cells
    low, _ = score_interval(gains, losses, sum(cells), 1 - 2 * alpha)
    p_value = score_test(gains, losses, sum(cells), margin)
    if abs(low + margin) > 1e-6:
        assert (low > -margin) == (p_value < alpha)


def test_all_gains_all_losses_and_a_single_case():
    assert score_interval(5, 0, 5)[1] == pytest.approx(1.0)
    assert score_interval(0, 5, 5)[0] == pytest.approx(-1.0)
    assert score_interval(0, 0, 1) == pytest.approx((-0.7935, 0.7935), abs=1e-4)
    assert newcombe_interval(0, 5, 0, 0)[1] == 1.0
    assert newcombe_interval(1, 0, 0, 0)[0] < 0 < newcombe_interval(1, 0, 0, 0)[1]


def test_the_test_holds_its_level_where_flips_are_rare():
    """Size at theta = -margin, margin = flip rate: every flip is a loss, where a Wald test has no variance left."""
    counts_ = np.random.default_rng(1).binomial(300, 0.05, 4000)
    table = {int(k): score_test(0, int(k), 300, 0.05) for k in np.unique(counts_)}
    size = np.mean([table[int(k)] < 0.05 for k in counts_])
    assert 0.02 < size < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000) + 0.01


def test_a_fixed_n_run_of_the_planned_size_has_the_planned_power():
    for flip_rate, margin in ((0.02, 0.02), (0.1, 0.03)):
        n = score_test_cases(margin, flip_rate)
        tables = np.random.default_rng(2).multinomial(n, [flip_rate / 2, flip_rate / 2, 1 - flip_rate], 1500)
        power = np.mean([score_test(int(gains), int(losses), n, margin) < 0.05 for gains, losses, _ in tables])
        assert power == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / 1500) + 0.01)


@pytest.mark.parametrize(
    "call",
    [
        lambda: score_interval(1, 1, 1),
        lambda: score_interval(-1, 0, 5),
        lambda: score_interval(0, 0, 0),
        lambda: score_interval(0, 0, 5, level=95),
        lambda: score_interval(0.5, 0, 5),
        lambda: score_test(0, 0, 5, 1.0),
        lambda: newcombe_interval(0, 0, 0, 0),
        lambda: newcombe_interval(-1, 2, 2, 2),
        lambda: score_test_cases(0.0, 0.1),
    ],
)
def test_counts_that_do_not_fit_are_refused(call):
    with pytest.raises(StatisticsError):
        call()


@pytest.mark.parametrize(("successes", "expected"), [(0, (0.0, 0.2775)), (5, (0.2366, 0.7634)), (10, (0.7225, 1.0))])
def test_the_interval_of_a_share_is_wilsons(successes: int, expected: tuple[float, float]) -> None:
    assert share_interval(successes, 10) == pytest.approx(expected, abs=1e-4)
