"""How many calls to one provider may be under way: as many as it bears, found out while asking.

Additive increase, multiplicative decrease, as TCP does it (Jacobson 1988): the limit starts at a quarter of what the
catalogue allows and doubles in each round until the provider pushes back; from then on it grows by one a round. When
the provider asks for fewer calls (429, 503) it loses a place for each refusal, and is halved when those are a tenth of
a round: at most once in a round, for its calls share one cause. (Halved for every refusal, it would stay at ten places
where a gateway turns away one call in fifty at random.) It shrinks by a fifth, down to half of what is allowed, when
answers have become several times slower: then a queue may be growing at the provider, in which more calls would only
wait longer. It may also be that longer answers are being asked for, which is why no more is taken for it than that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from statistics import median
from types import TracebackType

SLOWER = 3.0  # times the fastest round: so much more is a queue
NOTICEABLE_SECONDS = 0.25  # below it is our own machine that wavers
FORGETTING = 1.1  # the fastest round counts less and less: what is slow for long is no queue, but slow
LEAST_SAMPLES = 16
CROWDED = 0.1  # of a round refused: that is no accident
_SLOWDOWN, _THROTTLED = 0.8, 0.5


class AdaptiveLimit:
    """Places for calls, at most `most`; use as an async context manager around each.

    Where `most` is shared with other processes, no more may be under way than is allowed to this one (`allow`); `lack`
    is called when a call has to wait for that.
    """

    def __init__(self, most: int, lack: Callable[[], None] | None = None) -> None:
        self._most, self._lack = most, lack
        self._allowed = most
        self._limit = max(1.0, most / 4)
        self._growing_fast = True
        self._busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._round = self._refused = 0
        self._latencies: list[float] = []
        self._fastest = float("inf")

    @property
    def limit(self) -> int:
        """So many calls may be under way now."""
        return min(int(self._limit), self._allowed)

    @property
    def busy(self) -> int:
        """So many are."""
        return self._busy

    @property
    def wanted(self) -> int:
        """So many would be, if they were allowed to."""
        waiting = sum(not place.done() for place in self._waiting)
        return min(self._busy + waiting, max(self._busy, int(self._limit)))

    def allow(self, places: int) -> None:
        """Let no more calls begin while so many are under way."""
        self._allowed = places
        self._admit()

    @property
    def round(self) -> int:
        """Counts the times it shrank: a call that began before the last one says nothing new by failing."""
        return self._round

    async def __aenter__(self) -> None:
        if self._busy < self.limit and not self._waiting:
            self._busy += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        if self._lack is not None and self._busy >= self._allowed:
            self._lack()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it was given the place and cannot take it
                self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def succeeded(self, seconds: float) -> None:
        """A call was answered after so long."""
        grown = self._limit + (1.0 if self._growing_fast else 1.0 / self._limit)
        self._limit = min(float(self._most), grown)
        self._latencies.append(seconds)
        if len(self._latencies) >= max(LEAST_SAMPLES, self.limit):
            self._end_round()
        self._admit()

    def throttled(self, began_in: int) -> None:
        """The provider asked for fewer calls; `began_in` is the `round` in which the call was made."""
        self._growing_fast = False
        if began_in != self._round:
            return
        self._refused += 1
        if self._refused >= CROWDED * self._limit:
            self._shrink(_THROTTLED, down_to=1.0)
        else:
            self._limit -= 1.0

    def _end_round(self) -> None:
        typical = median(self._latencies)
        self._latencies.clear()
        self._refused = 0
        if typical > SLOWER * self._fastest and typical - self._fastest > NOTICEABLE_SECONDS:
            self._shrink(_SLOWDOWN, down_to=min(self._limit, self._most / 2))
        self._fastest = min(self._fastest * FORGETTING, typical)

    def _shrink(self, factor: float, *, down_to: float) -> None:
        self._limit = max(1.0, down_to, self._limit * factor)
        self._growing_fast = False
        self._round += 1
        self._refused = 0

    def _leave(self) -> None:
        self._busy -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._busy < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self._busy += 1
                place.set_result(None)
