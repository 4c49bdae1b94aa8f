"""Whether a variant calls tools where the baseline does: the trigger similarity of published vendor verifiers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Triggers:
    """Of the same requests: tools were called by both, by the variant alone, by the reference alone, by neither."""

    both: int
    variant_only: int
    reference_only: int
    neither: int

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool | None, bool | None]]) -> Triggers:
        """Count pairs (the variant called a tool, the reference did); None: it did not answer, so the pair is none."""
        counts = [0, 0, 0, 0]
        for variant, reference in pairs:
            if variant is None or reference is None:
                continue
            counts[(not variant) * 2 + (not reference)] += 1
        both, variant_only, reference_only, neither = counts
        return cls(both, variant_only, reference_only, neither)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall, in [0, 1]; None where nobody called anything."""
        calls = 2 * self.both + self.variant_only + self.reference_only
        return 2 * self.both / calls if calls else None
