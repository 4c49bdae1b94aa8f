"""Documents as a publisher makes them, to the second and to the byte; and clocks that do as they are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from evalgate.formats.canonical import canonical, digest
from evalgate.signal.envelope import SigningKey, seal
from evalgate.signal.reader.clock import Clock

NOW = 1_800_000_000.0
HASH = "sha256:" + "0" * 64
STREAM = "acme/prod"
OPERATION, MODEL = "sort", "llama"
KEY = SigningKey.generate()


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def entry(
    variant: str = "cheap", state: str = "green", *, valid_until: float = NOW + 86_400, **changes: object
) -> dict[str, Any]:
    return {
        "operation": OPERATION,
        "model": MODEL,
        "baseline": "full",
        "variant": {
            "id": variant,
            "provider": "acme",
            "path": "direct",
            "tag": None,
            "quantization": {"label": "fp8", "source": "declared"},
            "config": HASH,
            "price": {"input": "1", "output": "2", "unit": "USD/1M tokens", "basis": "listed"},
        },
        "state": state,
        "verdict": "inconclusive" if state == "unknown" else state,
        "claim": "traffic",
        "since": moment(NOW),
        "green_runs": 1,
        "valid_until": moment(valid_until),
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
            "tokens": {"input": 100.0, "output": 10.0, "basis": "counted"},
            "run": "run-1",
        },
        **changes,
    }


def document(
    seq: int = 1,
    *entries: dict[str, Any],
    prev: str | None = None,
    at: float = NOW,
    life: float = 600,
    **changes: object,
) -> bytes:
    """The payload: canonical bytes."""
    content = {
        "schema": "evalgate.signal/v1",
        "stream": STREAM,
        "seq": seq,
        "issued_at": moment(at),
        "expires_at": moment(at + life),
        "prev": prev,
        "policy": HASH,
        "entries": list(entries or [entry()]),
        **changes,
    }
    return canonical(content)


def signed(payload: bytes, *keys: SigningKey) -> bytes:
    return seal(payload, keys or (KEY,))


def chain(*contents: list[dict[str, Any]], at: float = NOW) -> list[bytes]:
    """Payloads 1, 2, … each of which names the one before."""
    made: list[bytes] = []
    for seq, entries in enumerate(contents, 1):
        made.append(document(seq, *entries, prev=digest(made[-1]) if made else None, at=at + seq))
    return made


@dataclass
class Hands:
    """A clock with hands: `wall` may be set, `steady` only goes on."""

    wall: float = NOW
    steady: float = 1000.0
    boot: str = "boot-1"
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        self.clock = self.face()

    def face(self) -> Clock:
        """What a process sees that starts now."""
        return Clock(lambda: self.wall, lambda: self.steady, self.boot)

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds
