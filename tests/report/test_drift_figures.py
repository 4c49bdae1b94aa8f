from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import Answer
from evalgate.gate import Board
from evalgate.report.drift.draw import Axis
from evalgate.report.drift.evidence import Numbers
from evalgate.report.drift.slices import groups, slices
from evalgate.report.drift.spread import rates, spreads
from evalgate.report.drift.tokens import agreement
from evalgate.suite import Case


def cases(count: int) -> list[Case]:
    metadata = [{"kind": "abc"[n % 3], "serial": n, "even": n % 2 == 0, "all": "same"} for n in range(count)]
    return [Case(f"case-{n:04d}", "?", None, each) for n, each in enumerate(metadata)]


def numbers(values: list[float]) -> Numbers:
    array = np.array(values)
    return Numbers(array, array, array, ["stop"] * len(values))


def test_only_keys_that_tell_groups_apart_make_slices() -> None:
    assert list(groups(cases(60))) == ["kind", "even"]
    assert groups(cases(12)) == {}


def test_slices_of_a_key_add_up_to_the_whole(board: Board) -> None:
    operation = board.operations[1]
    verdict = operation.verdicts[2]
    asked = cases(verdict.cases)

    found = [each for each in slices(operation, verdict, asked, groups(asked)) if each.key == "kind"]

    assert sum(each.cases for each in found) == verdict.cases
    assert sum(each.broke for each in found) == verdict.metrics[0].broke
    assert sum(each.fixed for each in found) == verdict.metrics[0].fixed
    assert sum(each.delta * each.cases for each in found) / verdict.cases == pytest.approx(verdict.metrics[0].delta)
    for each in found:
        assert each.interval is not None
        assert each.interval[0] <= each.delta <= each.interval[1]


def test_slices_of_cases_that_share_sources_have_no_interval(board: Board) -> None:
    operation = board.operations[1]
    clustered = replace(operation, policy=replace(operation.policy, unit="cluster"))
    asked = cases(operation.verdicts[2].cases)

    assert {each.interval for each in slices(clustered, operation.verdicts[2], asked, groups(asked))} == {None}


def test_a_quantity_that_one_side_does_not_tell_is_left_out() -> None:
    known, unknown = numbers([1.0, 2.0, 3.0]), replace(numbers([1.0, 2.0]), tokens=np.array([np.nan, np.nan]))

    assert [each.name for each in spreads(known, unknown)] == ["latency", "cost"]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_quantiles_lie_within_their_intervals_and_curves_rise(values: list[float]) -> None:
    for spread in spreads(numbers(values), numbers(values)):
        side = spread.variant
        assert side.n == len(values)
        assert list(side.curve) == sorted(side.curve)
        for quantile in (side.median, side.p90):
            assert quantile.interval[0] <= quantile.value <= quantile.interval[1]


def test_the_interval_of_a_median_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        (low, high) = spreads(numbers(drawn := rng.exponential(1.0, 80).tolist()), numbers(drawn))[
            0
        ].variant.median.interval
        covered += low <= np.log(2) <= high
    assert covered / 400 >= 0.93


def test_a_rate_has_the_interval_and_the_n_of_each_side(board: Board) -> None:
    verdict = board.operations[2].verdicts[5]  # cut off at a token limit

    truncated = rates(verdict)[0]

    assert truncated.variant == pytest.approx(0.94, abs=0.05)
    assert truncated.variant_interval[0] > truncated.baseline_interval[1]
    assert truncated.variant_n == verdict.usage.answers


def token(probabilities: dict[str, float]) -> Answer:
    tops = [{"token": name, "logprob": float(np.log(share))} for name, share in probabilities.items()]
    return Answer("x", "stop", details={"logprobs": [{**tops[0], "top_logprobs": tops}]})


def test_equal_first_tokens_agree_and_do_not_diverge() -> None:
    one = {f"c{n}": token({"yes": 0.7, "no": 0.2}) for n in range(5)}

    found = agreement(one, one)

    assert found is not None
    assert (found.n, found.top1, found.kl_n) == (5, 1.0, 5)
    assert found.kl == pytest.approx(0.0, abs=1e-12)


def test_the_divergence_of_first_tokens_is_that_of_the_definition() -> None:
    found = agreement({"c": token({"yes": 0.7, "no": 0.2})}, {"c": token({"no": 0.5, "yes": 0.4})})

    assert found is not None
    assert found.top1 == 0.0
    assert found.kl == pytest.approx(0.7 * np.log(0.7 / 0.4) + 0.2 * np.log(0.2 / 0.5) + 0.1 * np.log(0.1 / 0.1))


def test_the_divergence_is_never_negative_and_never_above_the_true_one() -> None:
    rng = np.random.default_rng(5)
    names = list("abcdefgh")
    for _ in range(100):
        p, q = rng.dirichlet(np.ones(8)), rng.dirichlet(np.ones(8))
        true = float((p * np.log(p / q)).sum())
        shown = [dict(sorted(zip(names, side.tolist(), strict=True), key=lambda each: -each[1])[:4]) for side in (p, q)]
        found = agreement({"c": token(shown[0])}, {"c": token(shown[1])})
        assert found is not None
        assert 0 <= found.kl <= true + 1e-9


@pytest.mark.parametrize("told", [None, [], [3], [{"token": 1}], [{"token": "a", "logprob": "x"}], {"content": []}])
def test_log_probabilities_that_are_none_are_passed_over(told: object) -> None:
    answer = Answer("x", "stop", details={"logprobs": told})  # type: ignore[dict-item]

    assert agreement({"c": answer}, {"c": answer}) is None


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_and_inside(low: float, span: float) -> None:
    axis = Axis(low, low + span, 0.0, 100.0)

    ticks = axis.ticks()
    assert len(ticks) <= 6
    assert all(axis.low - span * 1e-6 <= tick <= axis.high + span * 1e-6 for tick in ticks)
    assert all(0.0 <= axis(tick) <= 100.0 for tick in (*ticks, low - 1, low + 2 * span, float("nan"), float("inf")))
