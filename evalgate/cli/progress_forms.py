"""How a check tells how far it is: live bars, plain lines, JSON for machines, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from evalgate.cli.tell import tell, tell_wrapped

if TYPE_CHECKING:
    from evalgate.cli.events import JsonProgress
    from evalgate.cli.progress import LiveProgress
    from evalgate.gate import Board
    from evalgate.plan import Contest

Function = TypeVar("Function", bound=Callable[..., Any])
Form = Literal["auto", "plain", "json"]


def progress_option(function: Function) -> Function:
    """`--progress FORM`."""
    text = "How progress is told on stderr: auto (bars on a terminal, else lines), plain lines, or JSON lines."
    forms = click.Choice(["auto", "plain", "json"])
    return click.option("--progress", "progress_form", type=forms, default="auto", show_default=True, help=text)(
        function
    )


class Told:
    """Tells of a check in one of the forms; with `quiet` nothing but JSON, which nobody asks for to be quiet."""

    def __init__(self, form: Form, *, quiet: bool) -> None:
        self._form, self._quiet = form, quiet
        self._json: JsonProgress | None = None

    def planned(self, contests: Sequence[Contest]) -> None:
        """What is to be known before the first question."""
        from evalgate.plan.forecast import forecast
        from evalgate.report.forecast import summary
        from evalgate.report.wording import safe

        if self._form == "json" or self._quiet:
            return
        for contest in contests:
            for remark in (*contest.suite.remarks, *contest.grading.remarks):
                tell_wrapped(f"{safe(str(contest.suite.path))}: {remark}")
        tell_wrapped(summary([forecast(contest) for contest in contests]))

    def progress(self, cases: Mapping[str, int]) -> LiveProgress | JsonProgress:
        """What watches the check, as a context manager; `cases` by operation."""
        if self._form == "json":
            from evalgate.cli.events import JsonProgress

            self._json = JsonProgress(cases, tell)
            return self._json
        from evalgate.cli.progress import LiveProgress

        return LiveProgress(cases, quiet=self._quiet, plain=self._form == "plain")

    def finished(self, board: Board, exit_code: int) -> None:
        """The end, for machines; people have seen the board."""
        if self._json is not None:
            self._json.finished(board, exit_code)
