"""What outlives the reader's process: the highest `seq` of each key, and the last good document.

The highest `seq` lies in a small file of fixed size with two slots that are written in turn, like a file system's
superblock: it needs no new space, so that a full disk cannot make a reader forget, and a write that is cut off spoils
only the older of the two. It is on disk before the document, so that what a crash leaves is at worst an old document
that is known to be old, and is refused.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from evalgate.formats.files import write_atomically
from evalgate.signal.envelope import MAX_BYTES
from evalgate.signal.reader.rules import Mark, Memory

_SLOT = 4096
_PATIENCE = 1.0  # seconds for which another process's lock is waited for


class _Record(Struct, frozen=True):
    count: int
    stream: str | None
    marks: dict[str, tuple[int, str]]
    floor: float | None
    steady: float
    boot: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the disk knows. `floor`: the earliest time that it can be when the steady clock of `boot` shows `steady`."""

    memory: Memory
    floor: float | None
    steady: float
    boot: str
    envelope: bytes | None


class CacheError(Exception):
    """The cache cannot be read or written; the reader goes on without, and its health says so."""


class Cache:
    """A folder. Several processes may share it; what one of them has seen, the others will not go back behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._marks, self._document, self._lock = folder / "seen", folder / "last-good.json", folder / "lock"

    def load(self) -> Kept | None:
        """None when there is nothing yet. Raises `CacheError`."""
        try:
            with self._locked():
                record = self._read()
                if record is None:
                    return None
                return Kept(_memory(record), record.floor, record.steady, record.boot, self._envelope())
        except OSError as failure:
            raise self._error("read", failure) from None

    def remember(self, memory: Memory, floor: float | None, steady: float, boot: str, envelope: bytes | None) -> Memory:
        """Write down what was seen; with `envelope`, the document too. Returns what all processes saw together.

        A document that another process has overtaken is not written. Raises `CacheError`; no older document than
        `memory` knows of is left behind then.
        """
        try:
            with self._locked():
                ours = _newest(memory)
                with contextlib.suppress(CacheError):  # an unreadable record is written anew
                    memory, floor = self._united(memory, floor, steady, boot)
                if _newest(memory) > ours:
                    envelope = None
                try:
                    self._write(memory, floor, steady, boot)
                    if envelope is not None:
                        write_atomically(self._document, envelope)
                except OSError:
                    if envelope is not None:
                        self._document.unlink(missing_ok=True)
                    raise
        except OSError as failure:
            raise self._error("written", failure) from None
        return memory

    def _united(self, memory: Memory, floor: float | None, steady: float, boot: str) -> tuple[Memory, float | None]:
        record = self._read()
        if record is None:
            return memory, floor
        if record.floor is not None:
            theirs = record.floor + (steady - record.steady if boot and record.boot == boot else 0.0)
            floor = theirs if floor is None else max(floor, theirs)
        return memory.merged(_memory(record)), floor

    def _envelope(self) -> bytes | None:
        try:
            with self._document.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None

    def _read(self) -> _Record | None:
        try:
            with self._marks.open("rb") as file:
                data = file.read(2 * _SLOT)
        except FileNotFoundError:
            return None
        records = [record for at in (0, _SLOT) if (record := _parse(data[at : at + _SLOT])) is not None]
        if not records:
            if not data.strip(b"\0"):
                return None  # the first write never came to its end
            raise CacheError(f"{self._marks}: damaged; what was seen is not known any more")
        return max(records, key=lambda record: record.count)

    def _write(self, memory: Memory, floor: float | None, steady: float, boot: str) -> None:
        try:
            record = self._read()
        except CacheError:
            record = None
        count = record.count + 1 if record else 0
        marks = {key: (mark.seq, mark.digest) for key, mark in memory.marks.items()}
        body = msgspec.json.encode(_Record(count, memory.stream, marks, floor, steady, boot))
        slot = hashlib.sha256(body).hexdigest().encode() + b" " + body + b"\n"
        if len(slot) > _SLOT:
            raise OSError(errno.EFBIG, "the stream's name is too long to be remembered")
        descriptor = os.open(self._marks, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(descriptor).st_size < 2 * _SLOT:
                os.pwrite(descriptor, bytes(2 * _SLOT), 0)
            os.pwrite(descriptor, slot.ljust(_SLOT), _SLOT * (count % 2))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            deadline = time.monotonic() + _PATIENCE
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise OSError(errno.EAGAIN, "another process holds its lock") from None
                    time.sleep(0.01)
            yield
        finally:
            os.close(descriptor)

    def _error(self, what: str, failure: OSError) -> CacheError:
        return CacheError(f"{self.folder}: the reader's cache cannot be {what}: {failure.strerror or failure}")


def _parse(slot: bytes) -> _Record | None:
    checksum, _, body = slot.rstrip(b" \n\0").partition(b" ")
    if hashlib.sha256(body).hexdigest().encode() != checksum:
        return None
    try:
        return msgspec.json.decode(body, type=_Record)
    except msgspec.MsgspecError:
        return None


def _memory(record: _Record) -> Memory:
    return Memory(record.stream, {key: Mark(seq, digest) for key, (seq, digest) in record.marks.items()})


def _newest(memory: Memory) -> int:
    return max((mark.seq for mark in memory.marks.values()), default=0)
