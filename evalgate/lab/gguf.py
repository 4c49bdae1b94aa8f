"""Reads the header of a GGUF file: its metadata, and how many weights it holds in how many bytes.

Written here because it is sixty lines: the `gguf` package would bring a dependency, and the real bits per weight of a
quantized file, the one number the lab needs from it, is not among what that package computes.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from evalgate.errors import LabError

__all__ = ["Header", "read_header"]

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING = 8
_ARRAY = 9
_DEFAULT_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Header:
    """A GGUF file's metadata (arrays left out) and the size of what it holds."""

    metadata: Mapping[str, str | int | float | bool]
    parameters: int
    tensor_bytes: int

    @property
    def bits_per_weight(self) -> float:
        """Bits of tensor data per parameter: the real average, whatever the file's label says."""
        return 8 * self.tensor_bytes / self.parameters


def read_header(path: Path) -> Header:
    """Read the header of the GGUF file at `path`.

    Raises:
        LabError: the file is missing or is not GGUF version 2 or 3.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size)
    except OSError as failure:
        msg = f"{path}: cannot read the weights: {failure.strerror}"
        raise LabError(msg) from failure
    except (ValueError, KeyError, struct.error) as damage:
        msg = f"{path}: not a GGUF file of version 2 or 3: {damage}"
        raise LabError(msg) from damage


def _read(file: BinaryIO, size: int) -> Header:
    magic = file.read(4)
    version, tensors, entries = struct.unpack("<IQQ", file.read(20))
    if magic != b"GGUF" or version not in {2, 3}:
        msg = f"begins with {magic!r}, version {version}"
        raise ValueError(msg)
    metadata: dict[str, str | int | float | bool] = {}
    for _ in range(entries):
        key = _string(file)
        value = _value(file, _number(file, "I"))
        if value is not None:
            metadata[key] = value
    parameters = 0
    for _ in range(tensors):
        _string(file)
        dimensions = struct.unpack(f"<{(count := _number(file, 'I'))}Q", file.read(8 * count))
        parameters += math.prod(dimensions)
        file.read(12)  # type and offset: the sizes of blocks need not be known, the data is what follows the header
    alignment = int(metadata.get("general.alignment", _DEFAULT_ALIGNMENT))
    data_start = -(-file.tell() // alignment) * alignment
    return Header(metadata, parameters, size - data_start)


def _number(file: BinaryIO, code: str) -> int:
    return int(struct.unpack(f"<{code}", file.read(struct.calcsize(f"<{code}")))[0])


def _string(file: BinaryIO) -> str:
    return file.read(_number(file, "Q")).decode(errors="replace")


def _value(file: BinaryIO, kind: int) -> str | int | float | bool | None:
    """Read one metadata value; an array is passed over and read as None (the vocabulary is of no use here)."""
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        code = _SCALARS[kind]
        scalar: int | float | bool = struct.unpack(f"<{code}", file.read(struct.calcsize(f"<{code}")))[0]
        return scalar
    element, count = struct.unpack("<IQ", file.read(12))
    if element == _STRING:
        for _ in range(count):
            file.seek(_number(file, "Q"), 1)
    else:
        file.seek(count * struct.calcsize(f"<{_SCALARS[element]}"), 1)
    return None
