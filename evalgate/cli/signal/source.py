"""Reads a published document from wherever it is: a place that one can publish to, or an address.

Names are told without what they may hold that is secret: a password, or what is asked of an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.cli.signers import tokens
from evalgate.errors import InfrastructureError, SignalError

if TYPE_CHECKING:
    from evalgate.signal import Published, SignalDocument
    from evalgate.signal.keys import Keyring

_SECONDS = 10.0


def read_source(source: str, stream: str, token_variable: str | None = None) -> tuple[str, bytes]:
    """How a path, a database, an object or an HTTP address is told, and the bytes there. Raises `EvalgateError`."""
    from evalgate.signal.places import open_place

    if source.startswith(("http://", "https://")):
        from evalgate.signal.reader.sources.http import HTTPSource

        name, given = HTTPSource(source).shown, tokens(token_variable)
        return name, _fetched(source, name, given[0] if given else None)
    place = open_place(source, stream)
    data = place.read()
    if data is None:
        raise SignalError(f"{place.name}: nothing is published here; publish with: evalgate signal publish PLACE")
    return place.name, data


def checked(name: str, data: bytes, keyring: Keyring | None) -> Published:
    """The document, as a reader with these keys takes it. Raises `SignalError`, which tells the name."""
    from evalgate.signal.history import received

    try:
        return received(data, keyring)
    except SignalError as failure:
        raise SignalError(f"{name}: {failure}") from None


def believed(source: str, trusted: Sequence[Path], stream: str, token_variable: str | None) -> SignalDocument:
    """What is published; one that is signed is taken only with a key that says so. Raises `EvalgateError`."""
    from evalgate.cli.signers import keyring
    from evalgate.signal import read_file

    keys = keyring(trusted)
    if "://" not in source:
        return read_file(Path(source), keys)
    return checked(*read_source(source, stream, token_variable), keys).document


def unchecked(name: str, data: bytes) -> tuple[Published, list[str]]:
    """The document only to look at it, and who says to have signed it: nothing is checked. Raises `SignalError`."""
    from evalgate.signal.envelope import opened
    from evalgate.signal.history import received

    try:
        payload, signers = opened(data)
        return received(payload, None), signers
    except SignalError as failure:
        raise SignalError(f"{name}: {failure}") from None


def _fetched(address: str, name: str, token: str | None) -> bytes:
    import httpx

    from evalgate.signal.envelope import MAX_BYTES

    headers = {"authorization": f"Bearer {token}"} if token else {}
    found = bytearray()
    try:
        with httpx.stream("GET", address, headers=headers, timeout=_SECONDS) as answer:
            if answer.status_code != httpx.codes.OK:
                raise InfrastructureError(f"{name}: answered {answer.status_code} {answer.reason_phrase}")
            for chunk in answer.iter_bytes():
                found += chunk
                if len(found) > MAX_BYTES:
                    raise SignalError(f"{name}: larger than {MAX_BYTES >> 20} MiB; not a signal document")
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        raise InfrastructureError(f"{name}: cannot be reached: {failure}") from None
    return bytes(found)
