"""One variant on one operation over time: minutes for half an hour, tens of minutes for a day, and their running sums.

Running sums take in what comes and give back what leaves, so that a look costs the same however much was counted. What
is in a sum is decided by the wall clock each time: a clock that was set forth or back, or another machine's, moves the
window and nothing else. A cell from the future waits until its time has come.
"""

from __future__ import annotations

from evalgate.telemetry.cell import Cell, merged
from evalgate.telemetry.figures import Figures, figures_of
from evalgate.telemetry.shelf import Shelf

MINUTE, TEN_MINUTES = 1, 10  # spans, in minutes
WINDOW = {MINUTE: 30, TEN_MINUTES: 144}  # how many spans count, with the one that is under way
AHEAD = 1  # minutes that another machine's clock may be ahead of ours
FUTURE = 60  # minutes that one may be from the future, until it is not even kept
SLACK = 5  # minutes that a cell is kept after it counted: our clock may yet be set back a little


def is_current(span: int, start: int, minute: int) -> bool:
    """Whether a cell that starts at `start` counts now; both in minutes since 1970."""
    return minute - span * WINDOW[span] < start <= minute + AHEAD


def is_old(span: int, start: int, minute: int) -> bool:
    """Whether a cell may be forgotten."""
    return start <= minute - span * WINDOW[span] - SLACK


def rests(span: int, start: int, minute: int) -> bool:
    """Whether a cell will hardly be added to, or looked at, any more."""
    return start < minute - span - 5


class Series:
    """Cells by span and start (minutes since 1970), and what of them counts at `minute`.

    `changed`: whether what counts is another than when somebody last set it to False.
    """

    __slots__ = ("_cells", "_counted", "_sums", "changed", "minute")

    def __init__(self, minute: int) -> None:
        self.minute, self.changed = minute, True
        self._cells: Shelf[tuple[int, int]] = Shelf()
        self._counted: set[tuple[int, int]] = set()
        self._sums = {MINUTE: Cell(), TEN_MINUTES: Cell()}

    @property
    def empty(self) -> bool:
        """Whether nothing is kept any more."""
        return not self._cells

    @property
    def recent(self) -> Cell:
        """The last half hour."""
        return self._sums[MINUTE]

    @property
    def day(self) -> Cell:
        """The last day, without histograms."""
        return self._sums[TEN_MINUTES]

    def add(self, span: int, start: int, cell: Cell, instead: Cell | None = None) -> None:
        """Count what a cell has, in place of what the same source said before, if it did."""
        key = span, start
        there = self._cells.take(key)
        if key not in self._counted and is_current(span, start, self.minute):
            self._counted.add(key)
            self._sums[span].merge(there)
        counts = key in self._counted
        self.changed = self.changed or counts
        for into in (there, self._sums[span]) if counts else (there,):
            into.merge(cell)
            if instead is not None:
                into.take_away(instead)

    def advance(self, minute: int) -> None:
        """Count what belongs to the window that ends with `minute`, and nothing else."""
        if minute == self.minute:
            return
        self.minute, self.changed = minute, True
        for key in self._cells:
            span, counts, counted = key[0], is_current(*key, minute), key in self._counted
            if counts and not counted:
                self._sums[span].merge(self._cells.look(key))
                self._counted.add(key)
            elif counted and not counts:
                self._sums[span].take_away(self._cells.look(key))
                self._counted.discard(key)
        for span, whole in self._sums.items():
            last = max((key for key in self._counted if key[0] == span), default=None)
            whole.latest = 0.0 if last is None else self._cells.look(last).latest

    def forget(self, minute: int) -> None:
        """Let go of what counts no more, and put away what rests."""
        self._cells.drop(lambda key: key not in self._counted and is_old(*key, minute))
        self._cells.pack(lambda key: rests(*key, minute))

    def figures(self, now: float) -> Figures:
        """All figures at `now`, in seconds since 1970."""
        return figures_of(self.recent, self.five_minutes(), self.day, now)

    def five_minutes(self) -> Cell:
        """The last five minutes."""
        since = self.minute - 5
        return merged(self._cells.look(key) for key in self._counted if key[0] == MINUTE and key[1] > since)
