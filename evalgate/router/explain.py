"""A decision in words: every candidate, why each was not taken, and what the choice saves.

Worked out only when somebody asks, from what the decision was made on, by the very filters that made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from evalgate.catalog import Endpoint
from evalgate.router.breaker import admits
from evalgate.router.filters import (
    MAX_PRICE,
    NO_COST,
    NO_SUCCESS,
    SAVES_NOTHING,
    breaks_limit,
    cannot_serve,
    held_up,
)
from evalgate.router.select import Decision, expected_cost
from evalgate.router.standing import UNKNOWN, Standing
from evalgate.router.table import NEVER, Option

_EARLY = "the clock says that the signal was not issued yet"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant that was considered.

    `eligible`: the signal allows it now. `usable`: it is in the order of who is asked. `reason`: why (not). `cost`: the
    expected USD per successful call; None where nothing is known. `estimated`: the tokens behind it were not all
    counted by the server.
    """

    endpoint: Endpoint
    eligible: bool
    usable: bool
    reason: str
    cost: float | None
    estimated: bool
    standing: Standing


@dataclass(frozen=True, slots=True)
class Explanation:
    """`candidates` from the cheapest to the dearest, the baseline among them; `chosen` None: nobody may be asked.

    `saving`: the share of the baseline's expected cost that the choice saves. `alarm`: what somebody should look at, or
    empty.
    """

    chosen: Candidate | None
    baseline: Candidate
    candidates: tuple[Candidate, ...]
    reason: str
    saving: float
    alarm: str

    @property
    def estimated(self) -> bool:
        """Whether the saving rests on tokens that were not all counted by a server."""
        return self.baseline.estimated or (self.chosen is not None and self.chosen.estimated)


def explain(decision: Decision) -> Explanation:
    """Tell how a decision came about."""
    route = decision.route
    baseline = _candidate(decision, route.baseline)
    found = {route.baseline.id: baseline}
    for option in (*route.greens, *route.others):
        found[option.id] = _candidate(decision, option)
    chosen = found[decision.chosen.id] if decision.chosen is not None else None

    def rank(candidate: Candidate) -> tuple[float, bool, str]:
        cost = float("inf") if candidate.cost is None else candidate.cost
        return cost, candidate is not baseline, candidate.endpoint.id

    saving = 0.0
    if chosen is not None and chosen.cost is not None and baseline.cost:
        saving = 1 - chosen.cost / baseline.cost
    ranked = tuple(sorted(found.values(), key=rank))
    return Explanation(chosen, baseline, ranked, reason_of(decision), saving, _alarm(decision))


def reason_of(decision: Decision) -> str:
    """Why who is asked first is asked first, in one line; of all that `explain` tells the one that costs nothing."""
    chosen = decision.chosen
    if chosen is None:
        baseline = decision.route.baseline.id
        return f"nobody may be asked: the baseline {baseline} {_limits(decision)}, and no eligible variant can serve"
    if chosen is decision.route.baseline:
        return f"the baseline: {_why_the_baseline(decision)}"
    drawn = decision.preferences.strategy == "weighted"
    return f"{'drawn by weight among the eligible' if drawn else 'the cheapest eligible variant'}: {chosen.reason}"


def _candidate(decision: Decision, option: Option) -> Candidate:
    standing = decision.standings.get(option.id, UNKNOWN)
    usable = any(each is option for each in decision.order)
    is_baseline = option is decision.route.baseline
    return Candidate(
        endpoint=option.endpoint,
        eligible=is_baseline or (option.eligible_until > decision.at and not decision.early),
        usable=usable,
        reason=_baseline_reason(decision, standing) if is_baseline else _why(decision, option, standing, usable=usable),
        cost=expected_cost(option, standing),
        estimated=option.estimated,
        standing=standing,
    )


def _why(decision: Decision, option: Option, standing: Standing, *, usable: bool) -> str:
    """The first reason why a variant is not asked, or why it may be."""
    if option.eligible_until == NEVER:
        return option.reason
    if option.eligible_until <= decision.at:
        return f"its green expired at {datetime.fromtimestamp(option.eligible_until, UTC):%Y-%m-%d %H:%M} UTC"
    if usable:
        return option.reason
    if decision.early:
        return f"{_EARLY}; {option.reason}"
    if decision.call.tier == "realtime":
        return f"{_realtime(decision)}; {option.reason}"
    target = decision.preferences.p95_target_ms
    excluded = (
        cannot_serve(option, decision.call)
        or breaks_limit(option, decision.call)
        or held_up(standing, decision.at, target)
    )
    if excluded is None:
        cost = expected_cost(option, standing)
        excluded = SAVES_NOTHING if cost is not None else NO_COST if option.cost is None else NO_SUCCESS
    return f"{excluded}; {option.reason}"


def _baseline_reason(decision: Decision, standing: Standing) -> str:
    trouble = breaks_limit(decision.route.baseline, decision.call) or held_up(
        standing, decision.at, decision.preferences.p95_target_ms
    )
    return f"baseline; {trouble}" if trouble else "baseline"


def _realtime(decision: Decision) -> str:
    note = decision.call.note
    return f"the call is treated as realtime: {note}" if note else "the call is realtime"


def _why_the_baseline(decision: Decision) -> str:
    call, route = decision.call, decision.route
    if call.tier == "realtime":
        return _realtime(decision)
    if decision.early:
        return _EARLY
    if decision.seq is None:
        return "there is no signal"
    if not route.certified:
        what = "the call names no operation" if call.operation is None else f"no suite judges {call.operation!r}"
        return f"{what}, so it is treated as realtime"
    unknown = route.baseline.cost is None and any(option.eligible_until > decision.at for option in route.greens)
    return "nobody knows what a call costs" if unknown else "nothing cheaper is eligible"


def _limits(decision: Decision) -> str:
    return {MAX_PRICE: "is dearer than the call's max_price"}.get(
        breaks_limit(decision.route.baseline, decision.call) or "", "does not promise the call's data policy"
    )


def _alarm(decision: Decision) -> str:
    """Set when the call hangs on a baseline that is failing, or on nobody."""
    baseline = decision.route.baseline
    if not decision.order:
        return f"nobody may take this call: {baseline.id} {_limits(decision)}"
    breaker = decision.standings.get(baseline.id, UNKNOWN).breaker
    if decision.chosen is baseline and not admits(breaker, decision.at):
        return f"the baseline {baseline.id} is failing, and no eligible variant can take its place"
    return ""
