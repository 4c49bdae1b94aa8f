"""All that a page may say, in one object: rendering reads nothing else, no clock, no file, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from evalgate.catalog import Catalog
from evalgate.intelligence import Intelligence
from evalgate.router import Preferences, Standings
from evalgate.telemetry import Figures, Snapshot
from evalgate.web.figures import NOT_SEEN, UNKNOWN_INTELLIGENCE
from evalgate.web.proofs import Proofs


def _nobody(operation: str) -> Standings:
    del operation
    return {}


@dataclass(frozen=True, slots=True)
class View:
    """The world at `now`.

    `live` None: no gateway measures here, so pages say how to get one. `standings`: what the gateway itself chooses by
    (breakers, p95), so that a page tells the choice that it would make. `trouble`: why the signal is missing or old.
    """

    proofs: Proofs
    now: datetime
    live: Snapshot | None = None
    intelligence: Mapping[str, Intelligence] = field(default_factory=dict)
    standings: Callable[[str], Standings] = _nobody
    preferences: Preferences = field(default_factory=Preferences)
    trouble: str = ""

    @property
    def catalog(self) -> Catalog:
        """Models, variants, prices."""
        return self.proofs.catalog

    def figures(self, variant: str, operation: str | None = None) -> Figures:
        """Of a variant on live traffic, of all operations or of one."""
        if self.live is None:
            return NOT_SEEN
        if operation is None:
            return self.live.by_variant.get(variant, NOT_SEEN)
        return self.live.by_operation.get((variant, operation), NOT_SEEN)

    def standing(self, model: str) -> Intelligence:
        """Of a model in public benchmarks."""
        return self.intelligence.get(model, UNKNOWN_INTELLIGENCE)
