"""What a call costs: the operation's own token mix × price, so that all variants are compared at one mix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from evalgate.catalog import Endpoint
from evalgate.signal import SignalEntry
from evalgate.signal.reader import Eligible


@dataclass(frozen=True, slots=True)
class TokenMix:
    """The baseline's mean input and output, None where unknown."""

    input: float | None
    output: float | None
    estimated: bool

    @classmethod
    def of(cls, entries: Sequence[SignalEntry | Eligible]) -> TokenMix:
        """The mix that the entries of one operation tell."""
        told = [entry.evidence.baseline_tokens or entry.evidence.tokens for entry in entries]
        counted = [each for each in told if each.basis == "counted"]
        known = [(each.input, each.output) for each in counted or told]  # an estimate, where there is nothing else
        pairs = [(asked, said) for asked, said in known if asked is not None and said is not None]
        if not pairs:
            return cls(None, None, True)
        inputs, outputs = zip(*pairs, strict=True)
        return cls(fmean(inputs), fmean(outputs), not counted)

    def cost(self, endpoint: Endpoint, length: float | None = 1.0) -> float | None:
        """USD for one call whose answer is `length` times as long as the baseline's; None where nobody knows."""
        if self.input is None or self.output is None or length is None:
            return None
        return float(endpoint.cost(self.input, self.output * length))


def length_of(entry: SignalEntry | Eligible) -> float | None:
    """How long the variant's answers are, in those of the baseline to the same cases; None where nobody knows."""
    ours, theirs = entry.evidence.tokens.output, entry.evidence.baseline_tokens
    if ours is None:
        return None
    if theirs is None or not theirs.output:
        return 1.0
    return ours / theirs.output
