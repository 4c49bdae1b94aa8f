"""One variant that is or was watched: its certification, its detectors, how it stands, what is ordered. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, cast

from evalgate.exchange import JsonValue
from evalgate.signal.keeping import Standing, StandingState
from evalgate.suite import Suite

if TYPE_CHECKING:
    from pydantic import TypeAdapter

DAY = 86_400.0
AFTER_RED, AFTER_OPEN = 7, 1  # days until a withdrawn variant is certified again; doubled with each try
LONGEST = 56  # days
COUNTED = 180.0  # days for which an alarm makes the next certification wait


def days_to_wait(alarms: int) -> int:
    """Days between the n-th alarm in half a year and the certification that follows it: 0, 7, 21, 49, 56.

    What comes and goes (replicas) would else be certified between two alarms, again and again.
    """
    return min(AFTER_RED * ((1 << min(alarms - 1, 10)) - 1), LONGEST)


@dataclass(frozen=True, slots=True)
class Order:
    """A certification that is ordered: `why`, and from when on. `tries` counts those before that led to no green.

    What is asked for it is asked anew where it was answered before `at`; so who is killed goes on with the same `at`.
    Times are in seconds since the epoch.
    """

    at: float
    due: float
    why: str
    tries: int = 0

    def again(self, now: float, *, red: bool) -> Order:
        """The next one after a certification that did not lead to green: later and later, for each is charged."""
        days = min((AFTER_RED if red else AFTER_OPEN) * 2**self.tries, LONGEST)
        return Order(now + days * DAY, now + days * DAY, self.why, self.tries + 1)


@dataclass(frozen=True, slots=True)
class Stream:
    """What watching knows of one variant, by the configuration that was certified.

    `certified` is the age of that certification (seconds since the epoch, of its oldest answer), `run` the check that
    made it. `state` since `since`, for `reason`. `evidence_at`: the oldest answer of the newest round that counted,
    whose number is `round`. `pending`: a certification that the signal does not tell of yet. `alarms`: when it was
    withdrawn, of late.
    """

    operation: str
    variant: str
    config: str
    certified: int
    run: str
    state: StandingState
    since: float
    reason: str = ""
    evidence_at: float = 0.0
    round: int = 0
    detectors: Mapping[str, object] = field(default_factory=dict)
    order: Order | None = None
    pending: bool = False
    alarms: tuple[float, ...] = ()

    def standing(self, suite: Suite) -> Standing:
        """As the signal needs it, with what the suite allows."""
        return Standing(
            operation=self.operation,
            variant=self.variant,
            config=self.config,
            certified=self.certified,
            state=self.state,
            since=self.since,
            reason=self.reason,
            evidence_at=self.evidence_at,
            valid_for=_seconds(suite.gate.valid_for),
            certify_every=_seconds(suite.gate.watch.certify_every),
        )

    def withdrawn(self, now: float, state: StandingState, reason: str) -> Stream:
        """After an alarm: with a certification ordered, at once after a first one and ever later after further ones."""
        alarms = (*(at for at in self.alarms if now - at < COUNTED * DAY), now)
        due = now + days_to_wait(len(alarms)) * DAY
        order = Order(due, due, reason)
        if state == "red":
            after_red = Order(now, now, reason).again(now, red=True)
            order = after_red if after_red.due >= due else replace(after_red, at=due, due=due)
        return replace(self, state=state, since=now, reason=reason, order=order, alarms=alarms)

    def ordered(self, now: float, why: str) -> Stream:
        """With a certification ordered, at once; one that is ordered already stays."""
        return self if self.order is not None else replace(self, order=Order(now, now, why))

    def to_json(self) -> dict[str, JsonValue]:
        """As the store keeps it."""
        return cast("dict[str, JsonValue]", asdict(self))

    @classmethod
    def from_json(cls, data: Mapping[str, JsonValue]) -> Stream:
        """Read what `to_json` wrote; raises `pydantic.ValidationError` for anything else."""
        return _reader().validate_python(dict(data))


@cache
def _reader() -> TypeAdapter[Stream]:
    from pydantic import TypeAdapter  # lazily: only reading back needs it, and made once, which takes a while

    return TypeAdapter(Stream)


def _seconds(duration: timedelta) -> float:
    return duration.total_seconds()
