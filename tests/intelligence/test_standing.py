"""Measured, estimated or unknown: each with its grounds, and an estimate never above who was measured to be best."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.catalog import Catalog
from evalgate.intelligence import Report, standing
from evalgate.intelligence.estimate import LEAST_CONFIRMED, Estimator, Known
from tests.intelligence.make import TODAY, catalog, report, used, whole


def confirmed(count: int, **about: Any) -> tuple[list[dict[str, Any]], list[Report]]:
    """Models of two families that get better with price, and reports of them."""
    models = [
        {"id": f"m{n}", "family": "ab"[n % 2], "price": 1.0 + n, "released": f"2025-{n % 12 + 1:02}-01", **about}
        for n in range(count)
    ]
    return models, [each for n in range(count) for each in whole(f"m{n}", 40.0 + 2 * n)]


def test_what_was_measured_says_by_what_and_when() -> None:
    found = standing(catalog({"id": "m0"}), [*whole("m0", 60.0), report("m0", score=60.0, date="2026-05-01")], TODAY)[
        "m0"
    ]
    assert (found.label, found.value, str(found.as_of)) == ("measured", pytest.approx(60.0), "2026-05-01")
    assert [part.benchmark for part in found.parts] == ["mmlu_pro", "humaneval_plus", "math500", "gpqa"]


def test_a_report_under_an_alias_counts_and_an_id_is_never_another_models_alias() -> None:
    models = catalog({"id": "m0", "aliases": ["old-name", "m1"]}, {"id": "m1"})
    found = standing(models, [report("old-name", score=10.0), report("m1", score=90.0)], TODAY)
    assert (found["m0"].value, found["m1"].value) == (10.0, 90.0)


def test_a_report_from_the_future_is_not_counted() -> None:
    assert standing(catalog({"id": "m0"}), whole("m0", 60.0, date="2026-12-01"), TODAY)["m0"].label == "unknown"


def test_a_model_without_a_report_is_estimated_from_those_that_have_one() -> None:
    models, reports = confirmed(12)
    found = standing(catalog(*models, {"id": "new", "family": "a", "price": 4.0}), reports, TODAY)["new"]
    assert (found.label, found.parts) == ("estimated", ())
    assert found.value is not None
    assert found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]
    assert "family, price by a regression on 12 confirmed models" in found.reason


@pytest.mark.parametrize("count", [0, 1, LEAST_CONFIRMED - 1])
def test_too_few_confirmed_models_are_no_ground_for_a_number(count: int) -> None:
    models, reports = confirmed(count)
    found = standing(catalog(*models, {"id": "new", "family": "a"}), reports, TODAY)["new"]
    assert (found.label, found.value, found.interval) == ("unknown", None, None)
    assert f"{count} models with confirmed benchmarks" in found.reason
    assert "8 are needed" in found.reason


def test_a_model_of_which_nothing_is_known_is_unknown_and_a_price_that_nobody_takes_is_nothing() -> None:
    models, reports = confirmed(12)
    found = standing(catalog(*models, {"id": "new", "basis": "illustrative"}), reports, TODAY)["new"]
    assert (found.label, found.value) == ("unknown", None)
    assert "neither family, release date, price nor use is known" in found.reason


def test_who_has_a_small_part_measured_is_no_ground_for_others() -> None:
    models, reports = confirmed(12)
    only_gpqa = [each for each in reports if each.benchmark == "gpqa"]
    found = standing(catalog(*models, {"id": "new", "family": "a"}), only_gpqa, TODAY)
    assert found["m0"].label == "measured"
    assert "0 models with confirmed benchmarks" in found["new"].reason


ABOUT = st.fixed_dictionaries(
    {"price": st.floats(0.01, 500).map(lambda price: round(price, 4))},
    optional={
        "family": st.sampled_from("abc"),
        "released": st.sampled_from(["2020-01-01", "2025-06-01", "2026-11-01"]),
        "popularity": st.integers(0, 10**6).map(used),
    },
)


@given(st.lists(ABOUT, min_size=8, max_size=14), st.lists(st.floats(1, 100), min_size=14, max_size=14), ABOUT)
def test_no_estimate_and_no_end_of_its_interval_reaches_a_confirmed_frontier_model(
    about: list[dict[str, Any]], scores: list[float], new: dict[str, Any]
) -> None:
    models = [{"id": f"m{n}", **each} for n, each in enumerate(about)]
    reports = [each for n in range(len(models)) for each in whole(f"m{n}", scores[n])]
    found = standing(catalog(*models, {"id": "new", **new}), reports, TODAY)["new"]
    if found.value is None or found.interval is None:
        return
    best = sorted((scores[n] for n in range(len(models))), reverse=True)[: -(-len(models) // 4)]
    assert 0 <= found.interval[0] <= found.value <= found.interval[1] < min(best)


@settings(max_examples=20)
@given(st.lists(st.booleans() | st.none(), min_size=13, max_size=13))
def test_open_and_closed_weights_are_treated_the_same(opened: list[bool | None]) -> None:
    models, reports = confirmed(12)
    models.append({"id": "new", "family": "b", "price": 3.0})

    def with_weights(values: list[bool | None]) -> Catalog:
        pairs = zip(models, values, strict=True)
        return catalog(*({**each, **({} if value is None else {"open_weights": value})} for each, value in pairs))

    assert standing(with_weights(opened), reports, TODAY) == standing(with_weights([True] * 13), reports, TODAY)


def test_the_interval_of_an_estimate_holds_what_the_model_turns_out_to_be() -> None:
    """By simulation: families that differ, a slope by price and noise; 90 % are claimed, and the bound is 3 σ below."""
    random = np.random.default_rng(1)
    tops = {f"top{n}": (Known(None, None, None, None), 99.0) for n in range(9)}  # so that the cap is not what is tested
    held, cases = 0, 600
    for _ in range(cases):
        family = dict(zip("abcd", random.normal(0, 5, 4), strict=True))
        known = [Known("abcd"[n % 4], None, float(random.normal(0, 1)), None) for n in range(16)]
        truth = [50 + 3 * (each.price or 0) + family[each.family or ""] + float(random.normal(0, 5)) for each in known]
        found = Estimator({f"m{n}": (known[n], truth[n]) for n in range(1, 16)} | tops).estimate(known[0])
        assert not isinstance(found, str)
        held += found.interval[0] <= truth[0] <= found.interval[1]
    assert held / cases > 0.9 - 3 * (0.9 * 0.1 / cases) ** 0.5
