"""A call that was answered, as those are told who look on: books, shadow traffic, captures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from evalgate.gateway.caller import Caller
from evalgate.router import Decision, Option


@dataclass(frozen=True, slots=True)
class Delivered:
    """`body` is the request as the client sent it, `answer` the whole response as the client got it (a stream's events
    one after the other), None where nobody asked for it to be kept. `served`: who answered. Costs in USD; None where
    nobody knows. `complete` False: the stream broke, or the client left.
    """

    caller: Caller
    decision: Decision
    served: Option
    path: str
    body: bytes
    answer: bytes | None
    stream: bool
    complete: bool
    input_tokens: int | None
    output_tokens: int | None
    dollars: Decimal | None
    baseline_dollars: Decimal | None
    duration_ms: float
    at: float


Onlooker = Callable[[Delivered], None]
"""Is told after the response has gone out, and must return at once: what it wants to do later is its own task."""


@runtime_checkable
class Reader(Protocol):
    """An onlooker who reads some answers too: those are held until the end."""

    def wants_answer(self, caller: Caller) -> bool:
        """Whether it reads the answers to this caller."""

    def __call__(self, delivered: Delivered) -> None:
        """As `Onlooker`."""
