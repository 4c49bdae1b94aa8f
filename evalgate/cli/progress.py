"""Live progress of a check: a bar per operation on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from evalgate.cli.tell import telling_console
from evalgate.cli.troubles import TroubleLines

if TYPE_CHECKING:
    from evalgate.collect import Trouble
    from evalgate.gate import Ruling

PLAIN_EVERY = 10.0  # seconds


class LiveProgress:
    """Shows what a check is doing, on stderr, so that stdout can be piped."""

    def __init__(self, cases: Mapping[str, int], *, quiet: bool = False) -> None:
        self._console = telling_console(quiet=quiet)
        self._cases = cases
        self._known: Counter[bool] = Counter()
        self._plain = not self._console.is_terminal
        self._last_line = time.monotonic()
        self._troubles = TroubleLines()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
        )
        self._bars = Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True, disable=self._plain)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> LiveProgress:
        for operation, cases in self._cases.items():
            self._tasks[operation] = self._bars.add_task(operation, total=cases, state="")
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
        if self._known:
            asked, known = self._known[False], self._known[True]
            self._console.print(
                f"{asked + known} answers: {asked} asked now, {known} already in the store", highlight=False
            )

    def answered(self, operation: str, variant: str, *, known: bool) -> None:
        """See `evalgate.check.Progress`."""
        del operation, variant
        self._known[known] += 1
        if self._plain and time.monotonic() - self._last_line > PLAIN_EVERY:
            self._last_line = time.monotonic()
            self._console.print(f"  … {self._known.total()} answers", highlight=False)

    def troubled(self, trouble: Trouble) -> None:
        """See `evalgate.check.Progress`."""
        if (line := self._troubles.line(trouble)) is not None:
            self._console.print(line, highlight=False, markup=False)

    def ruled(self, operation: str, rulings: Mapping[str, Ruling], cases: int) -> None:
        """See `evalgate.check.Progress`."""
        outcomes = Counter(ruling.outcome for ruling in rulings.values())
        state = f"{outcomes['green']} green, {outcomes['red']} red, {outcomes['inconclusive']} open"
        done = self._cases[operation] if not outcomes["inconclusive"] else cases
        self._bars.update(self._tasks[operation], completed=done, state=state)
        if self._plain and (not outcomes["inconclusive"] or cases >= self._cases[operation]):
            self._console.print(f"  {operation}: {state} after {cases} cases", highlight=False, markup=False)
