"""The one JSON encoder, and the hashes that are taken over it.

Two programs that hash the same data must get the same hash, so keys are sorted and nothing is optional: no white
space, UTF-8, the shortest float that reads back equal (as orjson writes it: 1.0 is `1.0`, and another value than 1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import orjson


def canonical(value: object) -> bytes:
    """Encode `value` (JSON types, dataclasses, tuples) as canonical JSON bytes.

    Raises `TypeError` for what JSON cannot say. NaN and infinities become null, so keep them out before.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: object) -> str:
    """Return `sha256:<hex>` of the canonical encoding; bytes are hashed as they are."""
    data = value if isinstance(value, bytes) else canonical(value)
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_list(head: object, items: Iterable[object]) -> str:
    """What `digest([head, [*items]])` returns, with one of `items` in memory at a time."""
    found, before = hashlib.sha256(b"[" + canonical(head) + b",["), b""
    for item in items:
        found.update(before + canonical(item))
        before = b","
    found.update(b"]]")
    return "sha256:" + found.hexdigest()
