"""What a line is, once its job, the signal and the catalogue are known."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from evalgate.exchange import JsonValue
from evalgate.gateway.batches.input import Terms
from evalgate.gateway.batches.upstream import Outgoing
from evalgate.router import Decision
from evalgate.store.jobs import Job
from evalgate.store.queue import Line

FIXED_OPERATION, FIXED_TIER = 1, 2  # bits of `Job.fixed`


@dataclass(frozen=True, slots=True)
class Asking:
    """A line, and who is asked how. `operation`: None where no suite judges it."""

    line: Line
    decision: Decision
    out: Outgoing
    body: bytes  # of what goes out, as JSON

    @property
    def operation(self) -> str | None:
        """The operation by which the choice was made."""
        return self.decision.route.operation


def body_of(line: Line) -> dict[str, JsonValue]:
    """The request, as the client wrote it."""
    body: dict[str, JsonValue] = orjson.loads(line.body)
    return body


def terms_of(job: Job) -> Terms:
    """What a job says of all its lines."""
    return Terms(
        job.endpoint,
        job.operation,
        fixed=bool(job.fixed & FIXED_OPERATION),
        tier="realtime" if job.tier == "realtime" else "batch",
        tier_fixed=bool(job.fixed & FIXED_TIER),
    )


def path_of(job: Job) -> str:
    """The path that its requests have below an upstream's base_url."""
    return job.endpoint.removeprefix("/v1")
