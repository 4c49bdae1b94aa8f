"""The keys that a running reader trusts: files are looked at again, so that a rotation needs no restart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalgate.errors import InputError, SignalError
from evalgate.signal.envelope import Keyring

Keys = Keyring | str | Path | Sequence[str | Path]


class TrustedKeys:
    """A keyring, or files and folders of public keys from which one is made; `keyring` is the present one."""

    def __init__(self, keys: Keys | None, *, unsigned: bool) -> None:
        """Raises `InputError` when no key is given without saying so by name, `SignalError` for files that are none."""
        if keys is None and not unsigned:
            raise InputError(
                "a reader needs the publisher's public keys: keys=…; to believe unsigned documents, say: unsigned=True"
            )
        if keys is not None and unsigned:
            raise InputError(
                "keys and unsigned=True contradict each other: a reader believes signed documents or unsigned"
            )
        self._paths: tuple[Path, ...] = ()
        self.keyring: Keyring | None
        if keys is None or isinstance(keys, Keyring):
            self.keyring = keys
            return
        named = [keys] if isinstance(keys, str | Path) else keys
        self._paths = tuple(Path(each) for each in named)
        self._seen = self._look()
        self.keyring = Keyring.load(*self._paths)

    def renewed(self) -> Keyring | None:
        """The keyring, when the files have changed since they were read, or could not be read then.

        Raises `SignalError` when they cannot be read now; the keys that were trusted so far go on being trusted, for
        nobody can tell a key that was withdrawn from a folder that is not mounted.
        """
        if not self._paths:
            return None
        now = self._look()
        if now == self._seen:
            return None
        try:
            self.keyring = Keyring.load(*self._paths)
        except SignalError:
            self._seen = ()
            raise
        self._seen = now
        return self.keyring

    def _look(self) -> tuple[tuple[str, int, int, int], ...]:
        found = []
        for path in self._paths:
            try:
                for each in sorted(path.iterdir()) if path.is_dir() else [path]:
                    status = each.stat()
                    found.append((str(each), status.st_mtime_ns, status.st_size, status.st_ino))
            except OSError:
                found.append((str(path), 0, 0, 0))
        return tuple(found)
