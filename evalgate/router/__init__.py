"""USES the signal: which variant takes a call.

table = RoutingTable(document, catalog)  # once for each signal
decision = choose(Call("classify_ticket"), table, now=now, seed=seed)
decision.order  # whom to ask, in turn; the baseline last
"""

from evalgate.router.breaker import CLOSED, Breaker, admits, when_failed, when_left, when_sent, when_succeeded
from evalgate.router.call import TIERS, Call, MaxPrice, Tier, call_of
from evalgate.router.explain import Candidate, Explanation, explain, reason_of
from evalgate.router.filters import breaks_limit, cannot_serve
from evalgate.router.select import Decision, Preferences, Strategy, choose, select
from evalgate.router.standing import Standing, Standings, is_slow
from evalgate.router.table import NEVER, Option, Route, RoutingTable

__all__ = [
    "CLOSED",
    "NEVER",
    "TIERS",
    "Breaker",
    "Call",
    "Candidate",
    "Decision",
    "Explanation",
    "MaxPrice",
    "Option",
    "Preferences",
    "Route",
    "RoutingTable",
    "Standing",
    "Standings",
    "Strategy",
    "Tier",
    "admits",
    "breaks_limit",
    "call_of",
    "cannot_serve",
    "choose",
    "explain",
    "is_slow",
    "reason_of",
    "select",
    "when_failed",
    "when_left",
    "when_sent",
    "when_succeeded",
]
