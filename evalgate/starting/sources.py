"""Where what is asked comes from: exactly one source, or the example cases that are there to be replaced."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evalgate.errors import InputError
from evalgate.starting.draft import Draft, example
from evalgate.suite.models import Name

OPERATION = "classify_ticket"  # which the example cases are about
LARGEST_CASES = 512 * 1024 * 1024
_ENDINGS = (".jsonl", ".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said of what is asked, as the options of `evalgate init` have it; `judged`: a judge was named."""

    operation: str | None = None
    promptfoo: Path | None = None
    log: Path | None = None
    suite: Path | None = None
    cases: Path | None = None
    prompt: str | None = None
    prompt_number: int | None = None
    graders: Sequence[str] = ()
    margin: float | None = None
    judged: bool = False

    def require_sense(self) -> None:
        """Raise `InputError` for options that exclude each other, or have nothing to do here."""
        sources = {
            "--from-promptfoo": self.promptfoo,
            "--from-log": self.log,
            "--from-suite": self.suite,
            "--cases": self.cases,
        }
        given = [name for name, path in sources.items() if path is not None]
        if len(given) > 1:
            raise InputError(f"{given[0]} and {given[1]} both say what is asked; give one of them")
        source = given[0] if given else "the example cases"
        for name, said, where in (
            ("--prompt", self.prompt, ("--cases",)),
            ("--prompt-number", self.prompt_number, ("--from-promptfoo",)),
            ("--judge", self.judged or None, ("--from-promptfoo",)),
            ("--grader", self.graders or None, ("--cases", "--from-log", "the example cases")),
            ("--margin", self.margin, ("--cases", "--from-log", "--from-promptfoo", "the example cases")),
        ):
            if said is not None and source not in where:
                raise InputError(f"{name} goes with {' or '.join(where)}, not with {source}")
        if self.operation is not None:
            try:
                TypeAdapter(Name).validate_python(self.operation)
            except ValidationError:
                message = "letters, digits and _ . / : @ - only, beginning with a letter or digit"
                raise InputError(f"--operation {self.operation[:80]!r}: {message}") from None


def drafts_of(wanted: Wanted, judge: str | None = None) -> list[Draft]:
    """What is asked; several suites where a promptfoo configuration asserts different things of different tests.

    `judge` is the id of the variant that is asked about rubrics.
    """
    margin = 0.05 if wanted.margin is None else wanted.margin
    assertions = [{"type": name} for name in wanted.graders]
    if wanted.promptfoo is not None:
        from evalgate.starting.promptfoo import read_promptfoo

        drafts = read_promptfoo(wanted.promptfoo, wanted.operation, wanted.prompt_number, judge)
        return [replace(draft, margin=margin) for draft in drafts]
    if wanted.log is not None:
        from evalgate.starting.logs import read_log

        return [replace(read_log(wanted.log, wanted.operation, assertions), margin=margin)]
    if wanted.suite is not None:
        from evalgate.starting.ready_made import copy_of

        return [copy_of(wanted.suite, wanted.operation)]
    assertions = assertions or [{"type": "exact"}]
    if wanted.cases is not None:
        return [_of_cases(wanted.cases, wanted, assertions, margin)]
    return [example(wanted.operation or OPERATION, assertions, margin)]


def _of_cases(path: Path, wanted: Wanted, assertions: Sequence[dict[str, str]], margin: float) -> Draft:
    if path.suffix not in _ENDINGS:
        raise InputError(f"--cases {path}: expected a {', '.join(_ENDINGS)} file")
    operation = wanted.operation or path.stem
    prompt = [{"role": "user", "content": wanted.prompt or "{{ input }}"}]
    draft = Draft(operation, prompt, assertions, generation={"temperature": 0}, margin=margin)
    name = f"{draft.name}{path.suffix}"
    return replace(draft, files={name: regular(path, "--cases", LARGEST_CASES)}, cases=name, source=path)


def regular(path: Path, option: str, most: int) -> bytes:
    """What is in a regular file of at most `most` bytes; raises `InputError`, and never waits for a pipe."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{option} {path}: expected a regular file")
        if status.st_size > most:
            raise InputError(f"{option} {path}: larger than {most >> 20} MiB")
        with path.open("rb") as file:
            return file.read(most + 1)
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or failure
        raise InputError(f"{option} {os.fspath(path)!r}: cannot be read: {reason}") from None
