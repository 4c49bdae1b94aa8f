"""Asks every question once: concurrency, retries, durability."""

from evalgate.collect.collector import Collector, OnAnswer, require_keys

__all__ = ["Collector", "OnAnswer", "require_keys"]
