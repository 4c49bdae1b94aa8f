"""The standard tier's choice: the cheapest that may be used; every doubt falls towards the baseline."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from evalgate.catalog import Catalog, load_catalog
from evalgate.errors import InputError
from evalgate.router import Decision, explain, select
from evalgate.signal import SignalDocument, issue
from tests.signal.test_document import NOW, board

CATALOG = """\
version: 1
providers: [{id: acme, base_url: "http://127.0.0.1:1/v1"}]
models:
  - id: model
    variants:
      - {id: full, provider: acme, quantization: bf16, price: {input: 1, output: 2}}
      - {id: cheap, provider: acme, quantization: fp8, price: {input: PRICE, output: PRICE}}
      - {id: unjudged, provider: acme, quantization: int4, price: {input: 0.01, output: 0.01}}
"""


def catalog(folder: Path, price: str = "0.5") -> Catalog:
    path = folder / "catalog.yaml"
    path.write_text(CATALOG.replace("PRICE", price))
    return load_catalog(path)


def signal(catalogue: Catalog, outcome: str = "green", **changes: object) -> SignalDocument:
    document = issue(board(outcome), None, stream="a/b", now=NOW)  # type: ignore[arg-type]
    entry = document.entries[0]
    config = catalogue.endpoints("model")["cheap"].config
    variant = entry.variant.model_copy(update={"config": config})
    baseline = catalogue.endpoints("model")["full"].config
    evidence = entry.evidence.model_copy(update={"baseline_config": baseline})
    entry = entry.model_copy(update={"variant": variant, "evidence": evidence, **changes})
    return document.model_copy(update={"entries": (entry,)})


def chosen(decision: Decision) -> str:
    assert decision.chosen is not None
    return decision.chosen.id


def choose(folder: Path, document: SignalDocument, price: str = "0.5") -> Decision:
    return select("sort", document, catalog(folder, price), now=NOW + timedelta(hours=1))


def test_the_cheapest_green_variant_is_chosen(tmp_path: Path) -> None:
    decision = choose(tmp_path, signal(catalog(tmp_path)))
    assert chosen(decision) == "cheap"
    assert 0 < explain(decision).saving < 1


def test_a_variant_that_nobody_judged_is_not_taken_however_cheap(tmp_path: Path) -> None:
    decision = choose(tmp_path, signal(catalog(tmp_path)))
    (unjudged,) = (each for each in explain(decision).candidates if each.endpoint.id == "unjudged")
    assert not unjudged.eligible
    assert unjudged.reason == "not in the signal"


@pytest.mark.parametrize("outcome", ["red", "inconclusive"])
def test_what_is_not_green_falls_to_the_baseline(tmp_path: Path, outcome: str) -> None:
    assert chosen(choose(tmp_path, signal(catalog(tmp_path), outcome))) == "full"


def test_an_expired_green_falls_to_the_baseline(tmp_path: Path) -> None:
    document = signal(catalog(tmp_path), valid_until=NOW)
    decision = choose(tmp_path, document)
    assert chosen(decision) == "full"
    assert "expired" in {each.endpoint.id: each.reason for each in explain(decision).candidates}["cheap"]


def test_a_green_that_is_dearer_than_the_baseline_is_not_taken(tmp_path: Path) -> None:
    assert chosen(choose(tmp_path, signal(catalog(tmp_path, "9")), "9")) == "full"


def test_a_green_against_another_baseline_falls_to_the_baseline(tmp_path: Path) -> None:
    document = signal(catalog(tmp_path))
    entry = document.entries[0]
    other = entry.evidence.model_copy(update={"baseline_config": "sha256:" + "9" * 64})
    document = document.model_copy(update={"entries": (entry.model_copy(update={"evidence": other}),)})
    decision = choose(tmp_path, document)
    assert chosen(decision) == "full"
    assert (
        "the baseline's configuration changed"
        in {c.endpoint.id: c.reason for c in explain(decision).candidates}["cheap"]
    )


def test_cost_is_per_successful_call(tmp_path: Path) -> None:
    document = signal(catalog(tmp_path))
    entry = document.entries[0]
    failing = entry.evidence.model_copy(update={"success": 0.25})
    document = document.model_copy(update={"entries": (entry.model_copy(update={"evidence": failing}),)})
    assert chosen(choose(tmp_path, document)) == "full"


def test_an_operation_that_the_signal_does_not_know_is_an_error_that_lists_what_there_is(tmp_path: Path) -> None:
    document = signal(catalog(tmp_path))
    with pytest.raises(InputError, match="no operation 'other'; it has: sort"):
        select("other", document, catalog(tmp_path), now=NOW)


def test_the_same_inputs_give_the_same_decision(tmp_path: Path) -> None:
    document, catalogue = signal(catalog(tmp_path)), catalog(tmp_path)
    first, second = (select("sort", document, catalogue, now=NOW) for _ in range(2))
    assert explain(first) == explain(second)


def test_who_saves_nothing_does_not_replace_the_baseline(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text(CATALOG.replace("PRICE", "1").replace("output: 2", "output: 1"))
    same = load_catalog(path)
    decision = select("sort", signal(same), same, now=NOW + timedelta(hours=1))
    assert chosen(decision) == "full"
