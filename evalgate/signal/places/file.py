"""A file that is replaced as a whole: a reader sees the old document or the new one, also after a loss of power.

Publishers take turns by a lock on a file beside it, which the system lets go when its holder dies.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from evalgate.errors import InfrastructureError
from evalgate.formats.files import write_atomically
from evalgate.signal.file import read_bytes
from evalgate.signal.places import Keeps


class FilePlace:
    """One path; what is no file (a device, a pipe) is written to."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)
        self._stamp: tuple[int, ...] = ()
        self._data: bytes | None = None

    def read(self) -> bytes | None:
        """What is there now; None: nothing."""
        return read_bytes(self.path) if self.path.is_file() or not self.path.exists() else None

    def read_if_changed(self) -> bytes | None:
        """As `read`, for who looks often: the file is opened only when it is another one than at the last look."""
        stamp: tuple[int, ...] = ()
        with contextlib.suppress(OSError):
            status = self.path.stat()
            stamp = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
        if not stamp or stamp != self._stamp:
            self._data, self._stamp = self.read(), stamp
        return self._data

    def replace(self, data: bytes, seq: int, keeps: Keeps) -> bytes | None:
        """Put `data` there unless what is there must stay, which is then returned. Raises `InfrastructureError`."""
        try:
            with self._turn():
                there = self.read()
                if keeps(there):
                    return there
                write_atomically(self.path, data)
        except OSError as failure:
            raise InfrastructureError(f"{self.name}: the signal cannot be published: {failure.strerror}") from None
        return None

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        path = self.path.resolve()  # a link stays a link: its publishers meet where it leads
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            yield
            return
        with path.with_name(f".{path.name}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
