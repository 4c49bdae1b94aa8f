"""One step of a watch: what changes for its variants, and what is remembered of it, recorded as one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from evalgate.exchange import JsonValue
from evalgate.gate import Board, Verdict
from evalgate.signal.keeping import StandingState
from evalgate.store import Event, Lease, Round, Watching
from evalgate.watch.alarm import Alarm, State
from evalgate.watch.detection import Reference
from evalgate.watch.look import Look
from evalgate.watch.stream import Order, Stream

Recall = Callable[[str, int, int], Reference | None]


class Step:
    """Collects what happens to an operation's variants, and records all of it or nothing."""

    def __init__(self, memory: Watching, lease: Lease, operation: str, at: float) -> None:
        self._memory, self._lease, self._operation, self._at = memory, lease, operation, at
        self.streams: dict[str, Stream] = {}
        self.events: list[Event] = []
        self.close: Round | None = None

    def keep(self, stream: Stream) -> None:
        """Keep how a variant stands now."""
        self.streams[stream.variant] = stream

    def happened(self, kind: str, stream: Stream, **content: object) -> None:
        """Remember that something happened."""
        told = cast("dict[str, JsonValue]", content)
        self.events.append(Event(self._at, self._operation, stream.variant, stream.config, kind, told))

    def looked(
        self, stream: Stream, this: Round, look: Look, state: State, alarms: Sequence[Alarm], evidence: float
    ) -> None:
        """A round was looked at: the variant stays green, or is withdrawn and ordered to be certified again."""
        told: dict[str, object] = {"round": this.number, "day": this.day, "units": look.units, "drawn": look.drawn}
        told["delta"] = {name: _mean(values, look) for name, values in look.differences.items()}
        told["evidence"] = evidence
        self.happened("watched", stream, **told)
        after = replace(stream, detectors=state, round=this.number)
        if not alarms:
            self.keep(replace(after, evidence_at=max(stream.evidence_at, min(look.oldest, self._at))))
            return
        alarm = alarms[0]
        found = [
            {"detector": a.detector, "reason": a.reason, "evidence": a.evidence, "needed": a.needed} for a in alarms
        ]
        self.happened("red" if alarm.state == "red" else "suspended", stream, reason=alarm.reason, found=found)
        withdrawn = after.withdrawn(self._at, alarm.state, alarm.reason)
        assert withdrawn.order is not None
        self.happened("ordered", stream, due=withdrawn.order.due, why=withdrawn.order.why)
        self.keep(withdrawn)

    def missed(self, stream: Stream, this: Round, reason: str) -> None:
        """A round has no evidence of a variant: it is asked again, and prolongs nothing."""
        before = self._memory.last_event(self._operation, stream.variant)
        if before is None or before.kind != "missed" or before.content.get("round") != this.number:
            self.happened("missed", stream, round=this.number, day=this.day, reason=reason[:500])

    def certified(
        self, stream: Stream, order: Order, board: Board, begin: Callable[[Reference | None], State], recall: Recall
    ) -> None:
        """A certification was carried out."""
        verdict = verdict_of(board, self._operation, stream.variant)
        if verdict is None or verdict.cause == "unreachable":
            return
        told = [usage.oldest for usage in (verdict.usage, verdict.baseline_usage) if usage.answers]
        certified = int(min([*told, board.at]))
        content = {"outcome": verdict.outcome, "run": board.run, "reason": verdict.reason, "why": order.why}
        self.happened("recertified", stream, **content, attempt=verdict.trying.number, charged=verdict.trying.level)
        anew = replace(stream, certified=certified, run=board.run, pending=True, order=None)
        if verdict.outcome == "green":
            detectors = begin(recall(stream.variant, verdict.cases, certified))
            self.keep(replace(anew, state="kept", since=self._at, reason="", evidence_at=0.0, detectors=detectors))
            return
        red = verdict.outcome == "red"
        further = order.again(self._at, red=red)
        self.happened("ordered", stream, due=further.due, why=further.why)
        state: StandingState = "red" if red or stream.state == "red" else "suspended"
        self.keep(replace(anew, state=state, since=self._at, reason=verdict.reason, order=further))

    def lines(self) -> list[tuple[str, str]]:
        """What to tell of it, by variant."""
        return [(event.variant, line) for event in self.events if (line := _line(event))]

    def record(self) -> None:
        """Keep all of it. Raises `InfrastructureError` when somebody else has taken over."""
        watched = {(self._operation, stream.config): stream.to_json() for stream in self.streams.values()}
        if watched or self.events or self.close is not None:
            self._memory.record(self._lease, watched=watched, events=self.events, close=self.close)


def verdict_of(board: Board, operation: str, variant: str) -> Verdict | None:
    """What a board concludes of a variant."""
    for each in board.operations:
        for verdict in each.verdicts:
            if (each.operation, verdict.variant.id) == (operation, variant):
                return verdict
    return None


def _mean(values: np.ndarray, look: Look) -> float:
    return float(np.average(values, weights=look.weights)) if values.size else 0.0


def _line(event: Event) -> str:
    content = event.content
    if event.kind == "watched":
        delta = ", ".join(f"{name} {value:+.3f}" for name, value in cast("dict[str, float]", content["delta"]).items())
        return (
            f"{content['units']} units beside the baseline: {delta}; evidence {content['evidence']:.2g} of an alarm's"
        )
    if event.kind in ("suspended", "red"):
        return f"{'RED' if event.kind == 'red' else 'suspended'}: {content['reason']}"
    if event.kind == "recertified":
        return f"certified anew: {content['outcome']}: {content['reason']}"
    return ""
