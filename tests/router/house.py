"""A signal and a catalogue of any shape, for the tests of the choice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from evalgate.catalog import Catalog, load_catalog
from evalgate.router import Call, Decision, Preferences, RoutingTable, Standing, choose
from evalgate.signal import SignalDocument, SignalEntry, issue
from tests.signal.test_document import NOW, board

LATER = NOW + timedelta(hours=1)


@dataclass(frozen=True)
class Variant:
    """One line of the catalogue; `extra` as YAML, `state` of its entry (None: no entry)."""

    id: str
    price: float = 0.5
    state: str | None = "green"
    extra: str = ""


def catalog_of(folder: Path, *variants: Variant, extra: str = "", full: str = "", price: float = 1) -> Catalog:
    lines = [
        "version: 1",
        'providers: [{id: acme, base_url: "http://127.0.0.1:1/v1"}]',
        "models:",
        f"  - id: model{extra}",
        "    variants:",
        f"      - {{id: full, provider: acme, quantization: bf16, price: {{input: {price}, output: {price}}}{full}}}",
    ]
    lines += [
        f"      - {{id: {each.id}, served_as: {each.id}, provider: acme, quantization: fp8, "
        f"price: {{input: {each.price}, output: {each.price}}}{each.extra}}}"
        for each in variants
    ]
    folder.mkdir(exist_ok=True)
    path = folder / "catalog.yaml"
    path.write_text("\n".join(lines))
    return load_catalog(path)


def signal_of(catalogue: Catalog, *variants: Variant) -> SignalDocument:
    document = issue(board("green"), None, stream="a/b", now=NOW)
    template, endpoints = document.entries[0], catalogue.endpoints("model")

    def entry(each: Variant) -> SignalEntry:
        about = template.variant.model_copy(update={"id": each.id, "config": endpoints[each.id].config})
        evidence = template.evidence.model_copy(update={"baseline_config": endpoints["full"].config})
        verdict = {"green": "green", "red": "red", "unknown": "inconclusive"}[str(each.state)]
        update = {"variant": about, "state": each.state, "verdict": verdict, "evidence": evidence}
        return template.model_copy(update=update)

    return document.model_copy(update={"entries": tuple(entry(each) for each in variants if each.state)})


def decide(
    folder: Path,
    *variants: Variant,
    call: Call | None = None,
    standings: dict[str, Standing] | None = None,
    seed: int = 0,
    preferences: Preferences | None = None,
    **catalogue: object,
) -> Decision:
    loaded = catalog_of(folder, *variants, **catalogue)  # type: ignore[arg-type]
    table = RoutingTable(signal_of(loaded, *variants), loaded)
    return choose(
        call or Call("sort"),
        table,
        now=LATER,
        standings=standings or {},
        seed=seed,
        preferences=preferences or Preferences(),
    )


def order(decision: Decision) -> list[str]:
    return [option.id for option in decision.order]


def call(**needs: object) -> Call:
    return replace(Call("sort"), **needs)  # type: ignore[arg-type]
