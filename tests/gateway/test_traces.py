"""Traces as a collector gets them, and collectors that are none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from evalgate.errors import InputError
from evalgate.gateway.caller import Caller
from evalgate.gateway.delivered import Delivered
from evalgate.gateway.traces import Traces, traces
from tests.gateway.test_metrics import AT, delivered  # noqa: F401  # a fixture

Attributes = dict[str, str | int | float | bool]


class Collector(ThreadingHTTPServer):
    """Takes what it is sent, or (`hangs`) takes the connection and says nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[ExportTraceServiceRequest] = []
        self.headers: list[str] = []
        self.hangs, self.end = False, threading.Event()

    @property
    def spans(self) -> list[Span]:
        return [
            span for each in self.received for one in each.resource_spans for s in one.scope_spans for span in s.spans
        ]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.hangs:
            self.server.end.wait(30)
            return
        self.server.headers.append(self.headers.get("x-tenant", ""))
        self.server.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.end.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def told(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Traces:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=acme")
    made = traces()
    assert made is not None
    return made


def attributes(span: Span) -> Attributes:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


def test_a_call_is_a_span_in_the_words_of_the_conventions(
    told: Traces,
    collector: Collector,
    delivered: Delivered,  # noqa: F811
) -> None:
    told.delivered(replace(delivered, caller=Caller("ci"), body=b'{"messages": "SECRET"}', answer=b"SECRET"))
    told.close()
    (span,) = collector.spans
    assert (span.name, span.kind) == ("chat model", Span.SPAN_KIND_CLIENT)
    assert (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6 == pytest.approx(500.0)
    assert span.end_time_unix_nano / 1e9 == pytest.approx(AT)
    found = attributes(span)
    expected: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "acme",
        "gen_ai.request.model": "model",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 64,
        "evalgate.operation": "sort",
        "evalgate.tier": "standard",
        "evalgate.variant": "cheap",
        "evalgate.baseline": "full",
        "evalgate.cost_usd": 0.25,
        "evalgate.caller": "ci",
    }
    assert {name: found.get(name) for name in expected} == expected
    assert b"SECRET" not in collector.received[0].SerializeToString()
    assert collector.headers == ["acme"]


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/chat/completions", "chat"),
        ("/v1/messages", "chat"),
        ("/v1/completions", "text_completion"),
        ("/v1/embeddings", "embeddings"),
    ],
)
def test_the_path_says_what_was_done(
    told: Traces,
    collector: Collector,
    delivered: Delivered,  # noqa: F811
    path: str,
    operation: str,
) -> None:
    told.delivered(replace(delivered, path=path))
    told.close()
    assert attributes(collector.spans[0])["gen_ai.operation.name"] == operation


def test_a_call_that_was_cut_is_an_error(told: Traces, collector: Collector, delivered: Delivered) -> None:  # noqa: F811
    told.delivered(replace(delivered, complete=False, input_tokens=None, output_tokens=None, dollars=None))
    told.close()
    (span,) = collector.spans
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "cut"
    assert "gen_ai.usage.input_tokens" not in attributes(span)


def test_a_collector_that_hangs_costs_spans_and_nobody_waits(
    told: Traces,
    collector: Collector,
    delivered: Delivered,  # noqa: F811
) -> None:
    collector.hangs = True
    for _ in range(3000):
        told.delivered(delivered)
    told.close(patience=0.1)
    assert not collector.received


def test_there_are_none_unless_somebody_asks(tmp_path: Path) -> None:
    assert traces({}) is None
    assert traces({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}) is None
    assert traces({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "True"}) is None


def test_a_protocol_that_is_not_spoken_is_told_at_once() -> None:
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(InputError, match="OTEL_EXPORTER_OTLP_PROTOCOL: traces are sent as http/protobuf alone"):
        traces(asked)
