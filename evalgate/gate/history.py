"""The memory of attempts: who was ever ruled on, how often it was tried, and what the next try may risk.

A verdict that is unwelcome invites another try: another seed, another margin, a new version of the suite, fresh
answers, or the same variants without those that were red. Each is a new test, and with an alpha of its own each, enough
of them turn anything green. So every certification is remembered, and two rules keep the promise:

- **Once more.** A variant that was tried before, without becoming green, is charged to an e-LOND budget
  (`stats.e_lond_level`): all its tries together risk a false green with probability alpha at most. What merely goes on
  (the same test on the same answers) is the same try, and a green that is renewed on fresh answers in time is charged
  what it was charged before: it has nothing to gain from it.
- **Among others.** The family is everybody who was ever ruled on for the operation, not today's list. Who comes later
  has a smaller weight (`stats.arrival_weight`), so that whoever was there first pays next to nothing for it.

A variant is its configuration, not its name or that of its provider (`Endpoint.kin`): a changed one is a newcomer, a
renamed one is not. A changed baseline begins anew. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from evalgate import stats
from evalgate.exchange import JsonValue
from evalgate.formats.canonical import digest
from evalgate.gate.board import Outcome


@dataclass(frozen=True, slots=True)
class Attempt:
    """One certification of one configuration, as it is remembered.

    `number` counts the tries that were charged, from 1. `arrival` is 0 for the first batch of variants of an operation
    and k for the k-th that came later. `level` is the alpha that was charged, `policy` the hash of what was tested,
    `deadline` the number of units that the stakes were set for. `asked` identifies the `cases` that were asked: none of
    a variant that was named and not judged. `e_value` is the evidence for green at the stop. `began` is when the oldest
    of the answers was given, `at` the time of the ruling, in seconds since the epoch. `failed` counts those of the
    cases in which a call failed, which may be asked again. `control_variate` identifies the scores of the baseline that
    were known beforehand (`KnownBaseline.digest`); empty: none were used.
    """

    config: str
    variant: str
    number: int
    arrival: int
    level: float
    policy: str
    deadline: int
    asked: str
    cases: int
    outcome: Outcome
    e_value: float
    began: float
    at: float
    run: str
    failed: int = 0
    control_variate: str = ""

    @property
    def key(self) -> str:
        """The same for the same try on the same evidence, however often it is looked at."""
        return digest([self.config, self.number, self.policy, self.began])

    def to_json(self) -> dict[str, JsonValue]:
        """As the store keeps it."""
        return dict(asdict(self))

    @classmethod
    def from_json(cls, data: Mapping[str, JsonValue]) -> Attempt:
        """Read what `to_json` wrote; raises `pydantic.ValidationError` for anything else."""
        from pydantic import TypeAdapter  # lazily: only reading back needs it

        return TypeAdapter(cls).validate_python(dict(data))


@dataclass(frozen=True, slots=True)
class Trial:
    """A certification that is under way, as far as it decides what is charged.

    `policy` and `deadline` as for `Attempt`; `asked(n)` identifies its first n cases, and `renewed(n, at)` counts those
    of them to which an answer, of the variant's or the baseline's, was given after `at`. `control_variate` is what
    there would be if it began now; None: nobody has looked yet, and what there was is taken to be there still.
    """

    policy: str
    deadline: int
    asked: Callable[[int], str]
    renewed: Callable[[int, float], int]
    control_variate: str | None = ""

    def goes_on_from(self, last: Attempt) -> bool:
        """Whether it is the same test on the same answers; only calls that failed then may have been made again.

        Of half the answers new ones would be a new draw too: eight such redraws made .30 false green of a 5 % test.
        What began with it is kept: a control variate that has come since is not used, and where one was used that is
        no more to be had, this is another test.
        """
        return (
            last.policy == self.policy
            and (self.control_variate is None or last.control_variate in ("", self.control_variate))
            and self.asked(last.cases) == last.asked
            and self.renewed(last.cases, last.at) <= last.failed
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """What a try is charged: see `Attempt`. A test that goes on keeps its `deadline` and its `control_variate`."""

    number: int
    arrival: int
    level: float
    deadline: int
    control_variate: str = ""


def weight_of(arrival: int) -> float:
    """The weight in its family: 1 for the first batch, less for whoever came later."""
    return stats.arrival_weight(arrival) if arrival else 1.0


class History:
    """The attempts of one operation against one baseline, the oldest first."""

    def __init__(self, attempts: Sequence[Attempt] = ()) -> None:
        self._by_config: dict[str, list[Attempt]] = {}
        for attempt in attempts:
            self._by_config.setdefault(attempt.config, []).append(attempt)

    def last(self, config: str) -> Attempt | None:
        """The newest attempt of a configuration."""
        return self._by_config.get(config, [None])[-1]

    def shows_more(self, attempt: Attempt) -> bool:
        """Whether the same try is remembered with more cases, of which `attempt` has seen the first without a proof.

        Else whoever looks again and stops early could have the other cases forgotten.
        """
        last = self.last(attempt.config)
        open_still = attempt.outcome == "inconclusive"
        return last is not None and last.key == attempt.key and last.cases > attempt.cases and open_still

    def newcomers(self, configs: Sequence[str]) -> list[str]:
        """Those of `configs` without any attempt, in an order that does not depend on how they do."""
        return sorted(config for config in configs if config not in self._by_config)

    def charge(self, config: str, trial: Trial, alpha: float, newcomers: Sequence[str]) -> Charge:
        """What the certification of `config` is charged; `newcomers` as above, of all that are judged together."""
        attempts, begun_now = self._by_config.get(config), (trial.deadline, trial.control_variate or "")
        if not attempts:
            arrival = self._arrivals + 1 + newcomers.index(config) if self._by_config else 0
            return Charge(1, arrival, stats.e_lond_level([], alpha), *begun_now)
        last = attempts[-1]
        before = min(last.level, stats.e_lond_level([], alpha))  # the suite may allow less than it did
        if not last.cases:  # it was named then, and is asked now
            return Charge(last.number, last.arrival, before, *begun_now)
        if trial.goes_on_from(last):
            return Charge(last.number, last.arrival, last.level, last.deadline, last.control_variate)
        if last.outcome == "green":  # it is renewed
            return Charge(last.number, last.arrival, before, *begun_now)
        by_number = {attempt.number: attempt.outcome == "green" for attempt in attempts}
        decisions = [by_number[number] for number in sorted(by_number)]
        return Charge(last.number + 1, last.arrival, min(stats.e_lond_level(decisions, alpha), alpha), *begun_now)

    def absent(self, present: Collection[str], alpha: float, policy: str) -> list[tuple[float, float]]:
        """Weight and scaled e-value of everybody who was ever ruled on and is not among those `present`.

        What was shown in another test than `policy` says nothing here: a wider margin is soon proven, and the others
        would have nobody left to share alpha with.
        """
        return [
            (weight_of(last.arrival), last.e_value * last.level / alpha if last.policy == policy else 1.0)
            for config, (*_, last) in self._by_config.items()
            if config not in present
        ]

    def reserve(self, newcomers: int) -> tuple[float, float]:
        """Weight and e-value of whoever may still come, after `newcomers` who are judged now for the first time."""
        arrivals = self._arrivals + newcomers if self._by_config else 0
        return stats.reserve_left(arrivals), 1.0

    @property
    def size(self) -> int:
        """How many configurations were ever ruled on."""
        return len(self._by_config)

    @property
    def _arrivals(self) -> int:
        return max((attempt.arrival for each in self._by_config.values() for attempt in each), default=0)
