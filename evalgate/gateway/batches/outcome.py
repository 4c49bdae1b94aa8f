"""What comes of a line: its place in the results, with the block that tells how it was delivered, and its cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer, JsonValue, Request
from evalgate.exchange.tokens import TokenEstimates
from evalgate.gateway.batches.shapes import response_of, result_line
from evalgate.gateway.batches.upstream import Read
from evalgate.router import Decision, explain
from evalgate.store.queue import Line, Outcome

EXPIRED = ("batch_expired", "This request could not be executed before the completion window expired.")
CANCELLED = ("batch_cancelled", "This request was not executed because the batch was cancelled.")


@dataclass(frozen=True, slots=True)
class Delivered:
    """How a line was answered. `discount`: what the provider's batch API takes off the price, in [0, 1)."""

    decision: Decision
    endpoint: Endpoint
    latency_ms: float | None
    reason: str
    discount: Decimal = Decimal(0)
    seq: int | None = None

    @property
    def upgraded(self) -> bool:
        """The baseline served, because nothing cheaper was eligible or in service."""
        return self.endpoint.id == self.decision.route.baseline.id and self.decision.call.tier != "realtime"


def reason_of(decision: Decision) -> str:
    """Why this variant is asked first."""
    return explain(decision).reason


def answered(line: Line, read: Read, how: Delivered, costs: TokenEstimates, request: Request) -> Outcome:
    """A line that has its answer."""
    tokens = costs.tokens(request, read.answer)
    cost = how.endpoint.cost(*tokens) * (1 - how.discount)
    told = _delivery(how, cost, how.decision.route.baseline.endpoint.cost(*tokens), read.answer)
    body = {**read.body, "delivery": told} if isinstance(read.body, dict) else read.body
    response = response_of(line.job, line.number, read.status, body)
    content = result_line(line.job, line.number, line.custom_id, response=response)
    return Outcome(line.job, line.number, "done", content, how.endpoint.id, *tokens, cost)


def refused(line: Line, status: int, body: JsonValue, variant: str | None = None) -> Outcome:
    """A line that its upstream, or the gateway itself, turned down."""
    response = response_of(line.job, line.number, status, body)
    content = result_line(line.job, line.number, line.custom_id, response=response)
    return Outcome(line.job, line.number, "failed", content, variant)


def failed(line: Line, code: str, message: str) -> Outcome:
    """A line that has no response at all."""
    content = failed_line(line.job, line.number, line.custom_id, (code, message))
    return Outcome(line.job, line.number, "failed", content)


def failed_line(job: str, number: int, custom_id: str, why: tuple[str, str]) -> bytes:
    """The results' line of a request that has no response; `why`: its code and message."""
    error: Mapping[str, JsonValue] = {"code": why[0], "message": why[1]}
    return result_line(job, number, custom_id, error=dict(error))


def error_body(kind: str, message: str, code: str | None = None) -> JsonValue:
    """An error as the OpenAI API writes it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _delivery(how: Delivered, cost: Decimal, baseline: Decimal, answer: Answer) -> JsonValue:
    variant = how.endpoint.variant
    told: dict[str, JsonValue] = {
        "tier": "batch" if how.decision.call.tier == "batch" else how.decision.call.tier,
        "provider": variant.provider,
        "variant": variant.id,
        "quantization": variant.quantization.label,
        "upgraded": how.upgraded,
        "cost_usd": float(cost),
        "baseline_cost_usd": float(baseline),
        "latency_ms": None if how.latency_ms is None else round(how.latency_ms, 1),
        "signal_seq": how.seq if how.seq is not None else how.decision.seq,
        "reason": how.reason,
    }
    if answer.input_tokens is None or answer.output_tokens is None:
        told["estimated"] = True
    return told
