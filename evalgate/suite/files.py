"""What a folder of suites stands for, wherever one is named: on the command line, in an action, to pytest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalgate.errors import InputError


def in_folder(folder: Path) -> list[Path]:
    """The suites of a folder, in the order of their names: its `*.yaml`, and `suite.yaml` of each folder in it.

    A suite with data of its own has a folder of its own. It is not looked deeper: what lies there is named by itself.
    """
    return [*sorted(folder.glob("*.yaml")), *sorted(folder.glob("*/suite.yaml"))]


def belongs(path: Path, folder: Path) -> bool:
    """Whether a suite's file lies where those of `folder` do."""
    return path.parent == folder or (path.parent.parent == folder and path.name == "suite.yaml")


def named(paths: Sequence[Path]) -> list[Path]:
    """The files that are meant by files and folders, each once; raises `InputError` for a folder without any."""
    files: list[Path] = []
    for path in paths:
        found = in_folder(path) if path.is_dir() else [path]
        if not found:
            raise InputError(f"{path}: no suites (*.yaml, */suite.yaml) in this folder{_deeper(path)}")
        files.extend(found)
    return list(dict.fromkeys(files))


def _deeper(folder: Path) -> str:
    """Where the suites are that somebody may have meant."""
    below = sorted({file.parent.parent for file in folder.glob("*/*/suite.yaml")})
    return f"; there are some in {', '.join(map(str, below[:3]))}" if below else ""
