"""OpenTelemetry traces as an option: one span for each call, in the words of the GenAI conventions.

Off unless the environment names a collector, as every OpenTelemetry SDK has it (`OTEL_EXPORTER_OTLP_ENDPOINT`, with
`…_HEADERS`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`, …). A span is made after the response has gone out, and sent by
a thread of the SDK: a collector that is slow or away costs spans, never an answer. Neither prompts nor answers nor keys
are in it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from evalgate.errors import InputError
from evalgate.gateway.delivered import Delivered

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN = "http/protobuf"
_OPERATIONS = {"embeddings": "embeddings", "completions": "text_completion"}  # by the end of the path


class Traces:
    """`delivered` is an onlooker. To be made in the process that serves, after it was forked."""

    def __init__(self, provider: TracerProvider, exporter: SpanExporter) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode

        self._provider, self._exporter = provider, exporter
        self._tracer = provider.get_tracer("evalgate.gateway")
        self._kind, self._failed = SpanKind.CLIENT, Status(StatusCode.ERROR)

    def delivered(self, told: Delivered) -> None:
        """Make a span of a call; some tens of microseconds."""
        end = int(told.at * 1e9)
        attributes = _attributes(told)
        name = f"{attributes['gen_ai.operation.name']} {attributes['gen_ai.request.model']}"
        start = end - int(told.duration_ms * 1e6)
        span = self._tracer.start_span(name, kind=self._kind, attributes=attributes, start_time=start)
        if not told.complete:
            span.set_attribute("error.type", "cut")  # the stream broke, or the client left
            span.set_status(self._failed)
        span.end(end)

    def close(self, patience: float = 3.0) -> None:
        """Send what is not sent yet; what the collector does not take in `patience` seconds is lost."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(patience)
        if closing.is_alive():
            self._exporter.shutdown()  # or it would try again for half a minute


def traces(environment: Mapping[str, str] = os.environ) -> Traces | None:
    """What the environment asks for; None: no traces.

    Raises `InputError` where it asks for what cannot be had.
    """
    endpoint = next((name for name in _ENDPOINTS if environment.get(name, "").strip()), None)
    if endpoint is None or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    protocol = next((name for name in _PROTOCOLS if environment.get(name, "").strip()), None)
    if protocol is not None and environment[protocol].strip() != _SPOKEN:
        raise InputError(f"{protocol}: traces are sent as {_SPOKEN} alone, got {environment[protocol][:40]!r}")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        advice = "pip install 'evalgate-harness[otel]', or unset it"
        raise InputError(f"{endpoint} asks for traces, which need OpenTelemetry's SDK: {advice}") from None
    name = environment.get("OTEL_SERVICE_NAME", "").strip() or "evalgate"
    # at exit the SDK would wait half a minute for a collector that is away; `close` does not
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Traces(provider, exporter)


def _attributes(told: Delivered) -> dict[str, str | bool | int | float]:
    """What is known; the conventions' names first, then our own."""
    decision, endpoint = told.decision, told.served.endpoint
    call, variant = decision.call, endpoint.variant
    known: dict[str, str | bool | int | float | None] = {
        "gen_ai.operation.name": _OPERATIONS.get(_last(told.path), "chat"),
        "gen_ai.provider.name": variant.provider,
        "gen_ai.request.model": decision.route.model,
        "gen_ai.response.model": endpoint.served_as,
        "gen_ai.request.stream": told.stream,
        "gen_ai.usage.input_tokens": told.input_tokens,
        "gen_ai.usage.output_tokens": told.output_tokens,
        "evalgate.operation": call.operation,
        "evalgate.tier": call.tier,
        "evalgate.variant": told.served.id,
        "evalgate.baseline": decision.route.baseline.id,
        "evalgate.signal.seq": decision.seq,
        "evalgate.cost_usd": None if told.dollars is None else float(told.dollars),
        "evalgate.baseline_cost_usd": None if told.baseline_dollars is None else float(told.baseline_dollars),
        "evalgate.caller": told.caller.id or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _last(path: str) -> str:
    """`completions` of `/v1/completions`; `chat` of `/v1/chat/completions`, and of `/v1/messages`."""
    return "chat" if path.endswith(("/chat/completions", "/messages")) else path.rpartition("/")[2]
