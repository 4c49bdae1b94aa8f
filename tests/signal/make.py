"""Signal documents to test with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from evalgate.signal.document import (
    SignalDocument,
    SignalEntry,
    SignalEvidence,
    SignalPrice,
    SignalQuantization,
    SignalVariant,
    State,
    Tokens,
)

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
HASH = "sha256:" + "a" * 64


def entry(variant: str = "cheap", state: State = "green", operation: str = "sort") -> SignalEntry:
    return SignalEntry(
        operation=operation,
        model="model",
        baseline="full",
        variant=SignalVariant(
            id=variant,
            provider="acme",
            path="direct",
            tag=None,
            quantization=SignalQuantization(label="fp8", source="declared"),
            config=HASH,
            price=SignalPrice(input="1", output="2"),
        ),
        state=state,
        verdict="green" if state == "green" else "red",
        claim="traffic",
        since=NOW,
        green_runs=1,
        valid_until=NOW + timedelta(days=7),
        reason="because",
        evidence=SignalEvidence(
            suite=HASH,
            baseline_config=HASH,
            cases=300,
            metric="score",
            delta=-0.004,
            interval=(-0.02, 0.01),
            level=0.9,
            margin=0.02,
            alpha=0.05,
            control="family",
            e_green=31.4,
            e_red=0.2,
            flips=(9, 11),
            success=1.0,
            tokens=Tokens(input=100.0, output=10.0),
            run="run",
        ),
    )


def document(
    states: Mapping[str, State] | None = None, *, seq: int = 1, stream: str = "acme/prod", now: datetime = NOW
) -> SignalDocument:
    chosen: Mapping[str, State] = {"cheap": "green"} if states is None else states
    return SignalDocument(
        stream=stream,
        seq=seq,
        issued_at=now,
        expires_at=now + timedelta(minutes=10),
        prev=None,
        policy=HASH,
        entries=tuple(entry(variant, state) for variant, state in chosen.items()),
    )
