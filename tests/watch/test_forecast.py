"""What a month of watching takes, and the demonstration that it is worth it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.plan import Contest, plan
from evalgate.plan.watching import Wish, watch_forecast
from evalgate.suite import load_suite
from evalgate.watch.demo import NEXT, SWAPPED, SWAPPED_ON, play
from tests.conftest import catalog, suite_file, variant
from tests.watch.conftest import Silent, World


def contest(folder: Path, **watch: object) -> Contest:
    rows = [{"id": f"c{n}", "input": f"number {n}", "target": "x"} for n in range(200)]
    suite = suite_file(folder, cases=rows, near_duplicates="allow", repeats=2, gate={"margin": 0.05, "watch": watch})
    (made,) = plan([load_suite(suite)], catalog(folder, variant("full"), variant("cheap", tag="cheap")))
    return made


def test_a_month_asks_every_side_each_day_and_finds_the_larger_drop_sooner(tmp_path: Path) -> None:
    told = watch_forecast(contest(tmp_path, cases_per_day=40))
    assert told.baseline_calls == 30 * 40 * 2
    assert told.calls == 2 * told.baseline_calls
    assert told.dollars > 0
    (side,) = told.variants
    assert not side.known
    assert side.delays[0.10].median < side.delays[0.05].median


def test_the_best_schedule_keeps_to_its_budget(tmp_path: Path) -> None:
    made = contest(tmp_path)
    dear = watch_forecast(made)
    told = watch_forecast(made, wish=Wish(0.1, budget=dear.dollars / 2))
    assert told.better is not None
    assert told.better_dollars is not None
    assert Decimal(0) < told.better_dollars <= dear.dollars / 2


def test_where_nobody_is_green_there_is_nobody_to_watch(world: World) -> None:
    for name in ("cheap", "other"):
        world.wrong[name] = lambda number: number % 2 > 0
    board = world.check()
    with world.store() as store, pytest.raises(InputError, match="nobody to watch"):
        watch_forecast(world.contest(store), board.operations)


def test_in_the_demonstration_the_swap_is_found_on_its_day_and_traffic_goes_to_the_next(tmp_path: Path) -> None:
    recordings = Path("suites/lab/recordings")
    days = list(
        play(Path("suites/lab/add_numbers/suite.yaml"), recordings, tmp_path / "demo", Silent(), days=SWAPPED_ON)
    )
    assert {day.routed_to for day in days[:-1]} == {SWAPPED}
    assert days[-1].routed_to == NEXT
    assert any("suspended" in line for line in days[-1].said)
