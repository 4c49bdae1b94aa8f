"""Captured traffic in the store."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from evalgate.store import Store
from evalgate.store.captures import Captured, Captures

CALL = Captured(
    capture="c1",
    response="chatcmpl-1",
    at=1000.0,
    caller="key-1",
    operation="sort",
    model="m",
    variant="cheap",
    path="/chat/completions",
    body={"messages": [{"role": "user", "content": "x"}]},
    answer={"id": "chatcmpl-1", "choices": [{"message": {"content": "billing"}}]},
)


def test_what_was_captured_comes_back_as_it_was(store: Store) -> None:
    captures = Captures(store)
    captures.add([CALL])
    captures.add([CALL])
    assert captures.undecided("sort") == [CALL]
    assert captures.undecided("other") == []


def test_a_correction_reaches_the_call_of_the_same_key_only(store: Store) -> None:
    captures = Captures(store)
    captures.add([CALL])
    assert not captures.correct("chatcmpl-1", "another", "shipping")
    assert captures.correct("chatcmpl-1", "key-1", "shipping")
    assert captures.undecided("sort")[0].correction == "shipping"


def test_corrected_calls_come_first_and_decided_ones_no_more(store: Store) -> None:
    captures = Captures(store)
    captures.add([CALL, replace(CALL, capture="c2", response="chatcmpl-2", at=2000.0)])
    captures.correct("chatcmpl-2", "key-1", {"label": "shipping"})
    assert [each.capture for each in captures.undecided("sort")] == ["c2", "c1"]
    captures.decide(["c2"], 3000.0)
    assert [each.capture for each in captures.undecided("sort")] == ["c1"]
    assert captures.counts() == [("sort", 2, 1, 1)]


def test_shadows_are_no_calls_of_their_own(store: Store) -> None:
    captures = Captures(store)
    captures.add([CALL, replace(CALL, capture="s1", variant="red", shadow_of="c1")])
    assert [each.capture for each in captures.undecided("sort")] == ["c1"]
    assert [each.variant for each in captures.shadows(["c1"])["c1"]] == ["red"]


def test_what_is_old_is_forgotten(store: Store) -> None:
    captures = Captures(store)
    captures.add([CALL, replace(CALL, capture="c2", at=2000.0)])
    assert captures.forget(1500.0) == 1
    assert [each.capture for each in captures.undecided("sort")] == ["c2"]


def test_a_day_s_budget_is_never_overdrawn(store: Store) -> None:
    captures, budget = Captures(store), Decimal("0.01")
    taken = [captures.spend("2026-11-30", Decimal("0.003"), budget) for _ in range(5)]
    assert taken == [True, True, True, False, False]
    assert captures.spend("2026-12-01", Decimal("0.01"), budget)
