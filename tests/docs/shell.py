"""Lines of a shell, as docs have them: the real command in this process, with what stands around it.

A process for each command would be most of the time that the tests of the docs take.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

import click

from evalgate.cli import command
from evalgate.errors import EvalgateError
from tests.docs.pages import ROOT, Block

_STAYS = (["serve"], ["signal", "serve"], ["signal", "heartbeat"])  # processes that do not end: only parsed
STANDS_FOR = {"N": "1", "SEQ": "1", "RUN": "2026", "TIME": "2026-11-01", "DATE": "2026-11-01"}  # placeholders in prose


@dataclass(frozen=True)
class Line:
    """A simple command; `to` are the files that its output goes to, by `>` or `2>`."""

    words: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    to: dict[str, str] = field(default_factory=dict)
    piped_to: str = ""

    @property
    def stays(self) -> bool:
        """Whether it is a process that does not end by itself."""
        return any(self.words[1 : len(each) + 1] == each for each in _STAYS) or "--every" in self.words


def lines(block: Block) -> list[Line]:
    """The commands of a `sh` block, or of those lines of a `console` block that begin with `$ `."""
    found: list[Line] = []
    begun = ""
    for line in block.text.replace("\\\n", " ").splitlines():
        if not begun and block.language == "console" and not line.startswith("$ "):
            continue  # what is printed
        begun += line.removeprefix("$ ") if not begun else f"\n{line}"
        try:
            words = shlex.split(begun, comments=True)
        except ValueError:  # a quotation that goes on in the next line
            continue
        found += [parse(begun)] if words else []
        begun = ""
    assert not begun, f"{block.place}: a quotation that does not end"
    return found


def parse(text: str) -> Line:
    words = shlex.split(text, comments=True)
    piped_to = ""
    if "|" in words:
        piped_to = words[words.index("|") + 1]
        words = words[: words.index("|")]
    to = {}
    for mark in (">", "2>"):
        if mark in words:
            at = words.index(mark)
            to[mark] = words[at + 1]
            del words[at : at + 2]
    variables = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    return Line(words, variables, to, piped_to)


def require_parsable(words: list[str], *, whole: bool = True) -> None:
    """Raises `click.UsageError` for a command or option that there is not; if `whole`, also for a missing argument."""
    found: click.Command = command
    context: click.Context | None = None
    name, left = "evalgate", [STANDS_FOR.get(word, word) for word in words]
    try:
        while True:
            context = found.make_context(name, list(left), parent=context)
            if not isinstance(found, click.Group):
                return
            named, below, left = found.resolve_command(context, [*context._protected_args, *context.args])
            assert below is not None
            name, found = named or "", below
    except click.exceptions.Exit:  # of --help
        return
    except (click.exceptions.NoArgsIsHelpError, click.MissingParameter):
        if whole:
            raise


def run(line: Line, environment: dict[str, str]) -> tuple[int, str]:
    """The exit code of an `evalgate` command, run here, and all that it printed."""
    out, err = io.StringIO(), io.StringIO()
    before = dict(os.environ)
    os.environ.update(environment | line.variables)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = command.main(line.words[1:], "evalgate", standalone_mode=False)
            except EvalgateError as failure:
                code = failure.exit_code
                err.write(str(failure))
            except click.ClickException as failure:
                code = 2
                err.write(failure.format_message())
    finally:
        os.environ.clear()
        os.environ.update(before)
    for mark, name in line.to.items():
        Path(name).write_text((out if mark == ">" else err).getvalue(), encoding="utf-8")
    return code if isinstance(code, int) else 0, out.getvalue() + err.getvalue()


def require_known(line: Line) -> None:
    """Other programs than `evalgate` are not run, but what they are given of ours has to be there."""
    if line.words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(line.words[1:]) <= {*targets, "PYTHON=python3.11"}, f"make: no such target: {line.words[1:]}"
    elif line.words[0] in ("python", "python3"):
        module = line.words[2] if line.words[1] == "-m" else ""
        script = module.replace(".", "/") + ".py" if module else line.words[1]
        assert module in sys.stdlib_module_names or (ROOT / script).exists(), f"python: no such script: {script}"
    else:
        message = f"{line.words[0]}: what is this? note above the block that it is not run, and why"
        raise AssertionError(message)
