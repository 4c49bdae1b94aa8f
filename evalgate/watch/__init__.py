"""KEEPS greens proven: a few cases a day beside the baseline, an alarm that withdraws, and a certification anew."""

from evalgate.watch.watch import Certify, House, Outcome, Progress, watch

__all__ = ["Certify", "House", "Outcome", "Progress", "watch"]
