"""What other rooms have to say at the moment of a scrape, such as breakers and the signal's age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Gauge:
    """One value of a metric, such as `evalgate_in_flight`. Those of one name have the same help and label names."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


Gauges = Callable[[], Iterable[Gauge]]
"""Is asked at each scrape, in another thread than the one that serves calls; it should take no more than a moment."""
