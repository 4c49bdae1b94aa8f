"""What time it is, for a reader that must not be fooled by a clock that was set back.

A clock that runs behind makes what has expired look valid. So a reader notes what time it was when it believed a
document, which a publisher with a clock of its own had then issued, and counts the seconds since by a counter that
nobody can set. That is how early it can be at most: the *floor*. Entries are judged by the clock or by the floor,
whichever is later; a clock that was a day ahead meanwhile makes them expire early, which is safe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

SKEW = 60.0  # seconds by which two clocks that are kept may differ
WRONG = 900.0  # seconds by which a clock must be behind the floor for somebody to be called


@dataclass(frozen=True, slots=True)
class Clock:
    """`wall`: seconds since 1970; `steady`: seconds since some moment of this `boot`, never set, and running on in
    standby; the same for all processes of a boot."""

    wall: Callable[[], float]
    steady: Callable[[], float]
    boot: str


def system_clock() -> Clock:
    """The machine's. Where a boot has no name, floors of other processes are taken as they were written down."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        steady: Callable[[], float] = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
        steady()
    except (OSError, AttributeError):
        return Clock(time.time, time.monotonic, "")
    return Clock(time.time, steady, boot)
