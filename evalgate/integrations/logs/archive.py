"""A zip file from a stranger, member by member and never more of it than was allowed.

`zipfile` alone will not do. Inspect compresses with Zstandard (method 93), which it knows from Python 3.14 on; and for
every method but deflate it inflates a block whole, however small a piece was asked for. So it is only used to find the
members, whose stored bytes are inflated here under a limit.
"""

from __future__ import annotations

import copy
import importlib
import io
import struct
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from evalgate.errors import InputError

MAX_MEMBER_BYTES = 256 * 1024**2
MAX_TOTAL_BYTES = 4 * 1024**3

_STORED, _DEFLATED, _ZSTANDARD = 0, 8, 93
_ENCRYPTED = 0x1
_CHUNK_BYTES = 1024**2
# what zipfile raises on a damaged file, found by feeding it millions of them
_DAMAGED = (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, struct.error, OverflowError)


class Archive:
    """The members of a zip file; a context manager. Everything that can go wrong is an `InputError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = MAX_TOTAL_BYTES
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGED as failure:
            message = f"{path}: damaged zip file: {failure}; was it copied or downloaded to the end?"
            raise InputError(message) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def names(self) -> list[str]:
        """Names of the members in the order of the archive; a name that was written again stands there again."""
        return self._zip.namelist()

    def read(self, name: str) -> bytes:
        """Return the member's content, as last written: at most 256 MiB, and 4 GiB over all members that are read."""
        member, place = self._zip.getinfo(name), f"{self._path}:{name}"
        limit = min(MAX_MEMBER_BYTES, self._left)
        if member.flag_bits & _ENCRYPTED:
            raise InputError(f"{place}: encrypted; expected a log that can be read without a password")
        if max(member.file_size, member.compress_size) > limit:
            raise InputError(_too_large(place))
        data = _inflated(self._stored(member, place), member.compress_type, limit, place)
        if zlib.crc32(data) != member.CRC:
            raise InputError(f"{place}: damaged: its checksum is wrong; copy the file again")
        self._left -= len(data)
        return data

    def _stored(self, member: zipfile.ZipInfo, place: str) -> bytes:
        as_stored = copy.copy(member)
        as_stored.compress_type, as_stored.file_size = _STORED, member.compress_size
        del as_stored.CRC  # zipfile then checks none; it is that of the inflated bytes
        try:
            with self._zip.open(as_stored) as file:
                return file.read()
        except _DAMAGED as failure:
            raise InputError(f"{place}: damaged: {failure}; copy the file again") from None


def _too_large(place: str) -> str:
    return (
        f"{place}: larger than {MAX_MEMBER_BYTES >> 20} MiB, or the log than {MAX_TOTAL_BYTES >> 30} GiB; "
        "write `id, score` as JSONL instead"
    )


def _inflated(stored: bytes, method: int, limit: int, place: str) -> bytes:
    if method == _STORED:
        return stored
    if method == _DEFLATED:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflater.decompress(stored, limit + 1)
        except zlib.error as failure:
            raise InputError(f"{place}: damaged: {failure}; copy the file again") from None
        if len(data) <= limit and not inflater.eof:
            raise InputError(f"{place}: damaged: its data end early; copy the file again")
    elif method == _ZSTANDARD:
        data = _inflated_zstandard(stored, limit, place)
    else:
        raise InputError(f"{place}: compressed by method {method}; expected stored, deflate or Zstandard")
    if len(data) > limit:
        raise InputError(_too_large(place))
    return data


def _inflated_zstandard(stored: bytes, limit: int, place: str) -> bytes:
    stream, failures = _zstandard_stream(stored, place)
    pieces, size = [], 0
    try:
        while size <= limit and (piece := stream.read(_CHUNK_BYTES)):
            pieces.append(piece)
            size += len(piece)
    except failures as failure:
        raise InputError(f"{place}: damaged: {failure}; copy the file again") from None
    return b"".join(pieces)


def _zstandard_stream(stored: bytes, place: str) -> tuple[IO[bytes], tuple[type[Exception], ...]]:
    """Return a reader of the inflated bytes (of all frames), and what it raises on damage."""
    for module_name in ("compression.zstd", "backports.zstd"):  # Python 3.14 and later; the same for earlier ones
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            continue
        return module.ZstdFile(io.BytesIO(stored)), (module.ZstdError, EOFError, OSError)
    try:
        module = importlib.import_module("zstandard")
    except ImportError:
        message = (
            f"{place}: compressed with Zstandard, which Python knows from 3.14 on: install `backports.zstd`, "
            "or convert the log with `inspect log convert --to json`"
        )
        raise InputError(message) from None
    reader = module.ZstdDecompressor().stream_reader(io.BytesIO(stored), read_across_frames=True)
    return reader, (module.ZstdError, OSError)
