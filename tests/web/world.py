"""A catalogue, a signal and live figures of any shape, for the tests of the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from evalgate.catalog import Catalog, load_catalog
from evalgate.intelligence import Intelligence, Part
from evalgate.signal import SignalDocument, issue
from evalgate.signal.document import SignalEntry
from evalgate.telemetry import Figures, Share, Snapshot, Spread
from evalgate.web import Proofs, View
from evalgate.web.figures import NOT_SEEN
from tests.signal.test_document import NOW, board

LATER = NOW + timedelta(days=3)
MODEL = "acme/llama-8b"
_CATALOG = """
version: 1
providers: [{id: acme, base_url: "http://127.0.0.1:1/v1"}, {id: azure, base_url: "http://127.0.0.1:2/v1"}]
models:
  - id: acme/llama-8b
    name: Acme Llama 8B
    variants:
      - {id: full, provider: acme, quantization: bf16, price: {input: 1, output: 2}, capabilities: {context: 131072}}
      - {id: fp8, provider: acme, quantization: fp8, price: {input: 0.5, output: 1}, tag: acme/fp8, batch_discount: 0.5,
         observed: {source: OpenRouter, at: "2026-11-26T09:00Z", requests: 81060, first_token_ms: {p50: 250},
                    tokens_per_second: {p50: 55}, uptime: {30m: 99.5}}}
      - {id: int4, provider: azure, quantization: int4, price: {input: 0.25, output: 0.5, basis: illustrative}}
      - {id: hidden, provider: azure, quantization: undisclosed, price: {input: 0.4, output: 0.8}}
  - id: solo
    variants:
      - {id: solo-full, provider: azure, quantization: fp16, price: {input: 3, output: 9}, capabilities: {tools: true}}
  - id: nobody/knows
    variants:
      - {id: nk-a, provider: acme, quantization: fp16, price: {input: 3, output: 9}}
      - {id: nk-b, provider: acme, quantization: fp8, price: {input: 2, output: 6}}
"""
STATES = {"fp8": "green", "int4": "red", "hidden": "unknown"}


def catalog_in(folder: Path, text: str = _CATALOG) -> Catalog:
    path = folder / "catalog.yaml"
    path.write_text(text, encoding="utf-8")
    return load_catalog(path)


def entry_of(catalog: Catalog, variant: str, state: str, operation: str, model: str = MODEL) -> SignalEntry:
    template, endpoints = issue(board("green"), None, stream="a/b", now=NOW).entries[0], catalog.endpoints(model)
    about = template.variant.model_copy(update={"id": variant, "config": endpoints[variant].config})
    interval = {"green": (-0.02, 0.01), "red": (-0.9, -0.06), "unknown": (-0.08, 0.04)}[state]
    evidence = {"baseline_config": endpoints["full"].config, "interval": interval, "run": "20261123-100000-abcd"}
    verdict = {"green": "green", "red": "red", "unknown": "inconclusive"}[state]
    update = {
        "operation": operation,
        "model": model,
        "baseline": "full",
        "variant": about,
        "state": state,
        "verdict": verdict,
        "reason": f"{state} for a reason",
        "evidence": template.evidence.model_copy(update={**evidence, "beyond_margin": state == "red"}),
    }
    return template.model_copy(update=update)


def signal_for(catalog: Catalog, operations: Sequence[str] = ("extract", "sort")) -> SignalDocument:
    entries = [entry_of(catalog, name, state, each) for each in operations for name, state in STATES.items()]
    return issue(board("green"), None, stream="a/b", now=NOW).model_copy(
        update={"entries": tuple(entries), "expires_at": NOW + timedelta(days=4)}
    )


def busy(n: int = 812) -> Figures:
    return replace(
        NOT_SEEN,
        age=12.0,
        latency=Spread(716, 4091, n),
        duration=Spread(1000, 9000, n),
        throughput=Spread(28, 67, n),
        success=Share(0.938, n),
        uptime_5m=Share(1.0, n),
        uptime_30m=Share(0.9876, n),
        uptime_1d=Share(0.99, n),
    )


def view_in(folder: Path, *, signal: bool = True, catalog: Catalog | None = None) -> View:
    """Everything there is: a signal of two operations, live figures, a benchmark, and what somebody else saw."""
    found = catalog or catalog_in(folder)
    document = signal_for(found) if signal else None
    quiet = replace(NOT_SEEN, age=300.0, latency=Spread(None, None, 7), success=Share(None, 7))
    part = Part("gpqa", "gpqa_diamond", 41.0, 3.5, 198, LATER.date(), ("Acme",), ("https://example.org",))
    return View(
        Proofs(document, found),
        now=LATER,
        live=Snapshot(LATER.timestamp(), {("fp8", "sort"): busy(45)}, {"full": busy(), "fp8": busy(90), "int4": quiet}),
        intelligence={MODEL: Intelligence(66.6, (60.1, 73.1), "estimated", (part,), "from family and price")},
    )


def without_live(view: View) -> View:
    return replace(view, live=None, intelligence={})
