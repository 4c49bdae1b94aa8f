"""Results as JSON: to a file, or to stdout for other programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import orjson

from evalgate.errors import InputError
from evalgate.formats.files import write_atomically


def write_json(content: Mapping[str, object], target: str) -> None:
    """Write JSON to a file, or to stdout for `-`."""
    data = orjson.dumps(dict(content), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE, default=str)
    if target == "-":
        sys.stdout.buffer.write(data)
    else:
        try:
            write_atomically(Path(target), data)
        except OSError as failure:
            raise InputError(f"--json {target}: cannot be written: {failure.strerror}") from None
