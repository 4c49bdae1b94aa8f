"""Live progress of a check, on stderr, so that stdout can be piped: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from evalgate.cli.course import Course
from evalgate.cli.tell import telling_console
from evalgate.cli.troubles import TroubleLines
from evalgate.report.forecast import usd
from evalgate.report.wording import age, counted, safe

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from evalgate.collect import Trouble
    from evalgate.gate import Ruling

PLAIN_EVERY = 10.0  # seconds
_BAR, _NAME = 14, 24  # cells


class LiveProgress:
    """Answers, money and the time that is left while they change, and each ruling as it falls.

    With `plain` lines are printed on a terminal, too.
    """

    def __init__(self, cases: Mapping[str, int], *, quiet: bool = False, plain: bool = False) -> None:
        self._console = telling_console(quiet=quiet)
        self._course = Course(cases)
        self._plain = plain or not self._console.is_terminal
        self._last_line = time.monotonic()
        self._troubles = TroubleLines()
        self._bars = _Bars(self._told, self._console, disable=self._plain)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> LiveProgress:
        for operation, cases in self._course.cases.items():
            self._tasks[operation] = self._bars.add_task(safe(operation, _NAME), total=cases, state="")
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
        course = self._course
        if course.answers:
            paid = f" for {usd(course.usd)} USD" if course.usd else ""
            self._tell(
                f"{course.answers:,} answers: {course.asked:,} asked now{paid}, {course.known:,} already in the store"
            )

    def answered(self, operation: str, variant: str, *, known: bool) -> None:
        """See `evalgate.check.Progress`."""
        del operation, variant
        self._course.answered(known=known)
        if self._plain and time.monotonic() - self._last_line > PLAIN_EVERY:
            self._last_line = time.monotonic()
            self._tell(f"  … {self._told()}")

    def spent(self, operation: str, dollars: Decimal) -> None:
        """See `evalgate.check.Progress`."""
        self._course.spent(operation, dollars)

    def troubled(self, trouble: Trouble) -> None:
        """See `evalgate.check.Progress`."""
        if (line := self._troubles.line(trouble)) is not None:
            self._tell(line)

    def ruled(self, operation: str, rulings: Mapping[str, Ruling], cases: int) -> None:
        """See `evalgate.check.Progress`."""
        course = self._course
        for variant, ruling in course.ruled(operation, rulings, cases).items():
            self._tell(f"  {safe(operation)} · {safe(variant)}: {ruling.outcome} after {counted(ruling.units, 'case')}")
        self._bars.update(self._tasks[operation], completed=course.done(operation), state=course.state(operation))

    def _told(self) -> str:
        """Answers, money and time."""
        course = self._course
        parts = [f"{course.answers:,} answers", f"{usd(course.usd)} USD spent"]
        if (left := course.seconds_left) is not None:
            parts.append(f"at most {age(timedelta(seconds=left))} left")
        return " · ".join(parts)

    def _tell(self, line: str) -> None:
        # no wider than a terminal; where there is none, a line stays one
        self._console.print(line, highlight=False, markup=False, soft_wrap=not self._console.is_terminal)


class _Bars(Progress):
    """A bar for each operation, and below them what `told` says of all."""

    def __init__(self, told: Callable[[], str], console: Console, *, disable: bool) -> None:
        self._told = told  # first: Progress renders while it is made
        super().__init__(
            TextColumn("{task.description}", markup=False, table_column=Column(max_width=_NAME, no_wrap=True)),
            BarColumn(_BAR),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}", markup=False, table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
            disable=disable,
        )

    def get_renderables(self) -> Iterator[RenderableType]:
        """See `rich.progress.Progress`."""
        yield self.make_tasks_table(self.tasks)
        yield Text(self._told(), "dim")
