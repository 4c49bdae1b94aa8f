"""What a document says, as a router looks it up: decoded strictly, indexed once, and never changed.

The format is that of `evalgate.signal.document`; decoding it here with msgspec takes a twentieth of the time that
pydantic takes for 10,000 entries, and a router has better things to do. A test holds the two against each other.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from evalgate.errors import SignalError

Time = Annotated[datetime, Meta(tz=True)]
Hash = Annotated[str, Meta(min_length=71, max_length=71)]
Count = Annotated[int, Meta(ge=0)]


class Quantization(Struct, frozen=True, gc=False):
    """What the provider declares; `undisclosed` is a value."""

    label: str
    source: str


class Price(Struct, frozen=True, gc=False):
    """USD per 1M tokens, as decimal texts."""

    input: str
    output: str
    unit: Literal["USD/1M tokens"] = "USD/1M tokens"
    basis: str = "listed"


class Variant(Struct, frozen=True, gc=False):
    """Which endpoint is meant. One whose `config` is another today is another variant, and not eligible."""

    id: str
    provider: str
    path: str
    tag: str | None
    quantization: Quantization
    config: Hash
    price: Price


class Tokens(Struct, frozen=True, gc=False):
    """Means per answer; None where nothing is known."""

    input: Annotated[float, Meta(ge=0)] | None
    output: Annotated[float, Meta(ge=0)] | None
    basis: Literal["counted", "estimated", "unknown"] = "counted"


class Evidence(Struct, frozen=True, gc=False):
    """What the verdict rests on, as in `evalgate.signal.document.SignalEvidence`."""

    suite: Hash
    baseline_config: Hash
    cases: Count
    metric: str
    delta: float
    interval: tuple[float, float]
    level: float
    margin: float
    alpha: float
    control: str
    e_green: float
    e_red: float
    flips: tuple[int, int]
    success: Annotated[float, Meta(ge=0, le=1)]
    tokens: Tokens
    run: str
    baseline_tokens: Tokens | None = None
    kinds: dict[str, int] = {}
    attempt: Annotated[int, Meta(ge=1)] = 1
    charged: float | None = None
    beyond_margin: bool = False


class Eligible(Struct, frozen=True, gc=False):
    """One entry of the document. What `reader.eligible` returns is green and valid at that moment.

    A router still compares `variant.config` and `evidence.baseline_config` with the configurations that it would
    call: the signal speaks of those that were judged, and of no others.
    """

    operation: str
    model: str
    baseline: str
    variant: Variant
    state: Literal["green", "red", "unknown"]
    verdict: Literal["green", "red", "inconclusive"]
    claim: str
    since: Time
    green_runs: int
    valid_until: Time
    reason: str
    evidence: Evidence


class Document(Struct, frozen=True):
    """The whole of it; keys that later versions add are ignored."""

    schema: Literal["evalgate.signal/v1"]
    stream: str
    seq: Annotated[int, Meta(ge=1)]
    issued_at: Time
    expires_at: Time
    prev: Hash | None
    policy: Hash
    entries: tuple[Eligible, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """The green entries for one model on one operation; `soonest` is when the first of them expires."""

    entries: tuple[Eligible, ...]
    until: tuple[float, ...]
    soonest: float


@dataclass(frozen=True, slots=True)
class View:
    """A believed document. `floor` added to the steady clock is the earliest that it can be now (see `clock`)."""

    document: Document
    digest: str
    key_id: str | None
    payload: bytes
    envelope: bytes
    floor: float
    rows: dict[tuple[str, str], Row] = field(repr=False)


_DECODER = msgspec.json.Decoder(Document)


def decode(payload: bytes) -> Document:
    """Raises `SignalError` with the reason, and nothing else, whatever `payload` holds."""
    try:
        document = _DECODER.decode(payload)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as failure:
        raise SignalError(f"not an evalgate.signal/v1 document: {str(failure)[:300]}") from None
    seen = {(entry.operation, entry.variant.id) for entry in document.entries}
    if len(seen) != len(document.entries):
        raise SignalError("not an evalgate.signal/v1 document: two entries for one variant on one operation")
    return document


def digest_of(payload: bytes) -> str:
    """What the next document's `prev` must be; the line end of an unsigned file is not part of the document."""
    return "sha256:" + hashlib.sha256(payload.strip()).hexdigest()


def rows_of(document: Document) -> dict[tuple[str, str], Row]:
    """The entries that may be used until they expire, by (operation, model).

    An entry that is green by state but not by verdict contradicts itself, and is left out.
    """
    green: dict[tuple[str, str], list[Eligible]] = defaultdict(list)
    for entry in document.entries:
        if entry.state == "green" and entry.verdict == "green":
            green[entry.operation, entry.model].append(entry)
    rows = {}
    for key, entries in green.items():
        until = tuple(entry.valid_until.timestamp() for entry in entries)
        rows[key] = Row(tuple(entries), until, min(until))
    return rows
