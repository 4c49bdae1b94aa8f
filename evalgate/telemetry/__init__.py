"""How variants do on live traffic: one-minute buckets of the last 30 minutes, merged when they are looked at."""

from evalgate.telemetry.attempt import Attempt, Outcome

__all__ = ["Attempt", "Outcome"]
