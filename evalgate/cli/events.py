"""Progress for machines: one JSON object a line, on stderr. What each says stands in docs/ci.md."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING

import orjson

from evalgate.cli.course import Course
from evalgate.cli.tell import tell

if TYPE_CHECKING:
    from evalgate.collect import Trouble
    from evalgate.gate import Board, Ruling

EVERY = 1.0  # seconds between two `progress` events


class JsonProgress:
    """Writes events; `write` takes a line without its end, `now` gives seconds since the epoch."""

    def __init__(
        self,
        cases: Mapping[str, int],
        write: Callable[[str], None] = tell,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._write, self._now = write, now
        self._course, self._last = Course(cases), time.monotonic()

    def __enter__(self) -> JsonProgress:
        self.event("started", cases=dict(self._course.cases))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress()

    def event(self, name: str, **told: object) -> None:
        """One line."""
        at = round(self._now(), 3)
        self._write(orjson.dumps({"event": name, "at": at, **told}, default=str).decode())

    def finished(self, board: Board, exit_code: int) -> None:
        """The last event: what is concluded of everybody, which may take back a ruling."""
        verdicts = [
            {
                "operation": operation.operation,
                "variant": verdict.variant.id,
                "outcome": verdict.outcome,
                "beyond_margin": verdict.beyond_margin,
                "cause": verdict.cause,
            }
            for operation in board.operations
            for verdict in operation.verdicts
        ]
        self.event("finished", run=board.run, requests=board.requests, exit_code=exit_code, verdicts=verdicts)

    def answered(self, operation: str, variant: str, *, known: bool) -> None:
        """See `evalgate.check.Progress`."""
        del operation, variant
        self._course.answered(known=known)
        if time.monotonic() - self._last > EVERY:
            self._progress()

    def spent(self, operation: str, dollars: Decimal) -> None:
        """See `evalgate.check.Progress`."""
        self._course.spent(operation, dollars)

    def troubled(self, trouble: Trouble) -> None:
        """See `evalgate.check.Progress`."""
        told = {"reason": trouble.reason, "attempts": trouble.attempts, "again_in": trouble.again_in}
        self.event("trouble", endpoint=trouble.endpoint, **told)

    def ruled(self, operation: str, rulings: Mapping[str, Ruling], cases: int) -> None:
        """See `evalgate.check.Progress`."""
        for variant, ruling in self._course.ruled(operation, rulings, cases).items():
            self.event("ruling", operation=operation, variant=variant, outcome=ruling.outcome, cases=ruling.units)

    def _progress(self) -> None:
        self._last = time.monotonic()
        course, left = self._course, self._course.seconds_left
        self.event(
            "progress",
            answers=course.answers,
            asked=course.asked,
            usd=str(course.usd),
            done={operation: course.done(operation) for operation in course.cases},
            seconds=round(course.seconds, 1),
            seconds_left=None if left is None else round(left, 1),
        )
