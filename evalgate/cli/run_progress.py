"""Live progress of a run, on stderr: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from evalgate.cli.tell import tell, telling_console
from evalgate.cli.troubles import TroubleLines
from evalgate.exchange import Answer

if TYPE_CHECKING:
    from rich.progress import Progress

    from evalgate.collect import Trouble

PLAIN_EVERY, BAR_EVERY = 10.0, 0.1  # seconds: drawing costs more than counting


class RunProgress:
    """Counts answers; rich is only loaded where there is a terminal to draw on."""

    def __init__(self, operation: str, answers: int, *, quiet: bool = False) -> None:
        self._quiet, self._answers, self._given = quiet, answers, 0
        self._bar = _bar(operation, answers) if sys.stderr.isatty() and not quiet else None
        self._every = PLAIN_EVERY if self._bar is None else BAR_EVERY
        self._shown = time.monotonic()
        self._troubles = TroubleLines()

    def __enter__(self) -> RunProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def answered(self, answer: Answer, known: bool) -> None:
        """One more."""
        del answer, known
        self._given += 1
        now = time.monotonic()
        if now - self._shown < self._every:
            return
        self._shown = now
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._given, refresh=True)
        elif not self._quiet:
            tell(f"  … {self._given} of {self._answers} answers")

    def troubled(self, trouble: Trouble) -> None:
        """An attempt failed."""
        if self._quiet or (line := self._troubles.line(trouble)) is None:
            return
        if self._bar is not None:
            self._bar.console.print(line, highlight=False, markup=False)
        else:
            tell(line)


def _bar(operation: str, answers: int) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=telling_console(), transient=True, auto_refresh=False)
    bar.add_task(operation, total=answers)
    return bar
