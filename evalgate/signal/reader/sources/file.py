"""A file, which the publisher replaces as a whole."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from evalgate.errors import InfrastructureError, SignalError
from evalgate.signal.envelope import MAX_BYTES
from evalgate.signal.reader.sources import Fetched

_SETTLED = 2.0  # seconds after which a change of the file shows in its time, on every file system


class FileSource:
    """Read again whenever it looks changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def fetch(self, tag: str | None, wait: float) -> Fetched | None:
        """As `Source` says; a file is never waited for."""
        del wait
        return self.read(tag)

    def read(self, tag: str | None) -> Fetched | None:
        """The same, where there is no event loop."""
        try:
            # without O_NONBLOCK a pipe of that name would be waited for, and for ever
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise SignalError(f"{self.path}: not a file")
                found = f"{status.st_ino}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_size}"
                if found == tag:
                    return None
                data = file.read(MAX_BYTES + 1)
        except OSError as failure:
            raise InfrastructureError(f"{self.path}: the signal cannot be read: {failure.strerror}") from None
        settled = abs(time.time() - status.st_mtime) > _SETTLED
        return Fetched(data, found if settled else None)

    async def close(self) -> None:
        """Nothing is held open."""
