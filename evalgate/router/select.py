"""Which variant takes a standard-tier call: the cheapest one that may be used, and why not the others.

Pure and deterministic given operation, signal, catalogue and time. Whatever is unknown, expired, changed or missing
falls towards the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evalgate.catalog import Catalog, Endpoint
from evalgate.errors import InputError
from evalgate.signal import SignalDocument, SignalEntry


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant that was considered. `cost` is the expected USD per successful call; None where nothing is known."""

    endpoint: Endpoint
    eligible: bool
    reason: str
    cost: float | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The choice and how it came about; `candidates` from the cheapest to the dearest, the baseline among them."""

    operation: str
    model: str
    seq: int
    chosen: Candidate
    baseline: Candidate
    candidates: tuple[Candidate, ...]
    reason: str

    @property
    def saving(self) -> float:
        """Share of the baseline's expected cost that the choice saves; 0 when the baseline itself was chosen."""
        if self.chosen.cost is None or not self.baseline.cost:
            return 0.0
        return 1 - self.chosen.cost / self.baseline.cost


def select(operation: str, document: SignalDocument, catalog: Catalog, *, now: datetime) -> Decision:
    """Choose for one call of `operation` in the standard tier.

    Raises `InputError` when the signal does not know the operation or the catalogue does not know its model or
    baseline: then nobody can say who the baseline is.
    """
    entries = [entry for entry in document.entries if entry.operation == operation]
    if not entries:
        known = sorted({entry.operation for entry in document.entries})
        raise InputError(f"the signal has no operation {operation!r}; it has: {', '.join(known) or 'none'}")
    model, baseline_id = entries[0].model, entries[0].baseline
    endpoints = catalog.endpoints(model)
    if baseline_id not in endpoints:
        raise InputError(f"{catalog.path}: the baseline {baseline_id!r} of {operation!r} is not in the catalogue")
    baseline_cost = _baseline_cost(endpoints[baseline_id], entries)
    baseline = Candidate(endpoints[baseline_id], True, "baseline", baseline_cost)
    by_variant = {entry.variant.id: entry for entry in entries}
    others = [
        _candidate(endpoint, by_variant.get(name), endpoints[baseline_id], now)
        for name, endpoint in endpoints.items()
        if name != baseline_id
    ]

    def rank(candidate: Candidate) -> tuple[float, bool, str]:
        cost = float("inf") if candidate.cost is None else candidate.cost
        return cost, candidate is not baseline, candidate.endpoint.id  # who saves nothing does not replace the baseline

    ranked = sorted((*others, baseline), key=rank)
    chosen = next((each for each in ranked if each.eligible and each.cost is not None), baseline)
    if chosen is baseline:
        why = "nothing cheaper is eligible" if baseline_cost is not None else "its cost is not known"
        reason = f"the baseline: {why}"
    else:
        reason = f"the cheapest eligible variant: {chosen.reason}"
    return Decision(operation, model, document.seq, chosen, baseline, tuple(ranked), reason)


def _candidate(endpoint: Endpoint, entry: SignalEntry | None, baseline: Endpoint, now: datetime) -> Candidate:
    if entry is None:
        return Candidate(endpoint, False, "not in the signal", None)
    cost = float(endpoint.cost(entry.evidence.tokens.input, entry.evidence.tokens.output))
    success = entry.evidence.success
    expected = cost / success if success > 0 else None
    if entry.variant.config != endpoint.config:
        return Candidate(endpoint, False, "its configuration changed since it was judged", expected)
    if entry.evidence.baseline_config != baseline.config:
        return Candidate(endpoint, False, "the baseline's configuration changed since it was judged", expected)
    if entry.state != "green":
        word = {"red": "red", "unknown": "not proven"}[entry.state]
        return Candidate(endpoint, False, f"{word}: {entry.reason}", expected)
    if entry.valid_until <= now:
        return Candidate(endpoint, False, f"its green expired at {entry.valid_until:%Y-%m-%d %H:%M} UTC", expected)
    return Candidate(endpoint, True, f"green: {entry.reason}", expected)


def _baseline_cost(baseline: Endpoint, entries: list[SignalEntry]) -> float | None:
    """At the token mix of the variants on this operation: the input is the same for all."""
    costs = [float(baseline.cost(entry.evidence.tokens.input, entry.evidence.tokens.output)) for entry in entries]
    return sum(costs) / len(costs) if costs else None
