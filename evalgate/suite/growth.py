"""A suite that grows: new cases at the end of its JSONL file, all of them or none."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from evalgate.errors import InputError
from evalgate.formats.files import write_atomically
from evalgate.suite.cases import Case
from evalgate.suite.load import Suite, load_suite
from evalgate.suite.near import NearDuplicates


def that_are_new(suite: Suite, cases: Sequence[Case]) -> list[Case]:
    """Those of `cases` that ask nothing which the suite, or one of them before, asks exactly or nearly so."""
    everybody = [*suite.source, *cases]
    known = len(everybody) - len(cases)
    near, asked, repeated = NearDuplicates(suite.prompt), dict[tuple[str, ...], int](), set[int]()
    for position, case in enumerate(everybody):
        texts = suite.prompt.texts(case)
        near.add(texts, case.target)
        if asked.setdefault(tuple(texts), position) != position:
            repeated.add(position)
    repeated |= {after for _, after in near.pairs(everybody)}
    return [case for position, case in enumerate(everybody) if position >= known and position not in repeated]


def require_growing(suite: Suite) -> None:
    """Raise `InputError` unless the cases are in a file to which more can be added."""
    if not isinstance(suite.file.cases, str) or not suite.file.cases.endswith(".jsonl"):
        advice = "move them into a file, one JSON object a line, and name it: cases: cases.jsonl"
        raise suite.error(f"cases can be added only to a .jsonl file; {advice}", "cases")


def add_cases(suite: Suite, cases: Sequence[Case]) -> Suite:
    """Add cases at the end of the suite's file; returns the suite as it is then.

    Raises `InputError` when that would be no suite (an id that is there already, say); the file is then as it was.
    """
    require_growing(suite)
    path = suite.path.parent / str(suite.file.cases)
    before = path.read_bytes()
    rows = [
        {name: value for name, value in (("id", case.id), ("input", case.input), ("target", case.target)) if value}
        | ({"metadata": case.metadata} if case.metadata else {})
        for case in cases
    ]
    joint = b"" if not before or before.endswith(b"\n") else b"\n"
    try:
        write_atomically(path, before + joint + b"".join(orjson.dumps(row) + b"\n" for row in rows))
    except OSError as failure:
        raise InputError(f"{path}: cannot be written: {failure.strerror}") from None
    try:
        return load_suite(suite.path)
    except InputError:
        write_atomically(path, before)
        raise
