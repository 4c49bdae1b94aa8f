"""Who calls, and what that key may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from evalgate.router import Tier

Capture = Literal["off", "on"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever holds a virtual key; `id` is that key's name in books and logs, and empty where no key is asked for.

    `operation` and `tier`, where set, are those of every call of this key, whatever the call says. `capture`: whether
    its calls may be kept as cases, which is off unless somebody consented.
    """

    id: str = ""
    operation: str | None = None
    tier: Tier | None = None
    capture: Capture = "off"


ANYBODY = Caller()


class Doorkeeper(Protocol):
    """Lets callers in, and keeps their books. Both methods are on the hot path: no I/O, nothing that waits."""

    def admit(self, headers: Mapping[str, str]) -> Caller:
        """Who calls, by `authorization: Bearer …` or `x-api-key`; `headers` by names in lower case.

        Raises `Refused` (401, 403, 429) for no or a revoked key, and where a limit of rate or spending is reached.
        """

    def book(self, caller: Caller, dollars: Decimal, tokens: int) -> None:
        """Note what a call used, also one that broke or that its client left."""


class OpenDoor:
    """Lets everybody in: no keys were made, or the operator asked for it."""

    def admit(self, headers: Mapping[str, str]) -> Caller:
        """Anybody."""
        del headers
        return ANYBODY

    def book(self, caller: Caller, dollars: Decimal, tokens: int) -> None:
        """There are no books."""
