"""Asks every question once: concurrency, limits, retries, durability, and the work shared with other processes."""

from evalgate.collect.batching import Batching, cancel_batches
from evalgate.collect.budget import Budget, BudgetSpentError
from evalgate.collect.collector import Collector, OnAnswer, require_ready
from evalgate.collect.crew import Crew
from evalgate.collect.opinions import with_opinions
from evalgate.collect.reasons import ReasonGroup, Reasons
from evalgate.collect.share import Workbench
from evalgate.collect.stop import Stop
from evalgate.collect.trouble import OnTrouble, Trouble
from evalgate.collect.waiting import all_of

__all__ = [
    "Batching",
    "Budget",
    "BudgetSpentError",
    "Collector",
    "Crew",
    "OnAnswer",
    "OnTrouble",
    "ReasonGroup",
    "Reasons",
    "Stop",
    "Trouble",
    "Workbench",
    "all_of",
    "cancel_batches",
    "require_ready",
    "with_opinions",
]
