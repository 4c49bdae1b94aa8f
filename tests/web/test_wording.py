"""Prices, shares and ages read alike everywhere, and never look better than they are."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from evalgate.telemetry import Share, Spread
from evalgate.web import wording
from tests.web.world import NOW


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.15", "$0.15"), ("0.1070", "$0.1070"), ("12", "$12.00"), ("0.000001", "$0.000001"), ("0", "$0.00")],
)
def test_a_price_has_two_places_or_four(value: str, text: str) -> None:
    assert wording.dollars(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "100 %"), (0.99999, "99.99 %"), (0.00001, "0.01 %"), (0.0, "0 %"), (None, "—")]
)
def test_a_share_looks_whole_only_where_nothing_failed(value: float | None, text: str) -> None:
    assert wording.share(Share(value, 812)) == text


def test_percentiles_are_told_as_far_as_they_are_known() -> None:
    assert wording.both(Spread(716, 4091, 90)) == "716 / 4,091 ms"
    assert wording.both(Spread(716, None, 9)) == "716 / — ms"
    assert wording.both(Spread(None, None, 3)) == "—"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12, "12 s ago"), (0, "now"), (-5, "now"), (60, "1 min ago"), (7_300, "2 h ago"), (3 * 86_400, "3 d ago")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert wording.ago(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(2048, "2,048"), (128_000, "128K"), (999_999, "1M"), (1_048_576, "1.05M"), (None, "—")],
)
def test_a_context_is_told_shortly(count: int | None, text: str) -> None:
    assert wording.tokens(count) == text
