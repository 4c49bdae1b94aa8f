"""The first transport: a file that is replaced atomically, so that a reader sees the old document or the new one."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from evalgate.errors import InfrastructureError, InputError
from evalgate.formats.files import write_atomically
from evalgate.signal.document import SignalDocument

MAX_BYTES = 64 * 1024 * 1024


def publish_file(document: SignalDocument, path: Path) -> None:
    """Write the document; when this returns it survives a crash. Raises `InfrastructureError` when it cannot."""
    try:
        write_atomically(path, document.encode() + b"\n")
    except OSError as failure:
        raise InfrastructureError(f"{path}: the signal cannot be published: {failure.strerror}") from None


def read_file(path: Path) -> SignalDocument:
    """Read a published document; raises `InputError` when it is missing or not a signal document."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES >> 20} MiB; not a signal document")
        data = path.read_bytes()
    except OSError as failure:
        message = f"{path}: the signal cannot be read: {failure.strerror}; publish one with: evalgate check --publish"
        raise InputError(f"{message} {path}") from None
    try:
        return SignalDocument.model_validate_json(data)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path} {where}: not a signal document: {first['msg']}") from None
