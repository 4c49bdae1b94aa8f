"""Writes the cases of the ready-made suites: `python suites/generate.py [NAME…] [--check]`.

The cases are made by programs for three reasons. Nobody's data is copied, the targets are right by construction, and
the sets are as large as proving a margin of five points takes. The programs are seeded and their output committed, so a
recorded answer stays an answer to the same question; `--check` fails when the two have drifted apart.

A suite that has its cases made is a folder with `suite.yaml` and a `generate.py`, whose `cases()` gives one mapping for
each case: `input` or `messages`, `target`, `metadata`, and perhaps `id`. It may import what lies here (`distinct`) or
beside it, and read files beside it. The suites of the hub have no generator: their cases are somebody else's.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:  # for `import distinct` in a generator
    sys.path.insert(0, str(HERE))

Row = dict[str, Any]
KEYS = {"id", "input", "messages", "target", "metadata"}


def found() -> dict[str, Path]:
    """The generators, by the name of their folder."""
    paths = sorted([*HERE.glob("*/generate.py"), *HERE.glob("*/*/generate.py")])
    return {path.parent.name: path for path in paths if path.with_name("suite.yaml").exists()}


def generate(name: str) -> list[Row]:
    """The cases of one suite, numbered where they have no id; the same on every machine."""
    rows = list(_cases(found()[name]))
    prefix = "".join(word[0] for word in name.split("_"))
    rows = [row if "id" in row else {"id": f"{prefix}-{number:04d}", **row} for number, row in enumerate(rows, start=1)]
    if found_problems := problems(rows):
        msg = f"{name}: {len(found_problems)} problems, first: {found_problems[0]}"
        raise ValueError(msg)
    return rows


def problems(rows: list[Row]) -> list[str]:
    """Keys that no case has, cases that ask nothing, and ids or questions that are there twice."""
    told = [f"{row.get('id')}: unknown or missing keys" for row in rows if set(row) - KEYS or not _question(row)]
    for what, values in (("id", [row["id"] for row in rows]), ("question", list(map(_question, rows)))):
        told += [f"{value}: {what} twice" for value, count in Counter(values).items() if count > 1]
    return told


def encode(rows: Iterable[Row]) -> str:
    """Write rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def main(arguments: list[str] | None = None) -> int:
    """Write the cases, or compare them with what is there."""
    parser = argparse.ArgumentParser(description="Write the cases of the ready-made suites.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which; default: all ({', '.join(found())})")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the cases are not up to date")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in found()]:
        parser.error(f"no suite {unknown[0]!r} with a generate.py; there are {', '.join(found())}")
    stale = []
    for name in given.names or found():
        path, text = found()[name].with_name("cases.jsonl"), encode(generate(name))
        if not given.check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run python suites/generate.py {' '.join(stale)}\n")
    return 1 if stale else 0


def _cases(path: Path) -> Iterator[Row]:
    spec = importlib.util.spec_from_file_location(f"generate_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    made: Iterator[Row] = module.cases()
    return made


def _question(row: Row) -> str:
    """What a case asks, in whichever order its keys are."""
    asked = {key: row[key] for key in ("input", "messages") if key in row}
    return json.dumps(asked, sort_keys=True).lower() if asked else ""


if __name__ == "__main__":
    sys.exit(main())
