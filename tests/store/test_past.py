"""Runs by their names, and what answers cost: the same on every database."""

from __future__ import annotations

from decimal import Decimal

import pytest

from evalgate.store import Store
from evalgate.store.past import board_of, costs_of, run_names
from tests.store.conftest import bought


def test_runs_are_named_the_newest_first(store: Store) -> None:
    for run, at in (("b", 2.0), ("c", 1.0), ("a", 2.0)):
        store.record_run(run, at, {"run": run})
    assert run_names(store) == ["b", "a", "c"]
    assert board_of(store, "a") == {"run": "a"}


def test_a_run_that_is_not_there_has_no_board(store: Store) -> None:
    assert run_names(store) == []
    with pytest.raises(KeyError, match="nope"):
        board_of(store, "nope")


def test_costs_are_exact_and_unknown_answers_have_none(store: Store) -> None:
    some = [bought(f"r{n}", cost="0.000000000003") for n in range(1200)]
    store.add(some)
    found = costs_of(store, [*(one.key for one in some), "unknown"])
    assert found == {one.key: Decimal("0.000000000003") for one in some}
