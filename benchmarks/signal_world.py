"""A small world in which everything that may go wrong between publisher and router does: see `signal_faults.py`.

Publisher, store, place, envelope, source, rules and cache are the real ones. Only time is not, and what a disk does
when it is full or the power goes. The world keeps the books on what was published, in its own way, and after every step
holds what the reader says against them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson

from evalgate.errors import EvalgateError, SignalError
from evalgate.formats.canonical import canonical
from evalgate.signal.document import SignalDocument
from evalgate.signal.envelope import Keyring, SigningKey, seal, unseal
from evalgate.signal.places.file import FilePlace
from evalgate.signal.publishing import Signers, publish
from evalgate.signal.reader import cache as reader_cache
from evalgate.signal.reader.clock import Clock
from evalgate.signal.reader.fetching import Fetcher
from evalgate.signal.reader.holder import Holder
from evalgate.signal.reader.keys import TrustedKeys
from evalgate.signal.reader.sources.file import FileSource
from evalgate.signal.reader.view import digest_of
from evalgate.store import Store

BEGIN, DAY = 1_800_000_000.0, 86_400.0
VARIANTS = ("fp8", "int8", "int4")
OPERATION, MODEL, HASH = "extract", "llama", "sha256:" + "0" * 64
OLD, NEW, THIEF = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
DISK = {"full": False}  # the reader's
_write = reader_cache.write_atomically


def _perhaps_full(path: Path, data: bytes) -> None:
    if DISK["full"]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    _write(path, data)


reader_cache.write_atomically = _perhaps_full  # type: ignore[attr-defined]  # the reader's own name for it


class ViolationError(AssertionError):
    """The reader said what it must not, or stopped."""


class KilledError(BaseException):
    """A publisher died here."""


@dataclass
class Books:
    """What was published in truth: by digest, the document and the keys that signed it."""

    documents: dict[str, tuple[SignalDocument, frozenset[str]]] = field(default_factory=dict)
    envelopes: list[bytes] = field(default_factory=list)
    numbers: dict[str, list[int]] = field(default_factory=dict)

    def enter(self, publisher: str, document: SignalDocument, data: bytes, keys: list[SigningKey]) -> None:
        payload = unseal(data, Keyring.of([key.public for key in keys])).payload
        self.documents[digest_of(payload)] = (document, frozenset(key.id for key in keys))
        self.envelopes.append(data)
        self.numbers.setdefault(publisher, []).append(document.seq)


class FaultyPlace(FilePlace):
    """A file on which `fault` strikes once, between the comparison and the writing."""

    fault: Callable[[Path, bytes], None] | None = None

    def replace(self, data: bytes, seq: int, keeps: Callable[[bytes | None], bool]) -> bytes | None:
        fault, self.fault = self.fault, None
        if fault is not None:
            fault(self.path, data)
        return super().replace(data, seq, keeps)


class World:
    """One schedule. `happened` counts faults and what the reader said of them."""

    def __init__(self, seed: int, folder: Path, store: Store, happened: Counter[str]) -> None:
        self.chance, self.folder, self.store, self.happened = random.Random(seed), folder, store, happened
        self.stream = f"world/{seed}"
        self.now, self.steady, self.skew, self.boot = BEGIN, 1000.0, 0.0, "boot-0"
        self.skews = {"x": 0.0, "y": 0.0}
        self.signing, self.rotation = [OLD], 0
        self.books = Books()
        self.path, self.keys = folder / "signal.json", folder / "keys"
        self.place = FaultyPlace(self.path)
        self.taken: dict[str, int] = {}
        self.queries = self.eligible = 0
        self.long_valid = False  # a clock that was a day ahead makes entries expire a day early
        folder.mkdir()
        self.trust([OLD])
        self.start_reader()

    # --- time and keys

    def wait(self, seconds: float) -> None:
        self.now, self.steady = self.now + seconds, self.steady + seconds

    def trust(self, keys: list[SigningKey]) -> None:
        shutil.rmtree(self.keys, ignore_errors=True)
        self.keys.mkdir()
        for number, key in enumerate(keys):
            key.public.save(self.keys / f"{number}-{key.id[-8:]}.pub")
        self.trusted = frozenset(key.id for key in keys)

    # --- the publishers

    def document(self, skew: float, *, states: dict[str, str] | None = None, stream: str = "") -> SignalDocument:
        states = states or {variant: self.chance.choice(["green", "green", "red", "unknown"]) for variant in VARIANTS}
        at = self.now + skew
        entries = [
            _entry(variant, state, at, self.now + 2 * DAY * self.long_valid + self.chance.uniform(60, 3 * DAY))
            for variant, state in states.items()
        ]
        content = {
            "schema": "evalgate.signal/v1",
            "stream": stream or self.stream,
            "seq": 1,
            "issued_at": _moment(at),
            "expires_at": _moment(at + 600),
            "prev": None,
            "policy": HASH,
            "entries": entries,
        }
        return SignalDocument.model_validate_json(canonical(content))

    def publish(self, who: str) -> None:
        keys = list(self.signing)
        made: list[SignalDocument] = []

        def make(previous: SignalDocument | None) -> SignalDocument:
            del previous
            made.append(self.document(self.skews[who]))
            return made[-1]

        try:
            published = publish(self.store, self.stream, make, [self.place], Signers(keys, self._believed()))
        except EvalgateError as failure:
            self.happened[f"publisher: {_kind(str(failure))}"] += 1
            return
        self.books.enter(who, published.document, published.data, keys)

    def _believed(self) -> Keyring:
        return Keyring.of([OLD.public, NEW.public])

    # --- the reader

    def start_reader(self) -> None:
        clock = Clock(lambda: self.now + self.skew, lambda: self.steady, self.boot)
        keys = TrustedKeys(self.keys, unsigned=False)
        self.holder = Holder(keys.keyring, self.folder / "cache", clock, self.stream)
        self.fetcher = Fetcher(FileSource(self.path), keys, self.holder)
        self.looked = self.trusted
        self._note()

    def look(self) -> None:
        with contextlib.suppress(StopIteration):  # a file is never waited for
            self.fetcher.look(0).send(None)
        self.looked = self.trusted
        if "in the reader" in str(self.fetcher.unreachable):
            raise ViolationError(f"a bug in the reader: {self.fetcher.unreachable}")
        if self.holder.refused is not None:
            self.happened[f"refused: {_kind(self.holder.refused)}"] += 1
        self._note()

    def _note(self) -> None:
        view = self.holder.view
        if view is None:
            return
        known = self.books.documents.get(view.digest)
        if known is None:
            raise ViolationError(f"seq {view.document.seq} was taken up, which nobody published")
        for key in known[1] & self.looked:
            self.taken[key] = max(self.taken.get(key, 0), view.document.seq)

    def require_safe(self) -> None:
        """What the reader calls eligible now is green in the newest document that it ever took up, and in time."""
        self.queries += 1
        found = self.holder.eligible(OPERATION, MODEL)
        if not found:
            return
        view = self.holder.view
        document, signers = self.books.documents[view.digest] if view else (None, frozenset())
        if document is None or not signers & self.looked:
            raise ViolationError("eligible by a document that nobody trusted signed")
        highest = max((seq for key, seq in self.taken.items() if key in self.looked), default=0)
        if document.seq < highest:
            raise ViolationError(f"eligible by seq {document.seq}, but seq {highest} was taken up before")
        for each in found:
            self.eligible += 1
            entry = document.entry(OPERATION, each.variant.id)
            if entry is None or entry.state != "green" or entry.valid_until.timestamp() <= self.now:
                raise ViolationError(f"{each.variant.id} is eligible, which is {entry and entry.state}, or has expired")

    def require_alive(self) -> None:
        """When all faults are over, the next document is obeyed; whoever says no to everything would be safe, too."""
        DISK["full"] = False
        self.skew, self.skews, self.signing = 0.0, {"x": 0.0, "y": 0.0}, [OLD, NEW]
        self.trust([OLD, NEW])
        self.path.unlink(missing_ok=True)
        self.wait(3 * DAY)
        self.long_valid = True
        self.publish("x")
        self.look()
        document, _ = self.books.documents[next(reversed(self.books.documents))]
        expected = [each.variant.id for each in document.entries if each.state == "green"]
        found = [each.variant.id for each in self.holder.eligible(OPERATION, MODEL)]
        if found != expected:
            raise ViolationError(f"all is well, but eligible is {found}, expected {expected}: {self.holder.health()}")

    def require_counted(self) -> None:
        """All numbers of the stream are different, and each publisher's go up."""
        every = [seq for numbers in self.books.numbers.values() for seq in numbers]
        if len(set(every)) != len(every):
            raise ViolationError("two published documents have one seq")
        for numbers in self.books.numbers.values():
            if sorted(numbers) != numbers:
                raise ViolationError(f"a publisher's seq went back: {numbers}")

    # --- forgeries

    def forged(self) -> bytes:
        """What somebody without a trusted key could put in the publisher's place."""
        latest = next(reversed(self.books.documents), HASH)  # what the next document of the stream has to name
        document = self.document(0.0, states=dict.fromkeys(VARIANTS, "green"))
        document = document.model_copy(update={"seq": self.chance.choice([1, 50, 2**40]), "prev": latest})
        payload = document.encode()
        kind = self.chance.randrange(4)
        if kind == 0:
            return payload
        if kind == 1:
            return seal(payload, [THIEF])
        if kind == 2:  # a genuine signature under another document
            if not self.books.envelopes:
                return b""
            genuine = orjson.loads(self.chance.choice(self.books.envelopes))
            return orjson.dumps({**orjson.loads(seal(payload, [THIEF])), "signatures": genuine["signatures"]})
        other = self.document(0.0, states=dict.fromkeys(VARIANTS, "green"), stream="world/other")
        return seal(other.model_copy(update={"seq": document.seq, "prev": latest}).encode(), self.signing)


