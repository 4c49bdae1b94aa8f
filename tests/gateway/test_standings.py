"""What a process knows of its variants: breakers, figures, and who is out for being slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.gateway.standings import Health
from tests.gateway.house import CHEAP, Counts, house


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The counter that says how old figures are."""
    at = [100.0]
    monkeypatch.setattr("evalgate.gateway.standings.time.monotonic", lambda: at[0])
    return at


def test_who_is_slow_is_out_until_well_below_the_target(now: list[float]) -> None:
    counts = Counts()
    health = Health(counts, 1000.0)
    slow = []
    for p95 in (900.0, 1100.0, 900.0, 790.0, 900.0):
        counts.known = {"cheap": (1.0, p95)}
        now[0] += 2
        slow.append(health.of("sort")["cheap"].slow)
    assert slow == [False, True, True, False, False]


def test_figures_count_for_a_second(now: list[float]) -> None:
    counts = Counts(known={"cheap": (0.5, None)})
    health = Health(counts, None)
    assert health.of("sort")["cheap"].success == 0.5
    counts.known = {"cheap": (0.9, None)}
    assert health.of("sort")["cheap"].success == 0.5
    now[0] += 1
    assert health.of("sort")["cheap"].success == 0.9


def test_what_was_handed_out_is_not_changed_by_what_happens_then(now: list[float]) -> None:
    health = Health(Counts(known={"cheap": (1.0, None)}), None)
    before = health.of("sort")
    health.failed("cheap", "sort", 1000.0, 60.0)
    assert before["cheap"].breaker.closed
    assert not health.of("sort")["cheap"].breaker.closed
    assert list(health.open_breakers()) == [("cheap", "sort")]


def test_a_variant_that_is_too_slow_is_not_asked(tmp_path: Path) -> None:
    with house(tmp_path, CHEAP, settings={"p95_target_ms": 500}) as up:
        up.counts.known = {"cheap": (1.0, 900.0)}
        assert up.ask(headers={"x-evalgate-explain": "1"}).json()["delivery"]["variant"] == "full"


def test_success_on_live_traffic_weighs_the_price(tmp_path: Path) -> None:
    with house(tmp_path, CHEAP) as up:
        up.counts.known = {"cheap": (0.01, None)}
        assert up.ask().json()["delivery"]["variant"] == "full"
