"""The baseline's scores on a whole suite, known before anybody is asked: they tell what a variant can still lose.

Where the baseline is right a variant can only lose, where it is wrong only gain. So the scores serve as a control
variate (`stats.evidence_path`, `baseline`), which is exact for a finite suite and costs nothing where all the answers
are in the store. Never are answers bought for it. It has to be settled before a test begins: who switches it on when
some cases have been looked at makes another test of the same data (`gate.history`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from evalgate.formats.canonical import digest
from evalgate.gate.transcript import PROMPT_TOKENS, FloatArray, Transcript

_ROUNDING = 1e-9


@dataclass(frozen=True)
class KnownBaseline:
    """By metric, the baseline's score on each unit of the suite, in the order asked; empty: not known."""

    scores: Mapping[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def of(cls, whole: Transcript, metrics: Sequence[str], suite_units: Sequence[int]) -> KnownBaseline:
        """From the baseline's answers to the whole suite.

        Nothing is known unless all units are of one size, so that the mean over them is the mean over cases, and every
        case was answered: what a failure would have scored decides too, and nobody knows it.
        """
        if len(set(suite_units)) != 1 or whole.cases != sum(suite_units) or not whole.answered().all():
            return cls()
        named = (metric for metric in metrics if metric != PROMPT_TOKENS)  # that one is no score of the baseline's
        return cls({metric: whole.scores(metric).reshape(-1, suite_units[0]).mean(axis=1) for metric in named})

    @cached_property
    def digest(self) -> str:
        """Changes with any score; empty where nothing is known."""
        return digest({metric: values.tolist() for metric, values in self.scores.items()}) if self.scores else ""

    def differs(self, metric: str, seen: FloatArray) -> bool:
        """Whether the scores that were `seen` on the first units are others than those that were known."""
        known = self.scores.get(metric)
        return known is not None and bool((np.abs(known[: seen.size] - seen) > _ROUNDING).any())
