"""One attempt at one upstream, as telemetry counts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "failed", "throttled", "callers_fault", "left"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that went out to `variant`, however it ended.

    `outcome`: ok; failed: the provider's error, timeout or broken stream; throttled: 429; callers_fault: a 4xx that the
    request deserved, a content filter's too; left: the client went away. `operation` is empty where the call was not
    tagged. `at`: when it ended, in seconds since 1970. `first_ms`: to the first chunk that carried content, None where
    nothing was streamed. Tokens are None where nobody counted.
    """

    variant: str
    operation: str
    outcome: Outcome
    at: float
    duration_ms: float
    first_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
