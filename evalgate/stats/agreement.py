"""How far a judge can be trusted: its judgements held against labels that people gave.

Chance-corrected agreement, by Cohen's κ (1960) and by Gwet's AC1 (2008), which does not collapse where nearly all are
labelled the same; and what the judge's errors do to a share that it reports, corrected after Rogan and Gladen (1978).
All of it is diagnostic: no verdict rests on it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from evalgate.errors import StatisticsError
from evalgate.stats._input import between


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `items` that were both labelled and judged, `confusion[label, judged]` counts each pair.

    `observed` is the share on which both say the same. `kappa` is None where both always say one and the same thing,
    so that chance alone explains all; `kappa_interval` and `ac1_interval` are of 95 %, by the normal approximation.
    """

    items: int
    categories: tuple[str, ...]
    confusion: Mapping[tuple[str, str], int]
    observed: float
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    ac1: float
    ac1_interval: tuple[float, float]

    def rates(self, positive: str) -> tuple[float | None, float | None]:
        """Sensitivity and specificity of the judge for one category; None where no label allows to say."""
        hits = self.confusion.get((positive, positive), 0)
        yes = sum(count for (label, _), count in self.confusion.items() if label == positive)
        claimed = sum(count for (_, judged), count in self.confusion.items() if judged == positive)
        no = self.items - yes
        return hits / yes if yes else None, (no - (claimed - hits)) / no if no else None


def agreement(labels: Sequence[Hashable], judged: Sequence[Hashable]) -> Agreement:
    """Hold what a judge said against labels, item by item; the categories are compared as text.

    Raises `StatisticsError` when there are no items, or not as many of one as of the other.
    """
    if not labels or len(labels) != len(judged):
        msg = f"labels and judged: expected as many of both and at least one, got {len(labels)} and {len(judged)}"
        raise StatisticsError(msg)
    pairs = [(str(label), str(said)) for label, said in zip(labels, judged, strict=True)]
    confusion = Counter(pairs)
    categories = tuple(sorted({name for pair in pairs for name in pair}))
    total = len(pairs)
    rows = {name: sum(count for (label, _), count in confusion.items() if label == name) / total for name in categories}
    columns = {
        name: sum(count for (_, said), count in confusion.items() if said == name) / total for name in categories
    }
    observed = sum(confusion[name, name] for name in categories) / total
    shares = {pair: count / total for pair, count in confusion.items()}
    kappa, spread = _kappa(shares, rows, columns, observed, total)
    ac1, ac1_spread = _ac1(shares, rows, columns, observed, total)
    return Agreement(
        items=total,
        categories=categories,
        confusion=dict(confusion),
        observed=observed,
        kappa=kappa,
        kappa_interval=None if kappa is None else _interval(kappa, spread),
        ac1=ac1,
        ac1_interval=_interval(ac1, ac1_spread),
    )


def _kappa(
    shares: Mapping[tuple[str, str], float],
    rows: Mapping[str, float],
    columns: Mapping[str, float],
    observed: float,
    total: int,
) -> tuple[float | None, float]:
    """κ and its standard error (Fleiss, Cohen & Everitt 1969: large samples, κ not 0)."""
    chance = sum(rows[name] * columns[name] for name in rows)
    if chance >= 1:
        return None, 0.0
    kappa = (observed - chance) / (1 - chance)
    same = sum(shares.get((name, name), 0.0) * (1 - (rows[name] + columns[name]) * (1 - kappa)) ** 2 for name in rows)
    other = (1 - kappa) ** 2 * sum(
        share * (columns[label] + rows[said]) ** 2 for (label, said), share in shares.items() if label != said
    )
    variance = (same + other - (kappa - chance * (1 - kappa)) ** 2) / (total * (1 - chance) ** 2)
    return kappa, math.sqrt(max(0.0, variance))


def _ac1(
    shares: Mapping[tuple[str, str], float],
    rows: Mapping[str, float],
    columns: Mapping[str, float],
    observed: float,
    total: int,
) -> tuple[float, float]:
    """AC1 and its standard error (Gwet 2008, of a sample from an endless population)."""
    if len(rows) == 1:
        return 1.0, 0.0
    mean = {name: (rows[name] + columns[name]) / 2 for name in rows}
    chance = sum(share * (1 - share) for share in mean.values()) / (len(rows) - 1)
    found = (observed - chance) / (1 - chance)
    on_diagonal = sum(shares.get((name, name), 0.0) * (1 - mean[name]) for name in rows)
    everywhere = sum(share * (1 - (mean[label] + mean[said]) / 2) ** 2 for (label, said), share in shares.items())
    count = len(rows) - 1
    variance = (
        observed * (1 - observed)
        - 4 * (1 - found) * (on_diagonal / count - observed * chance)
        + 4 * (1 - found) ** 2 * (everywhere / count**2 - chance**2)
    ) / (total * (1 - chance) ** 2)
    return found, math.sqrt(max(0.0, variance))


def _interval(value: float, spread: float) -> tuple[float, float]:
    reach = NormalDist().inv_cdf(0.975) * spread
    return max(-1.0, value - reach), min(1.0, value + reach)


@dataclass(frozen=True, slots=True)
class Corrected:
    """A share that a judge reported, as it would be without the judge's errors; `interval` is of 95 %."""

    share: float
    interval: tuple[float, float]


def rogan_gladen(
    share: float, items: int, *, sensitivity: float, specificity: float, positives: int = 0, negatives: int = 0
) -> Corrected | None:
    """The true share behind a judge's `share` of `items`, given how often it is right on what is so and what is not.

    (share + specificity − 1) / (sensitivity + specificity − 1), cut to [0, 1]; None for a judge that is no better than
    chance. The variance (by the delta method) counts that both rates were estimated, from `positives` and
    `negatives` labelled items; 0 takes them as known. Raises `StatisticsError` for what is no share.
    """
    for value, name in ((share, "share"), (sensitivity, "sensitivity"), (specificity, "specificity")):
        between(value, name, 0.0, 1.0, closed="low high")
    if items < 1:
        msg = f"items: expected at least one, got {items}"
        raise StatisticsError(msg)
    informed = sensitivity + specificity - 1
    if informed <= 0:
        return None
    estimate = (share + specificity - 1) / informed
    of_rates = estimate**2 * sensitivity * (1 - sensitivity) / positives if positives else 0.0
    of_rates += (1 - estimate) ** 2 * specificity * (1 - specificity) / negatives if negatives else 0.0
    spread = math.sqrt(share * (1 - share) / items + of_rates) / informed
    low, high = _interval(estimate, spread)
    return Corrected(min(1.0, max(0.0, estimate)), (min(1.0, max(0.0, low)), min(1.0, max(0.0, high))))
