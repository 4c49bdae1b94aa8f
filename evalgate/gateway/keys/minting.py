"""Keys are made here, and told by their hash from then on: of 256 random bits, which no salt makes harder to guess."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "eg-"  # so that scanners for leaked secrets, and people, know what they see
LONGEST = 200  # characters that are looked at; a key has 46


def mint() -> str:
    """A new key; it is shown once and kept nowhere."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """SHA-256 in hex: what is kept, and looked up. A look-up by hash tells nothing by the time that it takes."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
