"""What `gateway.yaml` may say; everything has a default, so that `evalgate serve` runs without a file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evalgate.catalog.models import Variable
from evalgate.formats.documents import Strict

MIB = 1024 * 1024


class SignalSettings(Strict):
    """Where the signal is read, and who is believed."""

    source: str = Field(default="signal.json", description="a file, http(s)://, postgresql:// or s3:// URL")
    trust: list[str] = Field(default=[], description="public keys: files, or folders of *.pub")
    unsigned: bool = Field(default=False, description="believe a document that nobody signed")
    stream: str | None = Field(default=None, description="the only stream that is believed; default: the first one's")
    token_env: Variable | None = Field(default=None, description="holds the bearer token of an http source")
    cache: str | None = Field(default=".evalgate/signal-cache", description="what must outlive a restart")


class ShadowSettings(Strict):
    """Standard traffic that is sent again to variants which are not eligible, to learn how they do."""

    share: Annotated[float, Field(ge=0, le=1)] = Field(default=0.0, description="of standard calls")
    budget: Annotated[float, Field(ge=0)] = Field(default=0.0, description="USD a day, over all processes")


class CaptureSettings(Strict):
    """Calls that are kept as cases-to-be, of keys whose owner consented."""

    redact: str | None = Field(default=None, description="`module:function`, text in, text out; called before storing")
    keep_days: Annotated[int, Field(ge=1, le=3650)] = Field(default=30, description="then they are thrown away")


class QueueSettings(Strict):
    """Batch work that no provider's batch API takes: done with spare capacity."""

    concurrency: Annotated[int, Field(ge=1, le=4096)] = Field(default=8, description="calls at a time, per process")
    busy_above: Annotated[int, Field(ge=0)] = Field(
        default=16, description="live calls under way in a process, above which its queue waits"
    )
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=30.0, description="between two looks at a provider's batch"
    )
    keep_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=30, description="of files, and of batches once they are over"
    )


class GatewaySettings(Strict):
    """`gateway.yaml`."""

    version: Literal[1] = Field(default=1, description="of this format")
    catalog: str = Field(default="catalog.yaml", description="who can be asked; read again when it changes")
    signal: SignalSettings = Field(
        default=SignalSettings(), description="where the signal is read", json_schema_extra={"default": {}}
    )
    store: str | None = Field(default=".evalgate/evalgate.db", description="null: keep nothing, share nothing")
    host: str = Field(default="127.0.0.1", description="the address it listens at")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(default=8380, description="and the port; 0: any that is free")
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        default=9464, description="of /metrics, on a port of its own; further processes take the next ones"
    )
    workers: Annotated[int, Field(ge=1, le=256)] = Field(default=1, description="processes that share the port")
    keys: Literal["required", "off"] = Field(default="off", description="whether callers need a virtual key")
    max_body: Annotated[int, Field(ge=1024)] = Field(default=32 * MIB, description="bytes of a request")
    strategy: Literal["cheapest", "weighted"] = Field(
        default="cheapest", description="the cheapest eligible variant, or a share for each by its cost"
    )
    explore: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.02, description="weighted: the least share of each eligible variant, so that it stays known"
    )
    p95_target_ms: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="a variant above this is left out, until it is below 0.8 of it"
    )
    first_token_timeout: Annotated[float, Field(gt=0, le=3600)] = Field(
        default=10.0, description="seconds an attempt has until its first content; the last one is not limited by it"
    )
    attempts: Annotated[int, Field(ge=1, le=10)] = Field(default=3, description="upstream calls for one call, at most")
    retry_wait: Annotated[float, Field(ge=0, le=60)] = Field(
        default=2.0,
        description="seconds: a retry-after of at most this is waited for at the same variant; after a longer one the "
        "next variant is asked at once",
    )
    drain_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=30.0, description="for calls that are under way when it is told to end"
    )
    shadow: ShadowSettings = Field(
        default=ShadowSettings(), description="calls sent again to who is not used", json_schema_extra={"default": {}}
    )
    capture: CaptureSettings = Field(
        default=CaptureSettings(), description="calls that are kept", json_schema_extra={"default": {}}
    )
    queue: QueueSettings = Field(
        default=QueueSettings(), description="work that may wait", json_schema_extra={"default": {}}
    )