def _entry(variant: str, state: str, at: float, until: float) -> dict[str, object]:
    verdict = "inconclusive" if state == "unknown" else state
    return {
        "operation": OPERATION,
        "model": MODEL,
        "baseline": "bf16",
        "variant": {
            "id": variant,
            "provider": "acme",
            "path": "direct",
            "tag": None,
            "quantization": {"label": variant, "source": "declared"},
            "config": HASH,
            "price": {"input": "1", "output": "2"},
        },
        "state": state,
        "verdict": verdict,
        "claim": "traffic",
        "since": _moment(at),
        "green_runs": 1,
        "valid_until": _moment(until),
        "reason": "because",
        "evidence": {
            "suite": HASH,
            "baseline_config": HASH,
            "cases": 300,
            "metric": "score",
            "delta": -0.01,
            "interval": [-0.03, 0.01],
            "level": 0.9,
            "margin": 0.05,
            "alpha": 0.05,
            "control": "family",
            "e_green": 31.4,
            "e_red": 0.2,
            "flips": [9, 6],
            "success": 1.0,
            "tokens": {"input": 100.0, "output": 10.0},
            "run": "run",
        },
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _kind(reason: str) -> str:
    """What sort of reason it is, without the particulars."""
    kinds = {
        "rolled back": "rolled back",
        "two different": "two documents with one seq",
        "does not follow": "the chain is broken",
        "expired": "expired when first seen",
        "one of the clocks": "issued in the future",
        "this machine is behind": "this machine's clock is behind",
        "is not signed": "not signed",
        "not trusted here": "signed by a key that is not trusted",
        "does not fit": "the signature does not fit",
        "of stream": "another stream",
        "holds the stream": "another stream lies there",
        "cut off": "cut off, or not JSON",
        "No space": "no space left",
        "last seen was": "the kept document is not the last one seen",
        "not base64": "the envelope is damaged",
        "the envelope": "the envelope is damaged",
        "there is no signal": "nothing there",
    }
    return next((kind for part, kind in kinds.items() if part in reason), reason[:60])


__all__ = [
    "BEGIN",
    "DAY",
    "DISK",
    "NEW",
    "OLD",
    "EvalgateError",
    "KilledError",
    "SignalError",
    "ViolationError",
    "World",
]
