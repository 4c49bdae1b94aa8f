"""The cases of a dataset file, which stay in the file.

What is kept for a case is where it stands: 20 bytes, however long it is, so a suite may have more cases than fit into
memory. A case is read again when it is asked for, and refused when its bytes are not those that were checked when the
suite was loaded: baseline and variant must never be asked different things because somebody saved the file in between.
A checksum of each case sees that in places where the file's size and time do not, and no file has to stay open.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import BinaryIO, overload

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.formats.documents import told_at_once
from evalgate.suite.cases import Case, case_of, checked_case, duplicate, no_cases, with_defaults
from evalgate.suite.digests import Digests, Positions
from evalgate.suite.rows import CsvRows, JsonlRows, Rows

BLOCK = 1024  # cases: a slice of so many is read at once
MOST_WRONG = 1000  # rows: whoever has more of them has another file than was meant
_PLACE = struct.Struct("<QIII")  # offset, size, line, checksum
_WRITTEN = 1 << 31  # in the size: a number of this row keeps its text


class CaseFile(Sequence[Case]):
    """The cases of a file in any order.

    A long slice is another view of the file; a short one is a list, because those who ask for some cases look at them
    several times. Whatever reads a case raises `InputError` when the file is gone or has changed.
    """

    def __init__(
        self, path: Path, rows: Rows, places: bytearray, order: Positions, defaults: Mapping[str, JsonValue]
    ) -> None:
        self._path, self._rows, self._places, self._order = path, rows, places, order
        self._defaults = defaults
        self._source = path.absolute()  # also when the program goes to another folder

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, where: int) -> Case: ...
    @overload
    def __getitem__(self, where: slice) -> Sequence[Case]: ...
    def __getitem__(self, where: int | slice) -> Case | Sequence[Case]:
        if isinstance(where, slice):
            part = self.in_order(self._order[where])
            return part if len(part) > BLOCK else list(part)
        return next(self._read([self._order[where]]))

    def __iter__(self) -> Iterator[Case]:
        for start in range(0, len(self), BLOCK):
            yield from self._read(self._order[start : start + BLOCK])

    def in_order(self, positions: Positions) -> CaseFile:
        """Cases of the same file: the one that stands at `positions[0]` in it first."""
        return CaseFile(self._path, self._rows, self._places, positions, self._defaults)

    def _read(self, positions: Positions) -> Iterator[Case]:
        name = str(self._path)
        try:
            with self._source.open("rb", buffering=0) as file:
                for position in positions:
                    offset, size, line, checksum = _PLACE.unpack_from(self._places, position * _PLACE.size)
                    data = os.pread(file.fileno(), size & ~_WRITTEN, offset)
                    if zlib.crc32(data) != checksum:
                        message = "the dataset has changed since it was loaded; run the same command again"
                        raise InputError(f"{name}:{line}: {message}")
                    row = with_defaults(self._rows.again(data, size >= _WRITTEN), self._defaults)
                    assert isinstance(row, dict)
                    yield case_of(row, f"{name}:{line}")
        except OSError as failure:
            raise InputError(f"{self._path}: the dataset cannot be read any more: {failure.strerror}") from None


def read_cases(
    path: Path,
    look: Callable[[Case], None] = lambda case: None,
    *,
    defaults: Mapping[str, JsonValue] | None = None,
    left_out: Set[str] = frozenset(),
) -> CaseFile:
    """Read the cases of a `.jsonl` or `.csv` file; `look` is shown each of them once, in file order.

    `defaults` are what every case has that says nothing else; the ids `left_out` are read and passed over.

    Raises `InputError` (with file and line) for a missing or empty file, an unknown ending, malformed rows, unknown
    keys and duplicate ids.
    """
    formats: dict[str, Callable[[str], Rows]] = {".jsonl": JsonlRows, ".csv": CsvRows}
    if path.suffix not in formats:
        raise InputError(f"{path}: expected a .jsonl or .csv file")
    name, places, names = str(path), bytearray(), Digests()
    rows = formats[path.suffix](name)
    wrong: list[str] = []
    with _opened(path) as file:
        try:
            for offset, line, data, row, written in rows.find(file):
                try:
                    case = checked_case(with_defaults(row, defaults or {}), f"{name}:{line}")
                except InputError as failure:
                    wrong.append(str(failure))
                    if len(wrong) == MOST_WRONG:
                        break
                    continue
                if case.id in left_out:
                    continue
                places += _PLACE.pack(offset, len(data) | written * _WRITTEN, line, zlib.crc32(data))
                names.add(case.id.encode())
                if not wrong:
                    look(case)
        except InputError as failure:
            wrong.append(str(failure))
        except OSError as failure:
            raise _unreadable(path, failure.strerror) from None
    if not places and not wrong:
        raise no_cases(str(path))
    cases = CaseFile(path, rows, places, range(len(places) // _PLACE.size), defaults or {})
    if repeat := names.first_repeat():
        before, again = repeat
        wrong.insert(0, str(duplicate(cases[again], cases[before].place)))
    if wrong:
        raise told_at_once(wrong)
    return cases


def _opened(path: Path) -> BinaryIO:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # asked before it is opened: a pipe would be waited for
            raise _unreadable(path, "not a regular file, and its cases are read more than once")
        return path.open("rb")
    except (OSError, ValueError) as failure:  # ValueError: a NUL character in the name
        raise _unreadable(path, getattr(failure, "strerror", failure)) from None


def _unreadable(path: Path, reason: object) -> InputError:
    return InputError(f"{path}: the dataset cannot be read: {reason}; paths are relative to the suite's file")
