"""Asks every question once: concurrency, retries, durability."""

from evalgate.collect.budget import Budget, BudgetSpentError
from evalgate.collect.collector import Collector, OnAnswer, require_keys

__all__ = ["Budget", "BudgetSpentError", "Collector", "OnAnswer", "require_keys"]
