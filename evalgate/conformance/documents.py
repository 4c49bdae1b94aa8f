"""Signal documents as the test needs them: what is green, until when, and with which fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from evalgate.conformance.world import BASELINE, FIRST, MODEL, SECOND, STREAM, World
from evalgate.formats.canonical import digest

State = Literal["green", "red", "unknown"]
States = Mapping[str, Mapping[str, State]]  # by operation, by variant

DAY = timedelta(days=1)
HEARTBEAT = timedelta(minutes=10)
_NOWHERE = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class Draft:
    """What a document says; `age` is how far the publisher's clock is behind ours."""

    states: States
    valid_for: timedelta = DAY
    age: timedelta = timedelta()
    heartbeat: timedelta = HEARTBEAT
    variant_config: str | None = None  # another one than the catalogue's
    baseline_config: str | None = None


class Writer:
    """Writes drafts out as documents, with the configurations of the prepared catalogue."""

    def __init__(self, world: World) -> None:
        self._endpoints = world.catalog().endpoints(MODEL)

    def write(self, draft: Draft, seq: int, prev: str | None) -> dict[str, Any]:
        """The document as plain JSON: a fault may be put into it before it is sealed."""
        issued = datetime.now(UTC).replace(microsecond=0) - draft.age
        entries = [
            self._entry(draft, operation, variant, state, issued)
            for operation, variants in sorted(draft.states.items())
            for variant, state in sorted(variants.items())
        ]
        return {
            "schema": "evalgate.signal/v1",
            "stream": STREAM,
            "seq": seq,
            "issued_at": _text(issued),
            "expires_at": _text(issued + draft.heartbeat),
            "prev": prev,
            "policy": digest([[FIRST, 0.05], [SECOND, 0.05]]),
            "entries": entries,
        }

    def _entry(self, draft: Draft, operation: str, variant: str, state: State, issued: datetime) -> dict[str, Any]:
        endpoint, baseline = self._endpoints[variant], self._endpoints[BASELINE]
        price = endpoint.price
        proven = {"green": (31.4, 0.2), "red": (0.1, 44.0), "unknown": (1.1, 0.9)}[state]
        return {
            "operation": operation,
            "model": MODEL,
            "baseline": BASELINE,
            "variant": {
                "id": variant,
                "provider": endpoint.provider.id,
                "path": "direct",
                "tag": None,
                "quantization": {"label": endpoint.quantization.label, "source": "declared"},
                "config": draft.variant_config or endpoint.config,
                "price": {"input": str(price.input), "output": str(price.output), "unit": "USD/1M tokens"},
            },
            "state": state,
            "verdict": "inconclusive" if state == "unknown" else state,
            "claim": "traffic",
            "since": _text(issued),
            "green_runs": int(state == "green"),
            "valid_until": _text(issued + draft.valid_for),
            "reason": f"the conformance test says {state}",
            "evidence": {
                "suite": _NOWHERE,
                "baseline_config": draft.baseline_config or baseline.config,
                "cases": 512,
                "metric": "score",
                "delta": -0.004,
                "interval": [-0.017, 0.008],
                "level": 0.9,
                "margin": 0.05,
                "alpha": 0.05,
                "control": "family",
                "e_green": proven[0],
                "e_red": proven[1],
                "flips": [9, 11],
                "success": 1.0,
                "tokens": {"input": 20.0, "output": 2.0},
                "baseline_tokens": {"input": 20.0, "output": 2.0},
                "run": "conformance",
            },
        }


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
