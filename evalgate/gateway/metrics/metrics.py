"""The gateway's own numbers for Prometheus, made when they are asked for: a call costs two dictionary look-ups.

Names are those of OpenTelemetry's GenAI conventions where it has them (units in the name, as its Prometheus mapping
has it), else `evalgate_…`. Everything counts since this process began, and of this process alone: Prometheus adds up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

from evalgate.gateway.delivered import Delivered
from evalgate.gateway.metrics.families import Collector, Family, Labels, counter, gauges, seconds, tokens
from evalgate.gateway.metrics.gauge import Gauge, Gauges
from evalgate.gateway.refusal import Refused
from evalgate.telemetry import OTHER, Recorder
from evalgate.telemetry.cell import OUTCOMES, Cell

log = logging.getLogger("evalgate.metrics")
MOST_COUNTED = 20_000  # label sets in memory; what `families` tells of them is less
_WHO = ("operation", "variant", "gen_ai_provider_name", "gen_ai_request_model")
Amount = TypeVar("Amount", int, Decimal)
_CALL = ("tier", "operation", "variant")

Describe = Callable[[str], tuple[str, str]]
"""Provider and model of a variant; two empty texts where nobody knows."""


def undescribed(variant: str) -> tuple[str, str]:
    """Nobody knows."""
    del variant
    return "", ""


class Metrics(Collector):
    """Counts what is delivered and refused, and collects the rest. `delivered` is an onlooker."""

    def __init__(self, recorder: Recorder, others: Sequence[Gauges] = (), describe: Describe = undescribed) -> None:
        self._recorder, self._others, self._describe = recorder, others, describe
        self._requests: dict[Labels, int] = {}
        self._upgraded: dict[Labels, int] = {}
        self._refused: dict[Labels, int] = {}
        self._dollars: dict[Labels, Decimal] = {}
        self._baseline: dict[Labels, Decimal] = {}

    def delivered(self, told: Delivered) -> None:
        """Count a call that was answered. One thread calls this: the one that serves."""
        decision, variant = told.decision, told.served.id
        call = decision.call
        operation = self._recorder.name_of(variant, call.operation or "")
        who = call.tier, operation, variant
        outcome = "ok" if told.complete else "cut"
        _add(self._requests, (*who, outcome), 1)
        if call.tier == "batch" or (call.tier == "standard" and variant == decision.route.baseline.id):
            _add(self._upgraded, who, 1)
        if told.dollars is not None and told.baseline_dollars is not None:
            _add(self._dollars, who, told.dollars)
            _add(self._baseline, who, told.baseline_dollars)

    def refused(self, refusal: Refused) -> None:
        """Count a call that the gateway itself turned away."""
        _add(self._refused, (str(refusal.status), refusal.kind), 1)

    def collect(self) -> Iterable[Family]:
        """All metrics, for a scrape; in any thread."""
        yield counter(
            "evalgate_requests",
            "Calls that were answered; cut: a stream that broke, or a client that left",
            (*_CALL, "outcome"),
            dict(self._requests),
        )
        yield counter(
            "evalgate_upgraded",
            "Calls that a dearer tier served than was asked for, because nothing cheaper was eligible",
            _CALL,
            dict(self._upgraded),
        )
        yield counter(
            "evalgate_refused", "Calls that the gateway itself turned away", ("status", "kind"), dict(self._refused)
        )
        for name, text, amounts in (
            ("evalgate_cost_dollars", "USD for calls whose cost is known", self._dollars),
            ("evalgate_baseline_cost_dollars", "USD that the baseline would have cost for the same", self._baseline),
        ):
            yield counter(name, text, _CALL, {who: float(amount) for who, amount in dict(amounts).items()})
        yield from self._measured()
        yield from gauges(self._told_by_others())

    def _measured(self) -> Iterable[Family]:
        cells: dict[Labels, Cell] = {}
        for (variant, operation), cell in self._recorder.totals().items():
            cells[operation, variant, *self._describe(variant)] = cell
        yield counter(
            "evalgate_attempts",
            "Calls to upstreams, by how they ended",
            (*_WHO, "outcome"),
            {(*who, each): cell.count(each) for who, cell in cells.items() for each in OUTCOMES if cell.count(each)},
        )
        yield seconds(
            "gen_ai_client_operation_duration_seconds",
            "How long upstreams took for a whole answer; of calls that were ok",
            _WHO,
            cells,
            lambda cell: (cell.streamed, cell.whole),
        )
        yield seconds(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "How long upstreams took until the first content of a stream; of calls that were ok",
            _WHO,
            {who: cell for who, cell in cells.items() if cell.first},
            lambda cell: (cell.first,),
        )
        counted = {}
        for who, cell in cells.items():
            counted[*who, "input"] = cell.asked, cell.input_tokens
            counted[*who, "output"] = cell.said, cell.output_tokens
        counted = {who: found for who, found in counted.items() if found[0]}
        yield tokens(
            "gen_ai_client_token_usage",
            "Tokens of a call, where they were counted",
            (*_WHO, "gen_ai_token_type"),
            counted,
        )

    def _told_by_others(self) -> Iterable[Gauge]:
        for ask in self._others:
            try:
                yield from list(ask())
            except Exception:  # whatever it is, the other metrics are still to be seen
                log.exception("some metrics cannot be told")


def _add(counts: dict[Labels, Amount], key: Labels, amount: Amount) -> None:
    if key not in counts and len(counts) >= MOST_COUNTED:
        key = (OTHER,) * len(key)
    counts[key] = counts[key] + amount if key in counts else amount
