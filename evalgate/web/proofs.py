"""A signal and a catalogue, arranged as pages need them: by model. Made once for each document; read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalgate.catalog import Catalog
from evalgate.router import RoutingTable
from evalgate.signal import SignalDocument, SignalEntry
from evalgate.web.figures import ModelFacts
from evalgate.web.names import pages_of

Entries = Mapping[str, Mapping[str, SignalEntry]]  # by operation, by variant
_NONE: Entries = {}


@dataclass(frozen=True)
class Proofs:
    """`document` None: there is no signal. `facts` and `pages` (`names.pages_of`): of each model."""

    document: SignalDocument | None
    catalog: Catalog
    table: RoutingTable = field(init=False)
    facts: Mapping[str, ModelFacts] = field(init=False)
    pages: Mapping[str, str] = field(init=False)
    _entries: Mapping[str, Entries] = field(init=False)
    _models: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        grouped: dict[str, dict[str, dict[str, SignalEntry]]] = {}
        for entry in self.document.entries if self.document is not None else ():
            grouped.setdefault(entry.model, {}).setdefault(entry.operation, {})[entry.variant.id] = entry
        object.__setattr__(self, "_entries", grouped)
        object.__setattr__(self, "table", RoutingTable(self.document, self.catalog))
        object.__setattr__(self, "facts", {model: ModelFacts.of(model, self.catalog) for model in self.catalog.models})
        object.__setattr__(self, "pages", pages_of(self.catalog.models))
        object.__setattr__(self, "_models", {page: model for model, page in self.pages.items()})

    def of(self, model: str) -> Entries:
        """What the signal says of a model."""
        return self._entries.get(model, _NONE)

    def model_at(self, page: str) -> str | None:
        """The model whose page that is; None: there is no such page."""
        return self._models.get(page)
