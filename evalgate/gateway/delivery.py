"""What a response says of how it came about: a block in its JSON, and headers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import orjson

from evalgate.gateway.shapes import Headers
from evalgate.router import Decision, Option, explain, reason_of

_LONGEST = 200  # characters of a header


@dataclass(frozen=True, slots=True)
class Delivery:
    """`failed`: who was asked before, and why in vain. `dollars` None: not known (yet).

    `estimated`: tokens were not counted by the upstream.
    """

    decision: Decision
    served: Option
    failed: tuple[tuple[str, str], ...]
    latency_ms: float
    dollars: Decimal | None = None
    baseline_dollars: Decimal | None = None
    estimated: bool = False

    @property
    def upgraded(self) -> bool:
        """Whether a dearer tier served than was asked for."""
        call = self.decision.call
        is_baseline = self.served.id == self.decision.route.baseline.id
        return call.tier == "batch" or (call.tier == "standard" and is_baseline)

    @property
    def reason(self) -> str:
        """Why this variant served."""
        others = [f"{name} ({why})" for name, why in self.failed if name != self.served.id]
        if others:
            what = "the baseline" if self.served.id == self.decision.route.baseline.id else "the next eligible variant"
            return f"{what}, because another failed: {'; '.join(others)}"
        again = f"; an earlier attempt failed: {self.failed[-1][1]}" if self.failed else ""
        return reason_of(self.decision) + again

    def fields(self) -> dict[str, object]:
        """The block's fields."""
        variant = self.served.endpoint.variant
        told: dict[str, object] = {
            "tier": self.decision.call.tier,
            "provider": variant.provider,
            "variant": variant.id,
            "quantization": variant.quantization.label,
            "upgraded": self.upgraded,
            "cost_usd": _number(self.dollars),
            "baseline_cost_usd": _number(self.baseline_dollars),
            "latency_ms": round(self.latency_ms, 1),
            "signal_seq": self.decision.seq,
            "reason": self.reason,
        }
        if self.estimated:
            told["estimated"] = True
        return told

    def headers(self, fields: dict[str, object]) -> Headers:
        """The same as headers; what is not known has none."""
        return [
            (b"x-evalgate-" + name.replace("_", "-").encode(), _text(value))
            for name, value in fields.items()
            if value is not None
        ]


def candidates(decision: Decision) -> list[dict[str, object]]:
    """Everybody who was considered, from the cheapest on: for who asks why."""
    return [
        {
            "variant": each.endpoint.id,
            "eligible": each.eligible,
            "usable": each.usable,
            "expected_cost_usd": each.cost,
            "reason": each.reason,
        }
        for each in explain(decision).candidates
    ]


def splice(body: bytes, fields: dict[str, object]) -> bytes:
    """`body`, a JSON object, with the block `delivery` at its end; every other byte is as it was."""
    end = body.rindex(b"}")
    before = body[:end].rstrip()
    comma = b"" if before.endswith(b"{") else b","
    return b'%s%s"delivery":%s%s' % (body[:end], comma, orjson.dumps(fields), body[end:])


def _number(dollars: Decimal | None) -> float | None:
    return None if dollars is None else float(dollars)


def _text(value: object) -> bytes:
    """Visible ASCII in one line, whatever it is."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    text = f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    cleaned = "".join(letter if " " <= letter <= "~" else "?" for letter in text[:_LONGEST])
    return cleaned.strip().encode()
