"""An estimate for a model that nobody has benchmarked: from its family, age, price and use, by a regression on those
models of the same catalogue that were.

Ridge regression with a unit prior for each effect, in units of the residual's own spread: a linear mixed model whose
family effects are drawn towards 0 (Hoerl and Kennard 1970; Robinson 1991). Its predictive interval uses Student's t.
Whether the weights are open is not looked at. The whole interval is kept below every confirmed frontier model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from evalgate.catalog import Endpoint, Model
from evalgate.intelligence.composite import LEVEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_CONFIRMED = 8  # models to fit on: fewer would give a number, and an interval that nobody should believe
LEAST_DEGREES = 4  # of freedom: an interval from fewer says little
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

    def has(self, used: tuple[int, ...]) -> bool:
        """Whether all of these features are known."""
        return all(self.numbers[i] is not None for i in used)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value in [0, 100], its 90 % prediction interval, and what they were computed from."""

    value: float
    interval: tuple[float, float]
    reason: str


class Estimator:
    """Estimates from the models that are confirmed, by id with their composite in [0, 100].

    Each set of features is fitted once, for a catalogue has hundreds of models and few sets.
    """

    def __init__(self, confirmed: Mapping[str, tuple[Known, float]]) -> None:
        self._confirmed = [confirmed[name] for name in sorted(confirmed)]
        self._ceiling = _ceiling([value for _, value in self._confirmed])
        self._regressions: dict[tuple[int, ...], Regression | str] = {}

    def estimate(self, model: Known) -> Estimate | str:
        """The estimate for one model, or a sentence that says why there is none."""
        used = self._features(model)
        if not used and model.family is None:
            return "no benchmark report, and neither family, release date, price nor use is known to estimate from"
        if used not in self._regressions:
            self._regressions[used] = _fitted(self._confirmed, used)
        regression = self._regressions[used]
        if isinstance(regression, str):
            return regression
        value, half = regression.predict(model)
        names = (["family"] if model.family is not None else []) + [FEATURES[i] for i in used]
        by = f"by a regression on {regression.count} confirmed models"
        reason = f"no benchmark report; estimated from {', '.join(names)} {by}"
        high = min(max(value + half, 0.0), self._ceiling)
        if high == self._ceiling:
            reason += "; kept below every confirmed frontier model"
        value = min(max(value, 0.0), self._ceiling)
        return Estimate(value, (max(0.0, value - half), high), reason)

    def _features(self, model: Known) -> tuple[int, ...]:
        """Those known of the model and of enough others, one after the other, so that enough have all of them."""
        used: tuple[int, ...] = ()
        for index, number in enumerate(model.numbers):
            candidate = (*used, index)
            if number is not None and sum(each.has(candidate) for each, _ in self._confirmed) >= LEAST_CONFIRMED:
                used = candidate
        return used


@dataclass(frozen=True, slots=True)
class Regression:
    """A fit on `count` models: an intercept, a slope for each feature in `used`, and an effect of each family."""

    used: tuple[int, ...]
    families: tuple[str, ...]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    inverse: NDArray[np.float64]
    variance: float
    degrees: float
    count: int

    def predict(self, model: Known) -> tuple[float, float]:
        """Value and half of the prediction interval, before any bound."""
        from scipy.special import stdtrit  # Student's quantile

        row = _row(model, self.used, self.families, self.centre, self.scale)
        spread = 1 + float(row @ self.inverse @ row)
        if model.family not in self.families:
            spread += 1  # the prior of a family that nobody else is of
        half = float(stdtrit(self.degrees, (1 + LEVEL) / 2)) * math.sqrt(self.variance * spread)
        return float(row @ self.weights), half


def _fitted(confirmed: Sequence[tuple[Known, float]], used: tuple[int, ...]) -> Regression | str:
    """The regression, or a sentence that says why there is none."""
    import numpy as np

    fitted = [(each, value) for each, value in confirmed if each.has(used)]
    count = len(fitted)
    if count < LEAST_CONFIRMED:
        few = f"{count} models with confirmed benchmarks to estimate from; {LEAST_CONFIRMED} are needed"
        return f"no benchmark report, and {few}"
    families = tuple(sorted({each.family for each, _ in fitted if each.family is not None}))
    numbers = np.array([[each.numbers[i] for i in used] for each, _ in fitted], dtype=float).reshape(count, -1)
    spread = numbers.std(axis=0)
    centre, scale = numbers.mean(axis=0), np.where(spread > 1e-9, spread, 1.0)
    x = np.array([_row(each, used, families, centre, scale) for each, _ in fitted])
    y = np.array([value for _, value in fitted])
    penalty = np.eye(x.shape[1])
    penalty[0, 0] = 0.0  # the mean is not drawn anywhere
    inverse = np.linalg.inv(x.T @ x + penalty)
    weights = inverse @ x.T @ y
    degrees = count - float(np.trace(x @ inverse @ x.T))
    if degrees < LEAST_DEGREES:
        return f"no benchmark report, and {count} models are too few for what is known of this one"
    # restricted maximum likelihood of the mixed model; the degrees below n − 1 are for what its prior may have wrong
    variance = max(0.0, float(y @ (y - x @ weights)) / (count - 1))
    return Regression(used, families, centre, scale, weights, inverse, variance, degrees, count)


def _row(
    model: Known,
    used: tuple[int, ...],
    families: tuple[str, ...],
    centre: NDArray[np.float64],
    scale: NDArray[np.float64],
) -> NDArray[np.float64]:
    import numpy as np

    numbers = (np.array([model.numbers[i] for i in used], dtype=float) - centre) / scale
    return np.array([1.0, *numbers.tolist(), *(float(model.family == family) for family in families)])


def _ceiling(confirmed: list[float]) -> float:
    """Below the least of the frontier: the best quarter of the confirmed models, at least one."""
    frontier = sorted(confirmed, reverse=True)[: max(1, math.ceil(FRONTIER * len(confirmed)))]
    return max(0.0, frontier[-1] - BELOW_FRONTIER) if frontier else 100.0
