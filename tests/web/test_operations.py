"""What a page says of the tiers is what the router does, and its proof is what the signal says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from evalgate.router import Breaker, Call, Standing, choose
from evalgate.signal.document import SignalDocument, SignalEntry
from evalgate.web import Proofs, View
from evalgate.web.operations import Operation, Proof, operations
from evalgate.web.tiers import tiers
from tests.web.world import MODEL, catalog_in, entry_of, signal_for, view_in


def proof(operation: Operation, variant: str) -> Proof:
    return next(each for each in operation.proofs if each.variant == variant)


def changed(view: View, change: Callable[[SignalEntry], SignalEntry]) -> View:
    document = view.proofs.document
    assert document is not None
    entries = tuple(change(entry) for entry in document.entries)
    return replace(view, proofs=Proofs(document.model_copy(update={"entries": entries}), view.catalog))


def test_the_pick_is_the_one_that_the_router_makes(view: View) -> None:
    for each in operations(view, MODEL):
        decision = choose(Call(each.name, model=MODEL), view.proofs.table, now=view.now)
        assert each.pick is not None
        assert decision.chosen is not None
        assert each.pick.variant == decision.chosen.id
        assert each.pick.then == " → ".join(option.id for option in decision.order[1:])
        assert [row.variant for row in each.proofs if row.chosen] == [decision.chosen.id]


def test_each_verdict_tells_its_n_its_age_and_how_long_it_holds(view: View) -> None:
    assert proof(operations(view, MODEL)[0], "fp8").cases == "n = 300 cases, 3 d ago, valid 4 d more"


def test_each_verdict_has_its_word_and_shape(view: View) -> None:
    found = operations(view, MODEL)[0]
    told = {each.variant: (each.outcome, each.word) for each in found.proofs}
    assert told == {
        "full": ("baseline", "baseline"),
        "fp8": ("green", "green"),
        "int4": ("red", "red"),
        "hidden": ("inconclusive", "not proven"),
    }


def test_a_green_that_ran_out_is_no_longer_green(view: View) -> None:
    found = operations(replace(view, now=view.now + timedelta(days=30)), MODEL)[0]
    assert (proof(found, "fp8").outcome, proof(found, "fp8").word) == ("inconclusive", "expired")
    assert found.pick is not None
    assert (found.pick.variant, found.pick.certified, found.pick.saves) == ("full", False, "—")


def test_a_green_of_another_configuration_is_not_eligible(view: View) -> None:
    def other(entry: SignalEntry) -> SignalEntry:
        return entry.model_copy(update={"variant": entry.variant.model_copy(update={"config": "sha256:" + "f" * 64})})

    row = proof(operations(changed(view, other), MODEL)[0], "fp8")
    assert (row.outcome, row.word) == ("inconclusive", "not eligible")
    assert "its configuration changed since it was judged" in row.reason


def test_a_red_that_may_lie_within_the_margin_is_called_worse(view: View) -> None:
    def within(entry: SignalEntry) -> SignalEntry:
        return entry.model_copy(update={"evidence": entry.evidence.model_copy(update={"beyond_margin": False})})

    assert proof(operations(changed(view, within), MODEL)[0], "int4").word == "worse"


def test_a_breaker_of_the_gateway_is_seen_on_the_page(view: View) -> None:
    failing = {"fp8": Standing(breaker=Breaker(failures=9, open_until=view.now.timestamp() + 60))}
    found = operations(replace(view, standings=lambda operation: failing), MODEL)[0]
    assert found.pick is not None
    assert found.pick.variant == "full"
    assert "breaker" in proof(found, "fp8").reason


def test_a_variant_that_the_signal_does_not_know_is_not_judged(tmp_path: Path) -> None:
    catalog = catalog_in(tmp_path)
    document = signal_for(catalog).model_copy(update={"entries": (entry_of(catalog, "fp8", "green", "sort"),)})
    found = operations(replace(view_in(tmp_path), proofs=Proofs(document, catalog)), MODEL)[0]
    assert proof(found, "int4").word == "not judged"


def test_a_baseline_that_the_catalogue_lost_is_said_and_the_verdicts_stay(view: View) -> None:
    lost = changed(view, lambda entry: entry.model_copy(update={"baseline": "gone"}))
    found = operations(lost, MODEL)[0]
    assert found.pick is None
    assert "'gone'" in found.trouble
    assert {each.word for each in found.proofs} == {"not eligible", "red", "not proven"}


def test_live_figures_are_those_of_the_operation(view: View) -> None:
    extract, sort = operations(view, MODEL)
    assert proof(sort, "fp8").live == "716 / 4,091 ms"
    assert "n = 45, 12 s ago" in proof(sort, "fp8").live_n
    assert proof(extract, "fp8").live == "—"


def test_a_batch_discount_is_told_where_the_pick_has_one(view: View) -> None:
    found = operations(view, MODEL)
    assert found[0].pick is not None
    assert found[0].pick.batch == "a further 50 % off"
    assert tiers(view, MODEL, found)[2].whom == "2 of 2 operations at a batch discount"


def test_realtime_names_the_baseline_and_says_so_where_nobody_is_one(view: View) -> None:
    assert tiers(view, MODEL, operations(view, MODEL))[0].whom == "full (bf16) at $1.00 / 1M"
    assert tiers(view, "solo", [])[0].whom == "solo-full (fp16) at $3.00 / 1M"
    assert tiers(view, "nobody/knows", [])[0].whom == "nobody yet"


@pytest.mark.parametrize("run", ["", "nightly", "20269999-999999-abcd", "x" * 10_000])
def test_a_run_that_does_not_tell_its_time_has_no_age(view: View, run: str) -> None:
    def named(entry: SignalEntry) -> SignalEntry:
        return entry.model_copy(update={"evidence": entry.evidence.model_copy(update={"run": run})})

    assert proof(operations(changed(view, named), MODEL)[0], "fp8").cases == "n = 300 cases, valid 4 d more"


def test_nothing_is_proven_by_a_document_from_the_future(view: View) -> None:
    document: SignalDocument | None = view.proofs.document
    assert document is not None
    early = replace(view, now=document.issued_at - timedelta(days=1))
    assert all(each.pick is not None and not each.pick.certified for each in operations(early, MODEL))
