"""Bounded reading of files that somebody else wrote: whole JSON documents, and text line by line.

Every size that a file can claim is checked before memory is spent on it. JSON is parsed by orjson; what orjson refuses
goes to the standard library, which knows NaN (Inspect writes it for "unscored") and tells the line of a mistake.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import orjson

from evalgate.errors import InputError

MAX_FILE_BYTES = 2 * 1024**3
MAX_DOCUMENT_BYTES = 512 * 1024**2  # a document is parsed in one piece, at several times its size
MAX_LINE_BYTES = 64 * 1024**2

MAX_LOOKED_AT = 1000  # files of a folder that was given instead of a file

_ENDINGS = {".eval", ".jsonl", ".json", ".csv"}
_BOM = b"\xef\xbb\xbf"


def check_file(path: Path) -> None:
    """Raise `InputError` unless `path` is a regular, non-empty file of at most 2 GiB."""
    try:
        status = path.stat()
    except (OSError, ValueError) as failure:  # ValueError: a null byte in the name
        reason = getattr(failure, "strerror", None) or str(failure)
        raise InputError(f"{path}: cannot be read: {reason}") from None
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{path}: is a folder; give the result file in it{_files_in(path)}")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path}: is not a regular file; save the results to a file first")
    if status.st_size == 0:
        raise InputError(f"{path}: is empty; expected the results of an evaluation")
    if status.st_size > MAX_FILE_BYTES:
        message = f"{path}: received {status.st_size} bytes, expected at most 2 GiB; write `id, score` as JSONL"
        raise InputError(message)


def _files_in(folder: Path) -> str:
    try:
        children = islice(folder.rglob("*"), MAX_LOOKED_AT)
        found = sorted(str(child.relative_to(folder)) for child in children if child.suffix in _ENDINGS)
    except OSError:
        return ""
    return f", such as {found[0]!r}" if found else ""


def first_line(path: Path) -> bytes:
    """Return the first line that is not blank, without a byte order mark and white space (bounded; it may be cut)."""
    with _open(path) as file:
        for line in iter(lambda: file.readline(MAX_LINE_BYTES), b""):
            if text := line.removeprefix(_BOM).strip():
                return text
    raise InputError(f"{path}: holds only blank lines; expected the results of an evaluation")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, text with its line end); raises `InputError` for a line over 64 MiB and for bad UTF-8."""
    with _open(path) as file:
        lines = iter(lambda: file.readline(MAX_LINE_BYTES + 1), b"")
        for number, line in enumerate(lines, start=1):
            if len(line) > MAX_LINE_BYTES:
                raise InputError(f"{path}:{number}: longer than {MAX_LINE_BYTES >> 20} MiB; expected one result a line")
            yield number, _decode(line, f"{path}:{number}")


def read_document(path: Path) -> object:
    """Parse the whole file as one JSON document of at most 512 MiB."""
    if (size := path.stat().st_size) > MAX_DOCUMENT_BYTES:
        message = (
            f"{path}: received a JSON document of {size} bytes, expected at most {MAX_DOCUMENT_BYTES >> 20} MiB; "
            "for Inspect convert it with `inspect log convert --to eval`, else write `id, score` as JSONL"
        )
        raise InputError(message)
    with _open(path) as file:
        return parse_json(file.read(MAX_DOCUMENT_BYTES + 1), str(path), lines=True)


def parse_json(data: bytes | str, place: str, *, lines: bool = False) -> object:
    """Parse one JSON value.

    Raises `InputError` at `place` (with `lines`: and the line in it) for anything malformed or nested too deep.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    text = _decode(data, place) if isinstance(data, bytes) else data
    try:
        parsed: object = json.loads(text)
    except json.JSONDecodeError as failure:
        where = f"{place}:{failure.lineno}" if lines else place
        message = f"{where}: malformed JSON at column {failure.colno}: {failure.msg}; is the file complete?"
        raise InputError(message) from None
    except RecursionError:
        raise InputError(f"{place}: JSON nested too deep; expected the results of an evaluation") from None
    except ValueError:  # json itself raises no other than for these
        raise InputError(f"{place}: malformed JSON: a number has thousands of digits") from None
    return parsed


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as failure:
        raise InputError(f"{path}: cannot be read: {failure.strerror}") from None


def _decode(data: bytes, place: str) -> str:
    try:
        return data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as failure:
        raise InputError(f"{place}: not UTF-8 at byte {failure.start}; save the file as UTF-8") from None
