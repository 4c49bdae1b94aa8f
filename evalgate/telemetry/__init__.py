"""How variants do on live traffic: one-minute buckets of the last 30 minutes, merged when they are looked at."""

from evalgate.telemetry.attempt import Attempt, Outcome
from evalgate.telemetry.figures import Figures, Share, Snapshot, Spread
from evalgate.telemetry.recorder import OTHER, Recorder

__all__ = ["OTHER", "Attempt", "Figures", "Outcome", "Recorder", "Share", "Snapshot", "Spread"]
