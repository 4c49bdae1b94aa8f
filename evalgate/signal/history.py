"""What was published, document by document: the store's rows as documents, and the bytes that routers were given.

The next document of a stream is numbered, signed and kept in one step, in which no other publisher can be.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from evalgate.errors import SignalError, StoreError
from evalgate.formats.canonical import canonical
from evalgate.signal.document import SignalDocument, parse
from evalgate.signal.envelope import enveloped, signatures_of, unseal
from evalgate.signal.keys import Keyring, SigningKey
from evalgate.store import KeptSignal, Signals, Store

Make = Callable[[SignalDocument | None], SignalDocument]  # the next document, of the one before it


@dataclass(frozen=True, slots=True)
class Published:
    """A document as it is published: `data` is what a reader is given, `digest` that of the document in it."""

    document: SignalDocument
    data: bytes
    digest: str
    key_id: str | None = None  # whose signature was checked, if any was

    @property
    def seq(self) -> int:
        """That of the document."""
        return self.document.seq

    def follows(self, other: Published | None) -> bool:
        """Whether a reader that has `other` may take this one after it, or has it already."""
        return other is None or self.seq > other.seq or (self.seq, self.digest) == (other.seq, other.digest)


def received(data: bytes, keyring: Keyring | None) -> Published:
    """A document that was found somewhere, checked as `unseal` does. Raises `SignalError`."""
    unsealed = unseal(data, keyring)
    payload = unsealed.payload.strip()  # a file that is not signed ends in a line break
    return Published(_parsed(payload), data, _digest(payload), unsealed.key_id)


class History:
    """Every document that was published from one store."""

    def __init__(self, store: Store) -> None:
        self._signals, self._name = Signals(store), store.name

    def append(
        self,
        stream: str,
        make: Make,
        keys: Sequence[SigningKey],
        *,
        found: Published | None = None,
        after: int = 0,
    ) -> Published:
        """Number, sign and keep the document that `make` makes of the one before it.

        `found` is what routers have now, which may be newer than what this store knows: then another store published
        it, and it is the one to go on from. The number is above `after`. Without `keys` the document is not signed.
        """

        document: SignalDocument | None = None

        def kept(latest: KeptSignal | None) -> KeptSignal:
            nonlocal document
            before = None if latest is None else self._published(latest)
            if found is not None and (before is None or not before.follows(found)):
                before = found
            made = make(None if before is None else before.document)
            seq, prev = (0, None) if before is None else (before.seq, before.digest)
            seq = max(seq, after) + 1
            document = made.model_copy(update={"stream": stream, "seq": seq, "prev": prev})
            return _kept(document, keys)

        return self._published(self._signals.append(stream, kept), document)

    def latest(self, stream: str) -> Published | None:
        """The newest document of a stream."""
        kept = self._signals.latest(stream)
        return None if kept is None else self._published(kept)

    def at(self, stream: str, seq: int) -> Published | None:
        """The document of this number."""
        kept = self._signals.at(stream, seq)
        return None if kept is None else self._published(kept)

    def before(self, stream: str, at: float) -> Published | None:
        """The newest document that was issued by then (seconds since the epoch)."""
        kept = self._signals.before(stream, at)
        return None if kept is None else self._published(kept)

    def changes(self, stream: str) -> Iterator[Published]:
        """All documents that say something else than the one before, the oldest first."""
        for seq in self._signals.changes(stream):
            if (published := self.at(stream, seq)) is not None:
                yield published

    def has(self, stream: str, published: Published) -> bool:
        """Whether this very document was published from this store."""
        return self._signals.has(stream, published.seq, published.digest)

    def newest_first(self, stream: str, limit: int) -> Iterator[Published]:
        """The newest `limit` documents of a stream."""
        return map(self._published, self._signals.newest_first(stream, limit))

    def streams(self) -> list[str]:
        """The names of all streams."""
        return self._signals.streams()

    def _published(self, kept: KeptSignal, document: SignalDocument | None = None) -> Published:
        """`document` where it is known. Raises `StoreError` when what was kept is not what was published."""
        damaged = StoreError(f"store {self._name}: the kept signal {kept.stream} seq {kept.seq} is damaged")
        try:
            payload = canonical({**orjson.loads(kept.head), "entries": orjson.Fragment(kept.entries)})
            found = document or _parsed(payload)
        except (orjson.JSONDecodeError, SignalError):
            raise damaged from None
        if _digest(payload) != kept.digest:
            raise damaged
        data = payload + b"\n" if kept.signatures is None else enveloped(payload, orjson.loads(kept.signatures))
        return Published(found, data, kept.digest)


def _kept(document: SignalDocument, keys: Sequence[SigningKey]) -> KeptSignal:
    content = document.model_dump(mode="json", by_alias=True)
    entries = canonical(content["entries"])
    payload = canonical({**content, "entries": orjson.Fragment(entries)})
    del content["entries"]
    return KeptSignal(
        stream=document.stream,
        seq=document.seq,
        at=document.issued_at.timestamp(),
        digest=_digest(payload),
        head=canonical(content),
        entries=entries,
        signatures=orjson.dumps(signatures_of(payload, keys)) if keys else None,
    )


@functools.lru_cache(maxsize=2)
def _parsed(payload: bytes) -> SignalDocument:
    """Whoever publishes reads one document from its store and from every place, and a large one takes a second."""
    return parse(payload)


def _digest(payload: bytes) -> str:
    return "sha256:" + hashlib.sha256(payload).hexdigest()
