"""Options of `check` and `report` that say what is written for continuous integration, and where."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evalgate.cli.options import PATH
from evalgate.cli.tell import tell
from evalgate.errors import InfrastructureError, InputError

if TYPE_CHECKING:
    from evalgate.gate import Board, FailOn
    from evalgate.report.ci import Since

Function = TypeVar("Function", bound=Callable[..., Any])


def ci_options(function: Function) -> Function:
    """`--junit`, `--summary`, `--comment` and `--github`; as `junit_path` and so on."""
    junit = click.option("--junit", "junit_path", type=PATH, metavar="FILE", help="Write JUnit XML.")
    text = "Write the board in Markdown, the worst first (at most 1000 KiB)."
    summary = click.option("--summary", "summary_path", type=PATH, metavar="FILE", help=text)
    text = "Write the body of a pull request's comment (at most 64 KiB)."
    comment = click.option("--comment", "comment_path", type=PATH, metavar="FILE", help=text)
    text = "In GitHub Actions: step summary and annotations. Elsewhere: nothing."
    return junit(summary(comment(click.option("--github", is_flag=True, help=text)(function))))


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a board goes, besides the terminal."""

    junit: Path | None
    summary: Path | None
    comment: Path | None
    github: bool
    _after: list[str] = field(default_factory=list)  # annotations, for when the runner listens again

    @classmethod
    def to(
        cls,
        junit: Path | None,
        summary: Path | None,
        comment: Path | None,
        *,
        github: bool,
        stdout_is_taken: bool,
    ) -> Outputs:
        """Raises `InputError` for what cannot be written, before anything is paid for."""
        if github and stdout_is_taken:
            raise InputError("--json -: stdout is the runner's with --github; name a file: --json board.json")
        for option, path in (("--junit", junit), ("--summary", summary), ("--comment", comment)):
            if path is not None and path.is_dir():
                raise InputError(f"{option} {path}: is a folder; expected a file's name")
        return cls(junit, summary, comment, github and os.environ.get("GITHUB_ACTIONS") == "true")

    @property
    def in_words(self) -> bool:
        """Whether anything is written in which what changed has a place."""
        return self.github or self.summary is not None or self.comment is not None

    @contextmanager
    def quoted(self) -> Iterator[None]:
        """What is printed meanwhile is text to GitHub: its runner would obey lines that a model or server wrote."""
        if not self.github:
            yield
            return
        token = secrets.token_hex(16)
        click.echo(f"::stop-commands::{token}")
        try:
            yield
        finally:
            click.echo(f"::{token}::")
            for line in self._after:
                click.echo(line)

    def write(self, board: Board, fail_on: FailOn, route: Callable[[str], str], since: Since = None) -> None:
        """Write all that was asked for; raises `InfrastructureError` when a file cannot be written."""
        from evalgate.report import ci

        if self.github:
            self._after[:] = ci.annotation_lines(board, fail_on)
        self._write(
            lambda: ci.junit(board, fail_on, route),
            lambda limit: ci.summary(board, fail_on, route, since, limit=limit),
            lambda: ci.comment(board, fail_on, route, since),
        )

    def tell(self) -> None:
        """Say where everything is."""
        for name, path in (("junit", self.junit), ("summary", self.summary), ("comment", self.comment)):
            if path is not None:
                click.echo(f"{name}: {path}")

    @contextmanager
    def told_of_failure(self, named: Mapping[str, Sequence[str]]) -> Iterator[None]:
        """What ends a check without a board is told where the board would be; `named`: variants by operation."""
        from evalgate.report import ci

        try:
            yield
        except InfrastructureError as failure:
            reason = str(failure)
            self._write(
                lambda: ci.broken_junit(named, reason, time.time()),
                lambda limit: ci.broken_summary(reason),
                lambda: f"{ci.MARKER}\n{ci.broken_summary(reason)}",
            )
            if self.github:
                self._after.append(ci.broken_annotation(reason))
            raise

    def _write(self, junit: Callable[[], bytes], summary: Callable[[int], str], comment: Callable[[], str]) -> None:
        from evalgate.report.ci import SUMMARY_BYTES

        if self.junit is not None:
            _write("--junit", self.junit, junit())
        if self.summary is not None:
            _write("--summary", self.summary, summary(SUMMARY_BYTES).encode())
        if self.comment is not None:
            _write("--comment", self.comment, comment().encode())
        if self.github and (name := os.environ.get("GITHUB_STEP_SUMMARY")):
            _append(Path(name), summary)


def _write(option: str, path: Path, data: bytes) -> None:
    from evalgate.formats.files import write_atomically

    try:
        write_atomically(path, data)
    except OSError as failure:
        kept = "the verdicts are kept: the same command asks nothing again"
        raise InfrastructureError(f"{option} {path}: cannot be written: {failure.strerror}; {kept}") from None


def _append(path: Path, made: Callable[[int], str]) -> None:
    """Add to a step's summary, which other commands of the step may have begun."""
    from evalgate.report.ci import SUMMARY_BYTES

    least = 4096
    try:
        room = SUMMARY_BYTES - (path.stat().st_size if path.exists() else 0)
        if room < least:
            tell("evalgate: the step summary is full; nothing was added to it")
            return
        with path.open("a", encoding="utf-8") as file:
            file.write(made(room))
    except OSError as failure:
        tell(f"evalgate: the step summary cannot be written: {failure.strerror}")
