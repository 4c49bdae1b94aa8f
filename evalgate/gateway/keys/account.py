"""What one key has used, over all processes as far as this one knows, and how long it has to wait.

Rates are over a sliding minute: what the current minute has, and of the one before the share that is still within 60
seconds. No burst at a minute's turn gets twice the limit. No clock and no locks here.
"""

from __future__ import annotations

import functools
import math
from datetime import UTC, datetime, timedelta

from evalgate.store.spending import DAY, MINUTE, Spent

Span = tuple[int, int]  # span and start, in seconds
Used = list[int]  # requests, tokens, picodollars
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOTAL = "total"
_NOTHING = (0, 0, 0)


class Account:
    """`spent` holds picodollars by period: a day (`2026-11-23`), a month (`2026-11`), and `total`, all in UTC."""

    __slots__ = ("_minutes", "_others", "_own", "_unsent", "name", "spent")

    def __init__(self, name: str) -> None:
        self.name = name
        self.spent: dict[str, int] = {}
        self._minutes: dict[int, Used] = {}
        self._own: dict[Span, Used] = {}
        self._others: dict[tuple[str, int, int], Used] = {}
        self._unsent: set[Span] = set()

    def book(self, at: float, requests: int, tokens: int, picodollars: int) -> None:
        """Note what this process used at `at`, in seconds since 1970."""
        for span in (MINUTE, DAY):
            key = span, int(at // span) * span
            own = self._own.setdefault(key, [0, 0, 0])
            for place, used in enumerate((requests, tokens, picodollars)):
                own[place] += used
            self._unsent.add(key)
            self._count(key, requests, tokens, picodollars)

    def hear(self, told: Spent) -> None:
        """Take all that another process used in one span, in place of what it said of it before."""
        key = told.worker, told.span, told.start
        before = self._others.get(key, [0, 0, 0])
        self._others[key] = [told.requests, told.tokens, told.picodollars]
        more = [now - then for now, then in zip(self._others[key], before, strict=True)]
        self._count((told.span, told.start), *more)

    def seconds_to_wait(self, at: float, requests: int | None, tokens: int | None) -> float:
        """Until these limits per minute let another call in, if nothing else comes; 0.0: now."""
        if requests is None and tokens is None:
            return 0.0
        minute = int(at // MINUTE) * MINUTE
        before, current = self._minutes.get(minute - MINUTE, _NOTHING), self._minutes.get(minute, _NOTHING)
        wait = 0.0 if requests is None else _wait(at - minute, before[0], current[0], requests)
        return wait if tokens is None else max(wait, _wait(at - minute, before[1], current[1], tokens))

    def take_unsent(self, worker: str) -> list[Spent]:
        """Our rows that changed since they were last taken."""
        rows = [Spent(self.name, *key, worker, *self._own[key]) for key in self._unsent]
        self._unsent = set()
        return rows

    def give_back(self, row: Spent) -> None:
        """It could not be sent, and is to be taken again."""
        if (row.span, row.start) in self._own:
            self._unsent.add((row.span, row.start))

    def forget(self, at: float) -> None:
        """Let go of minutes that limit nothing any more, sent or not. Days stay: a row is never begun anew."""
        oldest = at - 10 * MINUTE
        self._minutes = {start: used for start, used in self._minutes.items() if start > oldest}
        self._own = {key: used for key, used in self._own.items() if key[0] == DAY or key[1] > oldest}
        self._others = {key: used for key, used in self._others.items() if key[1] == DAY or key[2] > oldest}
        self._unsent &= self._own.keys()

    def _count(self, key: Span, requests: int, tokens: int, picodollars: int) -> None:
        span, start = key
        if span == MINUTE:
            used = self._minutes.setdefault(start, [0, 0, 0])
            used[0] += requests
            used[1] += tokens
        elif picodollars:
            for period in periods(start // DAY):
                self.spent[period] = self.spent.get(period, 0) + picodollars


@functools.lru_cache(maxsize=1024)
def periods(day: int) -> tuple[str, str, str]:
    """The day, its month, and all time, as `Account.spent` calls them; `day` since 1970."""
    date = (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")
    return date, date[:7], TOTAL


def period_at(kind: str | None, at: float) -> str:
    """How `Account.spent` calls the day, month or total that `at` is in."""
    return periods(int(at // DAY))[_PLACES.get(kind or TOTAL, 2)]


_PLACES = {"day": 0, "month": 1}


def ends_at(kind: str | None, at: float) -> datetime | None:
    """When the day or month that `at` is in is over; None: never."""
    date = (_EPOCH + timedelta(seconds=at)).replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "day":
        return date + timedelta(days=1)
    return (date.replace(day=1) + timedelta(days=32)).replace(day=1) if kind == "month" else None


def month_of(at: float) -> int:
    """When the month that `at` is in began, in seconds since 1970."""
    return int((_EPOCH + timedelta(seconds=at)).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())


def _wait(elapsed: float, before: int, current: int, limit: int) -> float:
    """Seconds until current + before × (what of it is within the last 60 seconds) is below the limit."""
    if current + before * (1 - elapsed / MINUTE) < limit:
        return 0.0
    if current < limit:
        wait = MINUTE * (1 - (limit - current) / before) - elapsed
    else:
        wait = MINUTE - elapsed + MINUTE * (1 - limit / current if limit else 1)
    return max(1.0, math.ceil(wait + 0.001))
