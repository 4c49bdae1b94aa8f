"""What became of an operation's variants: verdicts, days of watching, alarms and published states, in one order. Pure.

Everything here was written down when it happened (boards, events, documents) and none of it is changed afterwards, so
the same store always tells the same story. What a variant's state is comes from the documents alone, since that is what
routers read: `since` and `green_runs` are those of its entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from evalgate.exchange import JsonValue
from evalgate.gate import Board
from evalgate.signal.document import SignalEntry, State
from evalgate.signal.history import Published
from evalgate.store import Event

Kind = Literal[
    "verdict", "certified", "watched", "missed", "noted", "suspended", "red", "ordered", "recertified", "told", "rules"
]
_ORDER: Sequence[Kind] = (
    *("verdict", "certified", "rules", "watched", "missed", "noted", "suspended", "red"),
    *("ordered", "recertified", "told"),
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to one variant at `at` (seconds since the epoch), in words, with its evidence.

    `seq` and `state` are those of a published document that said something new of it.
    """

    at: float
    variant: str
    kind: Kind
    told: str
    evidence: Mapping[str, JsonValue] = field(default_factory=dict)
    seq: int | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The story of one operation. `now` are the entries of the last document, by variant."""

    operation: str
    moments: tuple[Moment, ...]
    now: Mapping[str, SignalEntry]

    @property
    def variants(self) -> list[str]:
        """Everybody who is told of."""
        return sorted({moment.variant for moment in self.moments})

    def of(self, variant: str) -> Timeline:
        """The story of one variant."""
        moments = tuple(moment for moment in self.moments if moment.variant == variant)
        return Timeline(self.operation, moments, {name: one for name, one in self.now.items() if name == variant})

    def state_at(self, variant: str, at: float) -> State | None:
        """What the newest document of that time said of a variant; None: nothing."""
        told = [each for each in self.moments if each.variant == variant and each.kind == "told" and each.at <= at]
        return told[-1].state if told else None


def timeline(
    operation: str, boards: Iterable[Board], events: Iterable[Event], documents: Iterable[Published]
) -> Timeline:
    """The story of `operation`; boards in any order, events and documents (those that changed something) in theirs."""
    heard = [event for event in events if event.operation == operation]
    again = {str(event.content.get("run")) for event in heard if event.kind == "recertified"}
    moments = [*_verdicts(operation, boards, again), *map(_happened, heard)]
    now: dict[str, SignalEntry] = {}
    for document in documents:
        there = {e.variant.id: e for e in document.document.entries if e.operation == operation}
        for name, entry in there.items():
            if (news := _news(now.get(name), entry)) is not None:
                at, evidence = document.document.issued_at.timestamp(), {"run": entry.evidence.run}
                moments.append(Moment(at, name, "told", news, evidence, document.seq, entry.state))
        now = there
    moments.sort(key=lambda moment: (int(moment.at), _ORDER.index(moment.kind)))
    return Timeline(operation, tuple(moments), now)


def _verdicts(operation: str, boards: Iterable[Board], told: set[str]) -> Iterable[Moment]:
    """What checks concluded, but for those that watching ordered, which tell of themselves."""
    for board in boards:
        for each in board.operations:
            for verdict in each.verdicts if each.operation == operation and board.run not in told else ():
                evidence: dict[str, JsonValue] = {"run": board.run, "cases": verdict.cases, "e_value": verdict.e_value}
                said = f"{verdict.outcome}: {verdict.reason}"
                yield Moment(board.at, verdict.variant.id, "verdict", said, evidence)


def _happened(event: Event) -> Moment:
    return Moment(event.at, event.variant, cast("Kind", event.kind), _told(event), event.content)


def _told(event: Event) -> str:
    content = event.content
    if event.kind == "watched":
        deltas = cast("dict[str, float]", content["delta"])
        delta = ", ".join(f"{name} {value:+.3f}" for name, value in deltas.items())
        return f"{content['units']} units: {delta}; {cast('float', content['evidence']):.2g} of an alarm"
    if event.kind == "recertified":
        return f"{content['outcome']}: {content['reason']} (try {content['attempt']}, for: {content['why']})"
    if event.kind == "ordered":
        return f"a certification, for: {content['why']}"
    return str(content.get("reason", ""))


def _news(before: SignalEntry | None, entry: SignalEntry) -> str | None:
    """What a document says of a variant that the one before did not; None where it is the same, or valid for longer."""
    if before is None or before.variant.config != entry.variant.config:
        return f"{entry.state}: {entry.reason}"
    if before.state != entry.state:
        return f"{before.state} → {entry.state}: {entry.reason}"
    if before.evidence.run != entry.evidence.run and before.certified != entry.certified:
        return f"{entry.state} still, by another certification"
    return None
