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

    from evalgate.catalog import Endpoint
    from evalgate.collect import Trouble

PLAIN_EVERY, BAR_EVERY = 10.0, 0.1  # seconds: drawing costs more than counting
MOST_NAMES = 20  # of models that are told; who makes up one for every answer has been told enough


class RunProgress:
    """Counts answers; rich is only loaded where there is a terminal to draw on."""

    def __init__(self, operation: str, endpoint: Endpoint, answers: int, *, quiet: bool = False) -> None:
        self._quiet, self._answers, self._given = quiet, answers, 0
        self._endpoint, self._names = endpoint, set[str]()
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
        del known
        self._given += 1
        if isinstance(name := answer.details.get("served_model"), str) and name not in self._names:
            self._look_at(name, answer)
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
        if (line := self._troubles.line(trouble)) is not None:
            self._tell(line)

    def _look_at(self, said: str, answer: Answer) -> None:
        """See whether the name is one of those that were asked; each is told once."""
        from evalgate.providers import answered_by
        from evalgate.report.wording import safe

        if len(self._names) < MOST_NAMES:
            self._names.add(said)
            if (name := answered_by(self._endpoint, answer)) is not None:
                advice = "if that is the same model, declare it with answers_as in the catalogue"
                self._tell(
                    f"  {safe(self._endpoint.id)}: answered by {safe(name)!r}, another name than asked; {advice}"
                )

    def _tell(self, line: str) -> None:
        if self._bar is not None:
            self._bar.console.print(line, highlight=False, markup=False)
        elif not self._quiet:
            tell(line)


def _bar(operation: str, answers: int) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=telling_console(), transient=True, auto_refresh=False)
    bar.add_task(operation, total=answers)
    return bar
