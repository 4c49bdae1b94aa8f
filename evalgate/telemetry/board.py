"""All that was counted, by variant and operation: by this process, and by others. No clock, no locks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from evalgate.telemetry.cell import Cell, decoded, merged
from evalgate.telemetry.figures import Figures, Snapshot, figures_of, success, wait
from evalgate.telemetry.series import FUTURE, MINUTE, TEN_MINUTES, WINDOW, Series, is_old, rests
from evalgate.telemetry.shelf import Shelf

Pair = tuple[str, str]  # variant, operation
Row = tuple[int, int, str, str]  # span and start in minutes, variant, operation
Standing = tuple[float | None, float | None]  # success, p95 in ms


class Board:
    """`minute` (since 1970) is what time it is; `totals` is all that this process has counted since it began."""

    def __init__(self, minute: int) -> None:
        self.minute = minute
        self.totals: dict[Pair, Cell] = {}
        self._series: dict[Pair, Series] = {}
        self._own: Shelf[Row] = Shelf()
        self._others: dict[tuple[str, Row], bytes] = {}  # not decoded: they are many, and looked at once
        self._unsent: set[Row] = set()
        self._standings: dict[Pair, Standing] = {}

    @property
    def pairs(self) -> Iterable[Pair]:
        """Of which anything is kept."""
        return self._series.keys()

    def count(self, minute: int, pair: Pair, cell: Cell) -> None:
        """Take what this process has counted in one minute, or in a part of it."""
        self.totals.setdefault(pair, Cell()).merge(cell)
        series = self._of(pair)
        for span, start, part in (
            (MINUTE, minute, cell),
            (TEN_MINUTES, minute - minute % TEN_MINUTES, cell.without_times()),
        ):
            row = span, start, *pair
            self._own.take(row).merge(part)
            self._unsent.add(row)
            series.add(span, start, part)

    def hear(self, worker: str, row: Row, data: bytes) -> None:
        """Take all that another process has counted in one span, in place of what it said of it before.

        What is no cell is ignored, and so is what is too old or too far in the future to count soon.
        """
        span, start, *pair = row
        if span not in WINDOW or is_old(span, start, self.minute) or start > self.minute + FUTURE:
            return
        before = self._others.get((worker, row))
        try:
            cell = decoded(data)
        except ValueError:
            return
        self._others[worker, row] = data
        self._of((pair[0], pair[1])).add(span, start, cell, None if before is None else decoded(before))

    def advance(self, minute: int) -> None:
        """Look at it as of `minute`."""
        self.minute = minute
        for series in self._series.values():
            series.advance(minute)

    def forget(self) -> None:
        """Let go of what counts no more, and put away what rests."""
        minute = self.minute
        for series in self._series.values():
            series.forget(minute)
        self._series = {pair: series for pair, series in self._series.items() if not series.empty}
        self._own.drop(lambda row: is_old(*row[:2], minute))
        self._own.pack(lambda row: rests(*row[:2], minute))
        self._others = {key: data for key, data in self._others.items() if not is_old(*key[1][:2], minute)}
        self._unsent.intersection_update(self._own)
        self.totals = {pair: cell for pair, cell in self.totals.items() if pair in self._series}
        self._standings = {pair: each for pair, each in self._standings.items() if pair in self._series}

    def standings(self, pause: Callable[[], None]) -> Iterator[tuple[Pair, Standing]]:
        """Success and p95 of everybody who was called in the last half hour; pauses after each that is worked out."""
        for pair, series in self._series.items():
            if series.changed:
                self._standings[pair] = success(series.recent).value, wait(series.recent).p95
                series.changed = False
                pause()
            if series.recent.attempts:
                yield pair, self._standings[pair]

    def snapshot(self, now: float) -> Snapshot:
        """All figures, as of the last `advance`; `now` in seconds since 1970."""
        grouped: dict[str, list[Series]] = {}
        for (variant, _), series in self._series.items():
            grouped.setdefault(variant, []).append(series)
        return Snapshot(
            now,
            {pair: series.figures(now) for pair, series in self._series.items()},
            {variant: _together(several, now) for variant, several in grouped.items()},
        )

    def take_unsent(self) -> dict[Row, bytes]:
        """Our rows that changed since they were last taken."""
        rows, self._unsent = self._unsent, set()
        return {row: self._own.encoded(row) for row in rows}

    def give_back(self, rows: Iterable[Row]) -> None:
        """They could not be sent, and are to be taken again."""
        self._unsent.update(row for row in rows if row in self._own)

    def _of(self, pair: Pair) -> Series:
        found = self._series.get(pair)
        if found is None:
            found = self._series[pair] = Series(self.minute)
        return found


def _together(several: list[Series], now: float) -> Figures:
    recent = merged(each.recent for each in several)
    return figures_of(
        recent, merged(each.five_minutes() for each in several), merged(each.day for each in several), now
    )
