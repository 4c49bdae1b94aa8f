"""The whole choice: filters, limits, latency, breaker, cost, fallbacks; no doubt ever picks a cheap variant."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.router import (
    Breaker,
    Call,
    Decision,
    MaxPrice,
    Preferences,
    RoutingTable,
    Standing,
    choose,
    explain,
)
from tests.router.house import LATER, Variant, call, catalog_of, decide, order, signal_of

AT = LATER.timestamp()
A, B, C = Variant("a", 0.1), Variant("b", 0.2), Variant("c", 0.3)
OPEN = Breaker(failures=5, pauses=1, open_until=AT + 15)


def why(decision: Decision, variant: str) -> str:
    return next(each.reason for each in explain(decision).candidates if each.endpoint.id == variant)


def test_on_failure_the_next_cheapest_is_asked_and_the_baseline_last(tmp_path: Path) -> None:
    assert order(decide(tmp_path, C, A, B)) == ["a", "b", "c", "full"]


def test_who_is_red_or_unknown_or_not_judged_is_not_even_a_fallback(tmp_path: Path) -> None:
    variants = (replace(A, state="red"), replace(B, state="unknown"), replace(C, state=None))
    assert order(decide(tmp_path, *variants, Variant("d", 0.9))) == ["d", "full"]


def test_a_green_entry_by_a_red_verdict_is_not_believed(tmp_path: Path) -> None:
    catalogue = catalog_of(tmp_path, A)
    document = signal_of(catalogue, A)
    entry = document.entries[0].model_copy(update={"verdict": "red"})
    table = RoutingTable(document.model_copy(update={"entries": (entry,)}), catalogue)
    assert order(choose(Call("sort"), table, now=LATER)) == ["full"]


def test_realtime_is_the_baseline_alone(tmp_path: Path) -> None:
    decision = decide(tmp_path, A, call=call(tier="realtime"))
    assert order(decision) == ["full"]
    assert not decision.upgraded
    assert why(decision, "a").startswith("the call is realtime")


def test_standard_that_only_the_baseline_can_serve_is_an_upgrade(tmp_path: Path) -> None:
    assert decide(tmp_path, replace(A, state="red")).upgraded
    assert not decide(tmp_path, A).upgraded


def test_an_operation_without_a_suite_is_realtime(tmp_path: Path) -> None:
    decision = decide(tmp_path, A, call=Call("unheard-of", "model"))
    assert order(decision) == ["full"]
    assert "no suite judges 'unheard-of'" in explain(decision).reason


def test_without_a_signal_everything_is_the_baseline_that_the_catalogue_names(tmp_path: Path) -> None:
    table = RoutingTable(None, catalog_of(tmp_path, A, extra="\n    baseline: full"))
    decision = choose(Call("sort", "model"), table, now=LATER)
    assert order(decision) == ["full"]
    assert decision.seq is None


def test_where_nobody_says_who_the_baseline_is_nobody_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nobody says who the baseline of 'model' is; set `baseline:`"):
        choose(Call("sort", "model"), RoutingTable(None, catalog_of(tmp_path, A)), now=LATER)


NEEDS = [
    ({"tools": True}, ", capabilities: {tools: true}"),
    ({"tools": True, "tool_choice": "required"}, ", capabilities: {tools: true}"),
    ({"tools": True, "tool_choice": "none"}, ", capabilities: {tools: true, tool_choice: [auto, none]}"),
    ({"json_schema": True}, ", capabilities: {json_schema: true}"),
    ({"images": True}, ", capabilities: {images: true}"),
    ({"input_tokens": 5000, "max_output": 1000}, ", capabilities: {context: 6000}"),
    ({"input_tokens": 5000}, ", capabilities: {context: 5000}"),
    ({"max_price": MaxPrice(Decimal("0.15"), Decimal("0.3"))}, ""),
    ({"data_policy": "no_training"}, ", data_policy: zero_retention"),
    ({"data_policy": "zero_retention"}, ", data_policy: zero_retention"),
]


@pytest.mark.parametrize(("needs", "extra"), NEEDS)
def test_who_can_serve_the_call_does(tmp_path: Path, needs: dict[str, object], extra: str) -> None:
    decision = decide(tmp_path, replace(A, extra=extra), call=call(**needs))
    assert order(decision)[0] == "a"


@pytest.mark.parametrize(
    ("needs", "extra", "reason"),
    [
        ({"tools": True}, "", "tools"),
        (
            {"tools": True, "tool_choice": "required"},
            ", capabilities: {tools: true, tool_choice: [auto, none]}",
            "does not obey the call's tool_choice",
        ),
        ({"json_schema": True}, "", "JSON schema"),
        ({"images": True}, "", "not known to see images"),
        ({"media": True}, ", capabilities: {images: true}", "sound, films or files"),
        ({"completions": True}, ", capabilities: {completions: false}", "completions"),
        ({}, ", capabilities: {chat: false}", "chat"),
        ({"input_tokens": 5000, "max_output": 1001}, ", capabilities: {context: 6000}", "context is too short"),
        ({"input_tokens": 5000}, "", "much longer than what it was judged on"),
        ({"max_output": 11}, ", capabilities: {max_output: 10}", "shorter than the call asks for"),
        ({"max_price": MaxPrice(None, Decimal("0.09"))}, "", "max_price"),
        ({"data_policy": "zero_retention"}, ", data_policy: no_training", "data policy"),
        ({"data_policy": "no_training"}, "", "data policy"),
    ],
)
def test_who_is_not_known_to_serve_the_call_does_not(
    tmp_path: Path, needs: dict[str, object], extra: str, reason: str
) -> None:
    decision = decide(tmp_path, replace(A, extra=extra), call=call(**needs))
    assert "a" not in order(decision)
    assert reason in why(decision, "a")


def test_a_limit_that_the_baseline_breaks_too_leaves_nobody_rather_than_breaking_it(tmp_path: Path) -> None:
    decision = decide(tmp_path, replace(A, state="red"), call=call(max_price=MaxPrice(Decimal("0.5"))))
    assert order(decision) == []
    assert "dearer than the call's max_price" in explain(decision).reason
    assert explain(decision).alarm


def test_a_need_that_nobody_is_known_to_have_goes_to_the_baseline(tmp_path: Path) -> None:
    assert order(decide(tmp_path, A, call=call(tools=True))) == ["full"]


def test_an_open_breaker_takes_a_variant_out_of_the_order(tmp_path: Path) -> None:
    decision = decide(tmp_path, A, B, standings={"a": Standing(breaker=OPEN)})
    assert order(decision) == ["b", "full"]
    assert "breaker is open" in why(decision, "a")


def test_a_failing_baseline_gives_way_to_a_dearer_green_and_stays_the_last_resort(tmp_path: Path) -> None:
    dear = Variant("dear", 3)
    assert order(decide(tmp_path, dear)) == ["full"]
    assert order(decide(tmp_path, dear, standings={"full": Standing(breaker=OPEN)})) == ["dear", "full"]


def test_a_failing_baseline_never_gives_way_to_a_red_and_raises_an_alarm(tmp_path: Path) -> None:
    decision = decide(tmp_path, replace(A, state="red"), standings={"full": Standing(breaker=OPEN)})
    assert order(decision) == ["full"]
    assert "baseline full is failing" in explain(decision).alarm


def test_too_slow_is_out_above_the_target_and_back_below_four_fifths_of_it(tmp_path: Path) -> None:
    wanted = Preferences(p95_target_ms=1000)

    def takes(p95: float | None, *, slow: bool) -> bool:
        standing = {"a": Standing(p95_ms=p95, slow=slow)}
        return order(decide(tmp_path, A, standings=standing, preferences=wanted))[0] == "a"

    assert takes(1000, slow=False)
    assert not takes(1001, slow=False)
    assert not takes(800, slow=True)
    assert takes(799, slow=True)
    assert takes(None, slow=True)


def test_cost_is_divided_by_the_success_of_live_traffic(tmp_path: Path) -> None:
    assert order(decide(tmp_path, A, B, standings={"a": Standing(success=0.4)})) == ["b", "a", "full"]
    assert order(decide(tmp_path, A, B, standings={"a": Standing(success=0.05)})) == ["b", "full"]
    decision = decide(tmp_path, A, B, standings={"a": Standing(success=0.0)})
    assert order(decision) == ["b", "full"]
    assert why(decision, "a").startswith("none of its calls succeeds")


def test_weighted_draws_by_the_inverse_square_and_leaves_nobody_below_the_floor(tmp_path: Path) -> None:
    variants = [A, Variant("b", 0.2), Variant("dear", 0.99)]
    catalogue = catalog_of(tmp_path, *variants)
    table = RoutingTable(signal_of(catalogue, *variants), catalogue)
    wanted = Preferences("weighted", explore=0.05)
    first = [order(choose(Call("sort"), table, now=LATER, seed=seed, preferences=wanted))[0] for seed in range(20_000)]
    a, b, dear = (first.count(name) / 20_000 for name in ("a", "b", "dear"))
    assert (a - 0.05) / (b - 0.05) == pytest.approx(4, rel=0.15)
    assert dear >= 0.05
    assert a + b + dear == 1


def test_weighted_never_draws_who_is_not_eligible_or_costs_more_than_the_baseline(tmp_path: Path) -> None:
    variants = [replace(A, state="red"), B, Variant("dear", 5)]
    wanted = Preferences("weighted", explore=1)
    assert {order(decide(tmp_path, *variants, seed=s, preferences=wanted))[0] for s in range(40)} == {"b"}


def test_a_clock_that_was_set_back_makes_nobody_eligible(tmp_path: Path) -> None:
    catalogue = catalog_of(tmp_path, A)
    table = RoutingTable(signal_of(catalogue, A), catalogue)
    decision = choose(Call("sort"), table, now=LATER - timedelta(days=1))
    assert order(decision) == ["full"]
    assert "clock" in why(decision, "a")


def test_a_signal_of_two_models_asks_which(tmp_path: Path) -> None:
    catalogue = catalog_of(tmp_path, A)
    document = signal_of(catalogue, A)
    other = document.entries[0].model_copy(update={"model": "other"})
    other = other.model_copy(update={"variant": other.variant.model_copy(update={"id": "z"})})
    table = RoutingTable(document.model_copy(update={"entries": (*document.entries, other)}), catalogue)
    with pytest.raises(InputError, match="several models; name one"):
        choose(Call("sort"), table, now=LATER)
    assert order(choose(Call("sort", "model"), table, now=LATER)) == ["a", "full"]


def test_an_operation_whose_model_left_the_catalogue_does_not_stop_the_others(tmp_path: Path) -> None:
    catalogue = catalog_of(tmp_path, A)
    document = signal_of(catalogue, A)
    gone = document.entries[0].model_copy(update={"operation": "gone", "model": "gone"})
    table = RoutingTable(document.model_copy(update={"entries": (*document.entries, gone)}), catalogue)
    assert order(choose(Call("sort"), table, now=LATER)) == ["a", "full"]
    with pytest.raises(InputError, match="no model 'gone'"):
        choose(Call("gone"), table, now=LATER)


STATES = st.sampled_from(["green", "red", "unknown", None])
STANDINGS = st.builds(
    Standing,
    success=st.none() | st.floats(0, 1),
    p95_ms=st.none() | st.floats(0, 1e5),
    slow=st.booleans(),
    breaker=st.sampled_from([Breaker(), OPEN, Breaker(5, 1, AT - 1), Breaker(5, 1, AT - 1, AT + 30)]),
)
CALLS = st.builds(
    Call,
    operation=st.sampled_from(["sort", "other", None]),
    model=st.just("model"),
    tier=st.sampled_from(["realtime", "standard", "batch"]),
    tools=st.booleans(),
    images=st.booleans(),
    media=st.booleans(),
    input_tokens=st.none() | st.integers(0, 10**7),
    max_output=st.none() | st.integers(1, 10**6),
    max_price=st.none() | st.builds(MaxPrice, st.none() | st.decimals(0, 2, places=2), st.none()),
    data_policy=st.sampled_from([None, "no_training", "zero_retention"]),
)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(STATES, st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0]), STANDINGS), max_size=6),
    CALLS,
    STANDINGS,
    st.integers(),
    st.sampled_from(["cheapest", "weighted"]),
    st.integers(-30, 30),
)
def test_whatever_happens_only_the_eligible_are_asked_and_the_baseline_last(
    drawn: list[tuple[str | None, float, Standing]],
    asked: Call,
    baseline: Standing,
    seed: int,
    strategy: str,
    days: int,
) -> None:
    variants = [Variant(f"v{n}", price, state) for n, (state, price, _) in enumerate(drawn)]
    with tempfile.TemporaryDirectory() as folder:
        catalogue = catalog_of(Path(folder), *variants, extra="\n    baseline: full")
        document = signal_of(catalogue, *variants)
    standings = {f"v{n}": standing for n, (_, _, standing) in enumerate(drawn)} | {"full": baseline}
    now = LATER + timedelta(days=days)
    wanted = Preferences(strategy, 500.0)  # type: ignore[arg-type]
    decision = choose(
        asked, RoutingTable(document, catalogue), now=now, standings=standings, seed=seed, preferences=wanted
    )
    names = order(decision)
    valid = {e.variant.id for e in document.entries if e.state == "green" and e.valid_until > now}
    assert set(names[:-1]) <= valid
    assert len(set(names)) == len(names)
    assert not names or names[-1] == "full" or set(names) <= valid
    if asked.tier == "realtime" or asked.operation != "sort":
        assert names in (["full"], [])
    if asked.max_price is None and asked.data_policy is None:
        assert names[-1] == "full"
    told = explain(decision)
    assert [each.endpoint.id for each in told.candidates if each.usable] != [] or not names
    assert {each.endpoint.id for each in told.candidates if each.usable} == set(names)
    assert all(each.reason for each in told.candidates)
