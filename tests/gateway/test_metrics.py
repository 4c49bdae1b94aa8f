"""/metrics as Prometheus reads it, over a real connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from evalgate.gateway.caller import Caller
from evalgate.gateway.delivered import Delivered
from evalgate.gateway.metrics import Gauge, Metrics
from evalgate.gateway.metrics.families import MOST_SERIES
from evalgate.gateway.metrics.serving import served
from evalgate.gateway.refusal import Refused
from evalgate.router import Tier, select
from evalgate.telemetry import Attempt, Recorder
from tests.router.test_select import NOW, catalog, signal

AT = NOW.timestamp()
OK = Attempt("cheap", "sort", "ok", AT, 500.0, first_ms=100.0, input_tokens=5, output_tokens=64)
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(clock=lambda: AT)


@pytest.fixture
def metrics(recorder: Recorder) -> Metrics:
    return Metrics(recorder, describe=lambda variant: ("acme", "model"))


@pytest.fixture
def delivered(tmp_path: Path) -> Delivered:
    decision = select("sort", signal(catalog(tmp_path)), catalog(tmp_path), now=NOW + timedelta(hours=1))
    assert decision.chosen is not None
    return Delivered(
        caller=Caller(),
        decision=decision,
        served=decision.chosen,
        path="/v1/chat/completions",
        body=b"{}",
        answer=None,
        stream=False,
        complete=True,
        input_tokens=5,
        output_tokens=64,
        dollars=Decimal("0.25"),
        baseline_dollars=Decimal("1.00"),
        duration_ms=500.0,
        at=AT,
    )


def scraped(metrics: Metrics) -> Samples:
    with served(metrics, "127.0.0.1", 0) as port:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum over what is not named."""
    return sum(each for (known, told), each in samples.items() if known == name and set(labels.items()) <= told)


def test_calls_are_counted_by_tier_operation_variant_and_outcome(metrics: Metrics, delivered: Delivered) -> None:
    for complete in (True, True, False):
        metrics.delivered(replace(delivered, complete=complete))
    samples = scraped(metrics)
    who = {"tier": "standard", "operation": "sort", "variant": "cheap"}
    assert value(samples, "evalgate_requests_total", **who, outcome="ok") == 2
    assert value(samples, "evalgate_requests_total", **who, outcome="cut") == 1
    assert value(samples, "evalgate_cost_dollars_total", **who) == 0.75
    assert value(samples, "evalgate_baseline_cost_dollars_total", **who) == 3
    assert value(samples, "evalgate_upgraded_total") == 0


@pytest.mark.parametrize(("tier", "upgraded"), [("standard", 1), ("realtime", 0)])
def test_a_standard_call_that_the_baseline_served_was_upgraded(
    metrics: Metrics, delivered: Delivered, tier: Tier, upgraded: int
) -> None:
    decision = replace(delivered.decision, call=replace(delivered.decision.call, tier=tier))
    metrics.delivered(replace(delivered, decision=decision, served=decision.route.baseline))
    assert value(scraped(metrics), "evalgate_upgraded_total", operation="sort", variant="full") == upgraded


def test_what_the_gateway_turned_away_is_counted(metrics: Metrics) -> None:
    metrics.refused(Refused(429, "rate_limit_error", "too fast"))
    assert value(scraped(metrics), "evalgate_refused_total", status="429", kind="rate_limit_error") == 1


def test_attempts_are_told_in_the_words_of_opentelemetry(metrics: Metrics, recorder: Recorder) -> None:
    for attempt in (OK, OK, replace(OK, duration_ms=3000.0, first_ms=None), replace(OK, outcome="failed")):
        recorder.record(attempt)
    samples = scraped(metrics)
    who = {"operation": "sort", "variant": "cheap", "gen_ai_provider_name": "acme", "gen_ai_request_model": "model"}
    duration, first = "gen_ai_client_operation_duration_seconds", "gen_ai_client_operation_time_to_first_chunk_seconds"
    assert value(samples, "evalgate_attempts_total", **who, outcome="failed") == 1
    assert [value(samples, f"{duration}_bucket", **who, le=le) for le in ("0.32", "0.64", "5.12")] == [0, 2, 3]
    assert value(samples, f"{duration}_sum", **who) == pytest.approx(4.0, rel=0.02)
    assert (value(samples, f"{duration}_count"), value(samples, f"{first}_count")) == (3, 2)
    usage = "gen_ai_client_token_usage"
    buckets = [value(samples, f"{usage}_bucket", gen_ai_token_type="output", le=le) for le in ("16.0", "64.0")]
    assert buckets == [0, 4]
    assert value(samples, f"{usage}_sum", gen_ai_token_type="input") == 20


def test_what_others_tell_is_told_and_who_fails_takes_nothing_else_along(recorder: Recorder) -> None:
    def broken() -> list[Gauge]:
        raise RuntimeError("no")

    breaker = Gauge("evalgate_breaker_state", "0 closed, 1 open", 1, {"variant": "cheap", "operation": "sort"})
    seq = Gauge("evalgate_signal_seq", "Of the signal that is followed", 42)
    samples = scraped(Metrics(recorder, [broken, lambda: [breaker, seq, replace(seq, value=43)]]))
    assert value(samples, "evalgate_breaker_state", variant="cheap", operation="sort") == 1
    assert value(samples, "evalgate_signal_seq") == 43


@pytest.mark.parametrize("operation", ['x"} 1\nevil_total 9', "back\\slash", "a\0b", "\u202e", "x" * 5000])
def test_hostile_operations_make_no_series_of_their_own(
    metrics: Metrics, recorder: Recorder, delivered: Delivered, operation: str
) -> None:
    recorder.know(["sort"])
    recorder.record(replace(OK, operation=operation))
    decision = replace(delivered.decision, call=replace(delivered.decision.call, operation=operation))
    metrics.delivered(replace(delivered, decision=decision))
    samples = scraped(metrics)
    operations = {label for _, labels in samples for name, label in labels if name == "operation"}
    assert operations == {"other"}
    assert "evil_total" not in {name for name, _ in samples}


def test_series_have_an_end_and_what_is_beyond_it_is_still_counted(metrics: Metrics, recorder: Recorder) -> None:
    for number in range(700):
        recorder.record(replace(OK, operation=f"operation {number}"))
    samples = scraped(metrics)
    duration = "gen_ai_client_operation_duration_seconds"
    for family in (duration, "gen_ai_client_token_usage"):
        assert 9_000 < sum(name.startswith(family) for name, _ in samples) <= MOST_SERIES
    assert value(samples, f"{duration}_count") == 700
    assert value(samples, f"{duration}_count", operation="overflow") > 100


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_a_second_process_takes_the_next_port(metrics: Metrics, taken: int) -> None:
    with served(metrics, "127.0.0.1", taken) as port:
        assert taken < port < taken + 256
        assert httpx.get(f"http://127.0.0.1:{port}/metrics").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")
