"""The one JSON encoder, and the hashes that are taken over it.

Two programs that hash the same data must get the same hash, so keys are sorted and nothing is optional: no white
space, UTF-8, the shortest float that reads back equal (as orjson writes it: 1.0 is `1.0`, and another value than 1). A
number that keeps its text (`evalgate.formats.written`) is that text: 3.10 hashes as another value than 3.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import orjson

from evalgate.formats.written import WrittenFloat, WrittenInt, json_number

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS


def canonical(value: object) -> bytes:
    """Encode `value` (JSON types, dataclasses, tuples) as canonical JSON bytes.

    Raises `TypeError` for what JSON cannot say. NaN and infinities become null, so keep them out before.
    """
    return orjson.dumps(value, default=_as_json, option=_OPTIONS)


def distinct(value: object) -> bytes:
    """What is hashed: canonical, but for numbers that JSON has another text for, as `.5`, which stay as written.

    Two values that differ in a text anywhere have different bytes, which need not be JSON.
    """
    return orjson.dumps(value, default=_as_written, option=_OPTIONS)


def digest(value: object) -> str:
    """Return `sha256:<hex>` of `distinct(value)`; bytes are hashed as they are."""
    data = value if isinstance(value, bytes) else distinct(value)
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_list(head: object, items: Iterable[object]) -> str:
    """What `digest([head, [*items]])` returns, with one of `items` in memory at a time."""
    found, before = hashlib.sha256(b"[" + distinct(head) + b",["), b""
    for item in items:
        found.update(before + distinct(item))
        before = b","
    found.update(b"]]")
    return "sha256:" + found.hexdigest()


def _as_json(value: object) -> object:
    return orjson.Fragment(json_number(value)) if isinstance(value, WrittenInt | WrittenFloat) else _plain(value)


def _as_written(value: object) -> object:
    return orjson.Fragment(value.text) if isinstance(value, WrittenInt | WrittenFloat) else _plain(value)


def _plain(value: object) -> object:
    """Other subclasses of JSON's types are what they are derived from."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return list(value)
    raise TypeError(f"JSON has no {type(value).__name__}")
