"""Which day it is, by a clock that may be wrong. Pure.

Rounds are numbered, and a number is never used twice; the day is only a label that tells whether today was asked
already. A clock that was ahead and is set right again must neither let a day be skipped nor be asked twice: what was
asked last has the last word, and a label that lies behind it is asked only where no round has it.
"""

from __future__ import annotations

DAY_SECONDS = 86_400


def period_of(at: float, every: float) -> int:
    """The number of the period of `every` seconds in which `at` (seconds since the epoch) lies."""
    return int(at // every)


def is_due(today: int, last: int | None, *, asked_today: bool) -> bool:
    """Whether a round is due in the period `today`; `last` is that of the newest round, None: there was none.

    `asked_today`: some round, perhaps not the newest, has this label.
    """
    if last is None or today > last:
        return True
    return today < last and not asked_today
