"""An estimate for a model that nobody has benchmarked: from its family, age, price and use, by a regression on those
models of the same catalogue that were.

Ridge regression with a unit prior for each effect, in units of the residual's own spread: a linear mixed model whose
family effects are drawn towards 0 (Hoerl and Kennard 1970; Robinson 1991). Its predictive interval uses Student's t.
Whether the weights are open is not looked at. The whole interval is kept below every confirmed frontier model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from evalgate.catalog import Endpoint, Model
from evalgate.intelligence.composite import LEVEL
from evalgate.intelligence.student import LEAST_DEGREES, t_quantile

LEAST_CONFIRMED = 8  # models to fit on: fewer would give a number, and an interval that nobody should believe
BELOW_FRONTIER = 0.1
FRONTIER = 0.25  # of the confirmed models, the best; at least one
FEATURES = ("release date", "price", "use")


@dataclass(frozen=True, slots=True)
class Known:
    """What a regression may look at. `age` in years, `price` and `use` as logarithms; None: not known."""

    family: str | None
    age: float | None
    price: float | None
    use: float | None

    @classmethod
    def of(cls, model: Model, endpoints: Iterable[Endpoint], today: date) -> Known:
        """Of a catalogue's model; the price is that of its cheapest variant that is really sold, input and output."""
        prices = [each.price for each in endpoints if each.price.basis == "listed"]
        cheapest = min((price.input + price.output for price in prices), default=Decimal(0))
        use = model.popularity
        return cls(
            family=model.family,
            age=(today - model.released).days / 365.25 if model.released is not None else None,
            price=math.log(cheapest) if cheapest > 0 else None,
            use=math.log1p(use.requests) if use is not None else None,
        )

    @property
    def numbers(self) -> tuple[float | None, ...]:
        """In the order of `FEATURES`."""
        return (self.age, self.price, self.use)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value in [0, 100], its 90 % prediction interval, and what they were computed from."""

    value: float
    interval: tuple[float, float]
    reason: str


def estimate(model: Known, confirmed: Mapping[str, tuple[Known, float]]) -> Estimate | str:
    """The estimate for one model, or a sentence that says why there is none; `confirmed`: by model id, in [0, 100]."""
    used = _features(model, confirmed)
    if not used and model.family is None:
        return "no benchmark report, and neither family, release date, price nor use is known to estimate from"
    fitted = {
        name: value for name, value in sorted(confirmed.items()) if all(value[0].numbers[i] is not None for i in used)
    }
    if len(fitted) < LEAST_CONFIRMED:
        return (
            f"no benchmark report, and {len(fitted)} models with confirmed benchmarks to estimate from; "
            f"{LEAST_CONFIRMED} are needed"
        )
    found = _predicted(model, list(fitted.values()), used)
    if found is None:
        return f"no benchmark report, and {len(fitted)} models are too few for what is known of this one"
    value, half = found
    names = (["family"] if model.family is not None else []) + [FEATURES[i] for i in used]
    reason = f"no benchmark report; estimated from {', '.join(names)} by a regression on {len(fitted)} confirmed models"
    ceiling = _ceiling([value for _, value in confirmed.values()])
    high = min(max(value + half, 0.0), ceiling)
    if high == ceiling:
        reason += "; kept below every confirmed frontier model"
    value = min(max(value, 0.0), ceiling)
    return Estimate(value, (max(0.0, value - half), high), reason)


def _features(model: Known, confirmed: Mapping[str, tuple[Known, float]]) -> list[int]:
    """Those that are known of the model and of enough others, one after the other, so that enough have all of them."""
    used: list[int] = []
    for index, number in enumerate(model.numbers):
        candidate = [*used, index]
        have = sum(all(each.numbers[i] is not None for i in candidate) for each, _ in confirmed.values())
        if number is not None and have >= LEAST_CONFIRMED:
            used = candidate
    return used


def _predicted(model: Known, fitted: list[tuple[Known, float]], used: list[int]) -> tuple[float, float] | None:
    """Value and half the interval, before any bound; None where too little would be left to judge errors by."""
    import numpy as np

    families = sorted({each.family for each, _ in fitted if each.family is not None} - {model.family})
    numbers = np.array([[each.numbers[i] for i in used] for each, _ in fitted], dtype=float).reshape(len(fitted), -1)
    spread = numbers.std(axis=0)
    centre, scale = numbers.mean(axis=0), np.where(spread > 1e-9, spread, 1.0)

    def row(each: Known) -> list[float]:
        scaled = (np.array([each.numbers[i] for i in used], dtype=float) - centre) / scale
        # the last column is the model's own family; where that is not known it is a family that nobody else is of
        own = each is model or (model.family is not None and each.family == model.family)
        return [1.0, *scaled.tolist(), *(float(each.family == family) for family in families), float(own)]

    x = np.array([row(each) for each, _ in fitted])
    y = np.array([value for _, value in fitted])
    penalty = np.eye(x.shape[1])
    penalty[0, 0] = 0.0  # the mean is not drawn anywhere
    inverse = np.linalg.inv(x.T @ x + penalty)
    weights = inverse @ x.T @ y
    residual = y - x @ weights
    degrees = len(fitted) - float(np.trace(x @ inverse @ x.T))
    if degrees < LEAST_DEGREES:
        return None
    target = np.array(row(model))
    # restricted maximum likelihood of the mixed model; the degrees below n − 1 are for what its prior may have wrong
    variance = float(y @ residual) / (len(fitted) - 1)
    half = t_quantile((1 + LEVEL) / 2, degrees) * math.sqrt(max(variance, 0.0) * (1 + float(target @ inverse @ target)))
    return float(target @ weights), half


def _ceiling(confirmed: list[float]) -> float:
    """Below the least of the frontier: the best quarter of the confirmed models."""
    frontier = sorted(confirmed, reverse=True)[: max(1, math.ceil(FRONTIER * len(confirmed)))]
    return max(0.0, frontier[-1] - BELOW_FRONTIER)
