"""Publishes the next document of a stream: first it is kept in the store, then every place is given it.

Publishers that share a store take their numbers from it, so no two documents have the same. Where a place has a newer
document that another store published, that one is gone on from; what is there and cannot be believed is never gone on
from, or whoever can write there would have it signed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from evalgate.errors import EvalgateError, InfrastructureError, InputError, SignalError
from evalgate.signal.document import SignalDocument, renewed
from evalgate.signal.history import History, Make, Published, received
from evalgate.signal.keys import Keyring, SigningKey
from evalgate.signal.places import Place
from evalgate.store import Store

_ATTEMPTS = 20  # against publishers of the same stream that do not share the store
_STREAM = re.compile(r"[A-Za-z0-9][\w.:@/+-]{0,199}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signers:
    """Who signs, and who else is believed. `keys` empty: published unsigned, which somebody asked for by name."""

    keys: Sequence[SigningKey] = ()
    trusted: Keyring | None = field(default=None)

    @property
    def keyring(self) -> Keyring | None:
        """Whose documents are gone on from."""
        if not self.keys:
            return None
        others = self.trusted.keys.values() if self.trusted is not None else ()
        return Keyring.of([*(key.public for key in self.keys), *others])


def require_stream(name: str) -> str:
    """The name of a stream, as it was given. Raises `InputError` when it is none."""
    if not _STREAM.fullmatch(name):
        expected = "expected up to 200 letters, digits and . _ - : @ / +, such as acme/prod"
        raise InputError(f"stream {name[:80]!r}: {expected}")
    return name


def look(store: Store, stream: str, places: Sequence[Place], signers: Signers) -> Published | None:
    """What the next document would be made from now. Raises as `publish` does, and changes nothing."""
    history = History(store)
    latest = history.latest(stream)
    return _newest([latest, *(_found(place, stream, signers, known=latest is not None) for place in places)])


def publish(
    store: Store, stream: str, make: Make, places: Sequence[Place], signers: Signers, *, after: int = 0
) -> Published:
    """Publish what `make` makes of the document before; it should be quick, and is called again when others interfere.

    Its `seq` is above `after`, which is how a stream goes on whose store and places were all set back.
    Raises `InputError` when a place has what must not be replaced, and `InfrastructureError` when one of them could not
    be written to: all others were, the document is kept, and whatever is published next goes to all of them.
    """
    require_stream(stream)
    history = History(store)
    for _ in range(_ATTEMPTS):
        found = look(store, stream, places, signers)
        published = history.append(stream, make, signers.keys, found=found, after=after)
        if _give(published, places, history, signers):
            return published
    names = ", ".join(place.name for place in places)
    advice = "let all publishers of a stream use one store"
    raise InfrastructureError(f"{names}: others publish {stream} all the time; {advice}")


def renew(
    store: Store, stream: str, places: Sequence[Place], signers: Signers, *, now: datetime, after: int = 0
) -> Published:
    """Publish the same verdicts again, as a heartbeat. Raises as `publish` does, and when there are none yet."""

    def make(previous: SignalDocument | None) -> SignalDocument:
        if previous is None:
            raise InputError(f"{stream}: nothing was published yet; start with: evalgate check --publish PLACE")
        return renewed(previous, now=now)

    return publish(store, stream, make, places, signers, after=after)


def _give(published: Published, places: Sequence[Place], history: History, signers: Signers) -> bool:
    """False when a place has a document of another store that is as new; told of all places that failed at once."""
    stream, foreign = published.document.stream, False
    failures: list[EvalgateError] = []

    def stays(there: bytes | None) -> bool:
        return there is not None and _stays(there, published, signers)

    for place in places:
        try:
            there = place.replace(published.data, published.seq, stays)
        except EvalgateError as failure:
            failures.append(failure)
            continue
        foreign = foreign or (there is not None and not history.has(stream, received(there, signers.keyring)))
    if failures:
        told = "; ".join(map(str, failures))
        kept = f"seq {published.seq} of {stream} is kept"
        raise InfrastructureError(f"{told} ({kept}; once the place is back: evalgate signal heartbeat)")
    return not foreign


def _stays(there: bytes, published: Published, signers: Signers) -> bool:
    try:
        found = received(there, signers.keyring)
    except SignalError:
        return False  # nobody who reads there can use it
    return found.document.stream == published.document.stream and not published.follows(found)


def _found(place: Place, stream: str, signers: Signers, *, known: bool) -> Published | None:
    try:
        data = place.read()
    except EvalgateError:
        if known:
            return None  # the other places are given the news all the same; this one is told of when it is written to
        raise
    if data is None or not data.strip():
        return None
    try:
        found = received(data, signers.keyring)
    except SignalError as failure:
        if known and not (signers.keyring is None and b'"signatures"' in data):
            return None  # the store knows what was published: damage is mended
        advice = "is it yours, then remove it, and publishing begins anew"
        raise InputError(f"{place.name}: {failure}; nothing was published; {advice}") from None
    if found.document.stream != stream:
        advice = f"publish to another place, or with --stream {found.document.stream}"
        raise InputError(f"{place.name}: holds the stream {found.document.stream!r}, not {stream!r}; {advice}")
    return found


def _newest(candidates: Sequence[Published | None]) -> Published | None:
    """The store's own (the first) unless another one is newer, or as new and different."""
    newest: Published | None = None
    for each in candidates:
        if each is not None and (newest is None or not newest.follows(each)):
            newest = each
    return newest
