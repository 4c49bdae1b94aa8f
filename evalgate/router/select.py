"""Who takes a call: the cheapest variant that may be used and can serve it; when it fails the next, then the baseline.

Pure and deterministic given call, signal, catalogue, telemetry, time and seed: the same arguments give the same order,
on every machine. Whatever is unknown, expired, changed or missing falls towards the baseline.

1. hard filters (`filters`); 2. the latency target, with hysteresis (`standing`); 3. the least expected cost per
successful call: the operation's own token mix × price ÷ success rate; 4. on failure the next one, then the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Literal

from evalgate.catalog import Catalog
from evalgate.errors import InputError
from evalgate.router.call import Call
from evalgate.router.filters import breaks_limit, cannot_serve, held_up
from evalgate.router.standing import NOBODY, UNKNOWN, Standing, Standings
from evalgate.router.table import Option, Route, RoutingTable
from evalgate.router.weighted import drawn
from evalgate.signal import SignalDocument

Strategy = Literal["cheapest", "weighted"]
INFINITE = float("inf")
Ranked = tuple[float, str, Option]  # expected USD per successful call, id (breaks ties), who


@dataclass(frozen=True, slots=True)
class Preferences:
    """How a router wants to choose.

    `p95_target_ms`: latency that a variant must keep, None: any. `explore`: with `weighted`, the least share of calls
    that each variant among which is chosen gets, so that what is known of it stays fresh; in [0, 1].
    """

    strategy: Strategy = "cheapest"
    p95_target_ms: float | None = None
    explore: float = 0.02

    def __post_init__(self) -> None:
        if not 0 <= self.explore <= 1:
            raise InputError(f"explore: expected a share from 0 to 1, got {self.explore}")
        if self.p95_target_ms is not None and not self.p95_target_ms > 0:
            raise InputError(f"p95_target_ms: expected milliseconds above 0, got {self.p95_target_ms}")


DEFAULT = Preferences()


@dataclass(frozen=True, slots=True)
class Decision:
    """The choice. `order`: who is asked first, and who next when that fails; empty when the caller's own limits
    (price, data policy) forbid everybody. The other fields are what was decided on: `explain` tells the rest from them.
    """

    call: Call
    route: Route
    seq: int | None
    order: tuple[Option, ...]
    at: float
    standings: Standings
    preferences: Preferences
    early: bool = False  # the clock says that the signal was not issued yet

    @property
    def chosen(self) -> Option | None:
        """Who is asked first; None: nobody may be."""
        return self.order[0] if self.order else None

    @property
    def upgraded(self) -> bool:
        """Whether a dearer tier serves than was asked for, because nothing cheaper may."""
        chosen = self.chosen
        return chosen is not None and (
            self.call.tier == "batch" or (self.call.tier == "standard" and chosen is self.route.baseline)
        )


def select(
    call: Call | str,
    document: SignalDocument | None,
    catalog: Catalog,
    *,
    now: datetime,
    standings: Standings = NOBODY,
    seed: int = 0,
    preferences: Preferences = DEFAULT,
) -> Decision:
    """Choose for one call, or for any call of an operation by its name.

    A router prepares a `RoutingTable` once for each signal and calls `choose`. Raises `InputError` where nobody can
    say who the baseline is (`RoutingTable.route`).
    """
    asked = Call(call) if isinstance(call, str) else call
    table = RoutingTable(document, catalog)
    return choose(asked, table, now=now, standings=standings, seed=seed, preferences=preferences)


def choose(
    call: Call,
    table: RoutingTable,
    *,
    now: datetime,
    standings: Standings = NOBODY,
    seed: int = 0,
    preferences: Preferences = DEFAULT,
) -> Decision:
    """Choose for one call; `standings`: telemetry of this operation by variant id; `seed`: any integer of the call."""
    route, at = table.route(call), now.timestamp()
    last = () if breaks_limit(route.baseline, call) is not None else (route.baseline,)
    early = at < table.not_before
    if early or call.tier == "realtime" or not route.greens:
        return Decision(call, route, table.seq, last, at, standings, preferences, early)
    target = preferences.p95_target_ms
    to_beat = cost_to_beat(route, call, at, standings, target)
    limited = call.max_price is not None or call.data_policy is not None
    ranked: list[Ranked] = []
    for option in route.greens:
        standing = standings.get(option.id, UNKNOWN)
        if option.eligible_until <= at or held_up(standing, at, target) is not None:
            continue
        cost = expected_cost(option, standing)
        if cost is None or cost >= to_beat:
            continue
        if cannot_serve(option, call) is None and not (limited and breaks_limit(option, call)):
            ranked.append((cost, option.id, option))
    ranked.sort(key=itemgetter(0, 1))
    if preferences.strategy == "weighted" and len(ranked) > 1:
        ranked.insert(0, ranked.pop(drawn([cost for cost, _, _ in ranked], preferences.explore, seed)))
    return Decision(call, route, table.seq, (*(each[2] for each in ranked), *last), at, standings, preferences)


def cost_to_beat(route: Route, call: Call, at: float, standings: Standings, target_ms: float | None) -> float:
    """Who does not cost less than this replaces nobody: the baseline's cost, or infinity where it had better not be
    asked (its breaker is open, it is too slow, or the caller's limits forbid it)."""
    standing = standings.get(route.baseline.id, UNKNOWN)
    if breaks_limit(route.baseline, call) is not None or held_up(standing, at, target_ms) is not None:
        return INFINITE
    cost = expected_cost(route.baseline, standing)
    return INFINITE if cost is None else cost


def expected_cost(option: Option, standing: Standing) -> float | None:
    """USD per successful call, by the success rate of live traffic or else of the certification; None: unknown."""
    success = option.certified_success if standing.success is None else standing.success
    if option.cost is None or success <= 0:
        return None
    return option.cost / success
