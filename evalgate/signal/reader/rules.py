"""Which document is believed: SIGNAL's table of rules as one pure function.

| the document | |
| --- | --- |
| of another stream | refused |
| with a lower `seq` than was seen | refused: rolled back |
| with the same `seq` and another content | refused: two documents of one number |
| whose `prev` is not the one before it, where that is known | refused: the chain is broken |
| issued in the future | refused: a clock is wrong |
| past its `expires_at` when it is first seen | refused; what was believed in time goes on counting |

What was seen is remembered per signing key, and only the keys that are trusted now count: a key that was stolen, used
to sign an absurdly high `seq`, and then removed from the keyring, does not shut out the publisher for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from evalgate.errors import SignalError
from evalgate.signal.reader.clock import SKEW

MAX_KEYS = 12  # whose marks are remembered; a rotation needs two


@dataclass(frozen=True, slots=True)
class Mark:
    """The highest document that was believed of a key."""

    seq: int
    digest: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What a reader must not forget. `marks` by key id, the latest last; `""` stands for unsigned."""

    stream: str | None = None
    marks: Mapping[str, Mark] = field(default_factory=dict)

    def highest(self, trusted: Collection[str]) -> Mark | None:
        """The highest document of those keys."""
        return max((mark for key, mark in self.marks.items() if key in trusted), key=lambda m: m.seq, default=None)

    def with_mark(self, stream: str, key: str, mark: Mark) -> Memory:
        """With this document believed; a key's mark never goes down."""
        known = self.marks.get(key)
        others = {name: each for name, each in self.marks.items() if name != key}
        kept = dict(list(others.items())[1 - MAX_KEYS :])
        kept[key] = known if known is not None and known.seq > mark.seq else mark
        return replace(self, stream=stream, marks=kept)

    def merged(self, other: Memory) -> Memory:
        """What two processes with one cache have seen together; of another stream, nothing counts."""
        if self.stream is not None and other.stream not in (None, self.stream):
            return self
        memory = replace(self, stream=self.stream or other.stream)
        for key, mark in other.marks.items():
            memory = memory.with_mark(str(memory.stream), key, mark)
        return memory


@dataclass(frozen=True, slots=True)
class Head:
    """A document's own account of itself; times in seconds since 1970."""

    stream: str
    seq: int
    issued_at: float
    expires_at: float
    prev: str | None
    digest: str


def require_believable(head: Head, memory: Memory, trusted: Collection[str], clocks: tuple[float, float]) -> None:
    """Raise `SignalError` with a reason that a person understands, unless the document is to be followed.

    `trusted`: the keys that count now; `clocks`: what time it is by the clock, and by the floor where that is later; in
    time by either will do.
    """
    if memory.stream is not None and head.stream != memory.stream:
        raise SignalError(f"a document of stream {head.stream[:200]!r}; expected {memory.stream!r}")
    require_in_order(head, memory.highest(trusted))
    if any(is_in_time(head, each) for each in clocks):
        return
    now = clocks[0]
    if head.issued_at > now + SKEW:
        raise SignalError(
            f"seq {head.seq} was issued at {shown(head.issued_at)}, but here it is {shown(now)}: "
            "one of the clocks is wrong"
        )
    raise SignalError(
        f"seq {head.seq} expired at {shown(head.expires_at)}, and here it is {shown(now)}; "
        "does the publisher's heartbeat run? (evalgate signal heartbeat)"
    )


def is_in_time(head: Head, now: float) -> bool:
    """Whether the document is issued, and not yet expired."""
    return head.issued_at <= now + SKEW and now < head.expires_at


def require_in_order(head: Head, last: Mark | None) -> None:
    """Raise `SignalError` when the document goes back, takes a number that is taken, or breaks the chain.

    What was missed in between is no broken chain: a stream whose publisher lost its past can go on at a higher number.
    """
    if last is None:
        return
    if head.seq < last.seq:
        raise SignalError(f"rolled back: seq {head.seq}, but seq {last.seq} was seen already")
    if head.seq == last.seq:
        if head.digest != last.digest:
            raise SignalError(
                f"two different documents with seq {head.seq}: two publishers that do not know each other?"
            )
        return
    if head.seq == last.seq + 1 and head.prev != last.digest:
        raise SignalError(
            f"seq {head.seq} does not follow seq {last.seq} as it was seen here: its prev is {_short(head.prev)}, "
            f"expected {_short(last.digest)}; was the publisher's store set back?"
        )


def shown(moment: float) -> str:
    """A time for people, whatever the number."""
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{moment:.0f} s"


def _short(digest: str | None) -> str:
    return "missing" if digest is None else digest[:19] + "…"
