"""Which variant takes a standard-tier call: the cheapest one that may be used, and why not the others.

Pure and deterministic given operation, signal, catalogue and time. Whatever is unknown, expired, changed or missing
falls towards the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from evalgate.catalog import Catalog, Endpoint
from evalgate.errors import InputError
from evalgate.signal import SignalDocument, SignalEntry


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant that was considered. `cost` is the expected USD per successful call; None where nothing is known.

    `estimated`: the tokens behind it were not all counted by the server.
    """

    endpoint: Endpoint
    eligible: bool
    reason: str
    cost: float | None
    estimated: bool = False


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

    @property
    def estimated(self) -> bool:
        """Whether the saving rests on tokens that were not all counted by a server."""
        return self.chosen.estimated or self.baseline.estimated


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
    mix = _TokenMix.of(entries)
    baseline_cost = mix.cost(endpoints[baseline_id], 1.0)
    baseline = Candidate(endpoints[baseline_id], True, "baseline", baseline_cost, estimated=mix.estimated)
    by_variant = {entry.variant.id: entry for entry in entries}
    others = [
        _candidate(endpoint, by_variant.get(name), endpoints[baseline_id], mix, now)
        for name, endpoint in endpoints.items()
        if name != baseline_id
    ]

    def rank(candidate: Candidate) -> tuple[float, bool, str]:
        cost = float("inf") if candidate.cost is None else candidate.cost
        return cost, candidate is not baseline, candidate.endpoint.id  # who saves nothing does not replace the baseline

    ranked = sorted((*others, baseline), key=rank)
    chosen = next((each for each in ranked if each.eligible and each.cost is not None), baseline)
    if chosen is baseline:
        unknown = baseline_cost is None and any(each.eligible for each in others)
        reason = f"the baseline: {'nobody knows what a call costs' if unknown else 'nothing cheaper is eligible'}"
    else:
        reason = f"the cheapest eligible variant: {chosen.reason}"
    return Decision(operation, model, document.seq, chosen, baseline, tuple(ranked), reason)


def _candidate(
    endpoint: Endpoint, entry: SignalEntry | None, baseline: Endpoint, mix: _TokenMix, now: datetime
) -> Candidate:
    if entry is None:
        return Candidate(endpoint, False, "not in the signal", None)
    cost, success = mix.cost(endpoint, _length(entry)), entry.evidence.success
    expected = cost / success if cost is not None and success > 0 else None

    def told(reason: str, *, eligible: bool = False) -> Candidate:
        return Candidate(endpoint, eligible, reason, expected, estimated=entry.evidence.tokens.basis != "counted")

    if entry.variant.config != endpoint.config:
        return told("its configuration changed since it was judged")
    if entry.evidence.baseline_config != baseline.config:
        return told("the baseline's configuration changed since it was judged")
    if entry.state != "green":
        return told(f"{_STATES[entry.state]}: {entry.reason}")
    if entry.valid_until <= now:
        return told(f"its green expired at {entry.valid_until:%Y-%m-%d %H:%M} UTC")
    return told(f"green: {entry.reason}", eligible=True)


_STATES = {"red": "red", "unknown": "not proven"}


@dataclass(frozen=True, slots=True)
class _TokenMix:
    """The one token mix at which all are compared: the baseline's mean input and output, None where unknown."""

    input: float | None
    output: float | None
    estimated: bool

    @classmethod
    def of(cls, entries: list[SignalEntry]) -> _TokenMix:
        told = [entry.evidence.baseline_tokens or entry.evidence.tokens for entry in entries]
        counted = [each for each in told if each.basis == "counted"]
        known = [
            (each.input, each.output) for each in counted or told
        ]  # an estimate counts where there is nothing else
        pairs = [(asked, said) for asked, said in known if asked is not None and said is not None]
        if not pairs:
            return cls(None, None, True)
        inputs, outputs = zip(*pairs, strict=True)
        return cls(fmean(inputs), fmean(outputs), not counted)

    def cost(self, endpoint: Endpoint, length: float | None) -> float | None:
        """USD for one call whose answer is `length` times as long as the baseline's."""
        if self.input is None or self.output is None or length is None:
            return None
        return float(endpoint.cost(self.input, self.output * length))


def _length(entry: SignalEntry) -> float | None:
    """How long the variant's answers are, in those of the baseline to the same cases; None where nobody knows."""
    ours, theirs = entry.evidence.tokens.output, entry.evidence.baseline_tokens
    if ours is None:
        return None
    if theirs is None or not theirs.output:
        return 1.0
    return ours / theirs.output
