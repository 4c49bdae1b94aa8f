"""What every wire protocol offers, and the ways in which one attempt can fail.

A provider makes one attempt and says plainly what came of it. Whether to try again, when, and how often is decided in
one place, `evalgate.collect`.
"""

from __future__ import annotations

from typing import Protocol

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer, Question


class AttemptFailed(Exception):
    """One attempt brought no answer, and another one may.

    `retry_after` is in seconds when the provider named a time. `unreachable` says that no connection came about at all.
    """

    def __init__(self, reason: str, *, retry_after: float | None = None, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.unreachable = reason, retry_after, unreachable


class ProviderClient(Protocol):
    """One provider of the catalogue, ready to be asked."""

    async def ask(self, endpoint: Endpoint, question: Question) -> Answer:
        """Make one attempt.

        Returns the answer; a refusal by the provider (unknown parameter, content filter) is an answer too, with
        `error` set. Raises `AttemptFailed` when trying again may help, `ProviderError` when it cannot (a rejected key),
        `InputError` when the user's files are at fault (no such recording).
        """

    async def close(self) -> None:
        """Let go of connections."""
