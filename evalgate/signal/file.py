"""Reads a published signal from a file, whole and checked."""

from __future__ import annotations

from pathlib import Path

from evalgate.errors import SignalError
from evalgate.signal.document import SignalDocument, parse
from evalgate.signal.envelope import MAX_BYTES, unseal
from evalgate.signal.keys import Keyring


def read_file(path: Path, keyring: Keyring | None = None) -> SignalDocument:
    """Read a published document that a key of `keyring` signed; without a keyring, one that is not signed.

    Raises `SignalError` when it is missing, not a signal document, or must not be believed.
    """
    data = read_bytes(path)
    if data is None:
        advice = f"publish one with: evalgate check --publish {path}"
        raise SignalError(f"{path}: the signal cannot be read: No such file or directory; {advice}")
    try:
        return parse(unseal(data, keyring).payload)
    except SignalError as failure:
        raise SignalError(f"{path}: {failure}") from None


def read_bytes(path: Path) -> bytes | None:
    """What is in a file, at most `MAX_BYTES`; None when there is none. Raises `SignalError`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise SignalError(f"{path}: the signal cannot be read: {failure.strerror}") from None
    if len(data) > MAX_BYTES:
        raise SignalError(f"{path}: larger than {MAX_BYTES >> 20} MiB; not a signal document")
    return data
