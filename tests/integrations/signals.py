"""A signal and its catalogue, small, for what other tools are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from evalgate.catalog import Catalog, load_catalog
from evalgate.conformance.documents import Draft, State, Writer
from evalgate.conformance.world import World
from evalgate.formats.canonical import canonical
from evalgate.router import Decision, RoutingTable, choose
from evalgate.router.call import Call
from evalgate.signal import SignalDocument


def world(folder: Path) -> World:
    return World.prepare(folder / "world", 9400)


def signal(world: World, catalog: Catalog | None = None, **states: dict[str, State]) -> SignalDocument:
    """A document that says `states` (by operation, by variant) of the world's catalogue."""
    writer = Writer(world)
    if catalog is not None:
        (writer._endpoints,) = ({**catalog.endpoints(model)} for model in catalog.models)
    document = writer.write(Draft(states), seq=7, prev=None)
    return SignalDocument.model_validate_json(canonical(document))


def decide(document: SignalDocument, catalog: Catalog) -> list[Decision]:
    table, now = RoutingTable(document, catalog), datetime.now(UTC) + timedelta(seconds=1)
    pairs = sorted({(entry.operation, entry.model) for entry in document.entries})
    return [choose(Call(operation, model), table, now=now) for operation, model in pairs]


OPENROUTER = """
version: 1
providers:
  - {id: openrouter, protocol: openrouter}
  - {id: acme, base_url: "http://acme.example/v1"}
models:
  - id: conformance/model
    variants:
      - {id: baseline, provider: %s, %squantization: bf16, price: {input: 1, output: 3}}
      - {id: cheap, provider: openrouter, tag: deepinfra/fp8, quantization: fp8, price: {input: 0.5, output: 1.5}}
      - {id: cheapest, provider: openrouter, tag: deepinfra, quantization: int4, price: {input: 0.1, output: 0.3}}
"""


def openrouter_catalog(folder: Path, *, baseline_is_there: bool = True) -> Catalog:
    path = folder / "openrouter.yaml"
    path.write_text(OPENROUTER % (("openrouter", "tag: novita/bf16, ") if baseline_is_there else ("acme", "")))
    return load_catalog(path)
