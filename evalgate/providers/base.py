"""What every wire protocol offers, and the ways in which one attempt can fail.

A provider makes one attempt and says plainly what came of it. Whether to try again, when, and how often is decided in
one place, `evalgate.collect`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer, Question


class AttemptFailed(Exception):
    """One attempt brought no answer, and another one may.

    `retry_after` is in seconds when the provider named a time. `unreachable` says that no connection came about at all,
    `throttled` that the provider asked for fewer calls (429, 503, 529). `arrived` is None when nobody charges for it;
    else the attempt is probably paid (a response of status 200 that cannot be used, or none within the time limit), and
    these are the bytes of an answer that came.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: float | None = None,
        unreachable: bool = False,
        throttled: bool = False,
        arrived: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.unreachable, self.throttled = reason, retry_after, unreachable, throttled
        self.arrived = arrived


@dataclass(frozen=True, slots=True)
class Quota:
    """What rate-limit headers promise: `left` more (requests or tokens) within the next `reset` seconds."""

    left: float
    reset: float


@dataclass(frozen=True, slots=True)
class Allowance:
    """The quotas that came with one response; None where the provider says nothing."""

    requests: Quota | None = None
    tokens: Quota | None = None


class ProviderClient(Protocol):
    """One provider of the catalogue, ready to be asked."""

    @property
    def allowance(self) -> Allowance | None:
        """What the headers of the latest response said; None when they have said nothing yet."""

    async def ask(self, endpoint: Endpoint, question: Question) -> Answer:
        """Make one attempt.

        Returns the answer; a refusal by the provider (unknown parameter, content filter) is an answer too, with
        `error` set. Raises `AttemptFailed` when trying again may help, `ProviderError` when it cannot (a rejected key),
        `InputError` when the user's files are at fault (no such recording).
        """

    def hurry(self, seconds: float | None) -> None:
        """Let nobody wait for a connection any longer: it fails at once.

        Calls of which nothing has been heard by then end after so many seconds; none does when that is None.
        """

    async def close(self) -> None:
        """Let go of connections."""
