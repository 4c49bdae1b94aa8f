"""Who is green, who is red, who needs more cases: the sequential decision for all variants of one operation.

Pure: score arrays in, rulings out. The variants advance in synchronous rounds, one unit a round, so the outcome depends
on the cases and their order alone and not on how many were asked at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evalgate import stats
from evalgate.gate.board import Outcome
from evalgate.gate.differences import Differences
from evalgate.gate.policy import Policy
from evalgate.gate.transcript import FloatArray


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided of one variant, after how many units, and the e-value that green was asked for.

    `e_value` is the evidence for green at that moment, the weakest of all that green needs.
    """

    outcome: Outcome
    units: int
    e_needed: float
    measurably_worse: bool = False
    e_value: float = 1.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How one variant stands in its family: its weight (1 for the first batch), and the alpha that it is charged."""

    weight: float
    level: float


@dataclass(frozen=True, slots=True)
class Family:
    """Who counts together: the standing of those who are judged now, and weight and e-value of everybody else.

    Somebody without a standing has weight 1 and the whole alpha.
    """

    standings: Mapping[str, Standing] = field(default_factory=dict)
    absent: Sequence[tuple[float, float]] = ()


def rule(variants: Mapping[str, Differences], policy: Policy, family: Family | None = None) -> dict[str, Ruling]:
    """Rule on every variant with what is known so far; `inconclusive` is whoever is neither green nor red (yet).

    Under `control: family` green asks for 1/α and for whatever the others of the family lack of it (closed testing on
    weighted means of e-values); under `verdict` for 1/α. Who was charged less than α has to show that much more.

    A variant is asked no more after its first proof. A red one still counts with the evidence that it had, and may turn
    green without another answer when the others have more of it. Green wins over red.
    """
    family = family or Family()
    # sorted, so that a tie between two variants does not depend on who is listed first
    names = sorted(variants)
    standing = {name: family.standings.get(name, Standing(1.0, policy.alpha)) for name in names}
    heard = {name: variants[name].e_green[: variants[name].red_at or None] for name in names}
    paths = [path if path.size else np.ones(1) for path in heard.values()]
    if policy.control == "family":
        outcome = stats.closed_sequential(
            paths,
            policy.alpha,
            weights=[standing[name].weight for name in names],
            scale=[standing[name].level / policy.alpha for name in names],
            absent=family.absent,
        )
        green_at = dict(zip(names, outcome.decided_at, strict=True))
        needed = dict(zip(names, outcome.thresholds, strict=True))
    else:
        needed = {name: 1 / standing[name].level for name in names}
        green_at = {name: stats.first_reach(path, needed[name]) for name, path in zip(names, paths, strict=True)}
    rulings = {}
    for name in variants:
        rulings[name] = _ruling(variants[name], heard[name], green_at[name], needed[name])
    return rulings


def _ruling(each: Differences, heard: FloatArray, green_at: int | None, needed: float) -> Ruling:
    red_at = each.red_at
    if green_at and heard.size:
        # closed testing may grant green in a later round, when others have more evidence; no case was added for that
        units = min(green_at, heard.size)
        worse = bool(red_at and red_at <= units)
        return Ruling("green", units, needed, worse, e_value=float(heard[units - 1]))
    e_value = float(heard[-1]) if heard.size else 1.0
    return Ruling("red" if red_at else "inconclusive", red_at or each.units, needed, e_value=e_value)


def least_needed(standing: Standing, family: Family, policy: Policy) -> float:
    """The e-value that green is asked for once everybody else who is judged now is proven."""
    if policy.control == "verdict":
        return 1 / standing.level
    alone = stats.closed_sequential(
        [np.ones(1)],
        policy.alpha,
        weights=[standing.weight],
        scale=[standing.level / policy.alpha],
        absent=family.absent,
    )
    return alone.thresholds[0]
