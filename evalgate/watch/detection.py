"""The detectors of one variant, and what they make of a round: nothing, a suspension, or a proof of loss. Pure.

Each deciding metric has a detector of its own (`stats.StayedGreen`), which alone can prove a loss; what else an answer
shows (flips, length, refusals, truncation, prompt tokens) goes to tests of movement (`stats.Movement`), which suspend.
All of them share one run length: together they give a false alarm once in so many rounds at most. Names are told
exactly and have no noise: another model that serves is a change at once, as is another fingerprint where there was one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from evalgate import stats
from evalgate.formats.canonical import digest
from evalgate.gate import Policy
from evalgate.gate.transcript import FloatArray
from evalgate.plan.watching import MOVED, MOVEMENTS, REQUIRED, detectors_of, run_lengths
from evalgate.suite import Suite
from evalgate.suite.models import Detector
from evalgate.watch.alarm import Alarm, State, times
from evalgate.watch.earlier import Earlier, Expected
from evalgate.watch.first_tokens import DETECTOR as FIRST_TOKENS
from evalgate.watch.first_tokens import Heard
from evalgate.watch.look import Look, Scale


@dataclass(frozen=True, slots=True)
class Reference:
    """What the certification rests on, unit by unit, scaled; and the names that served it."""

    differences: Mapping[str, FloatArray]
    shortfalls: Mapping[str, FloatArray]
    known_as: frozenset[str]
    fingerprints: frozenset[str]


@dataclass(frozen=True, slots=True)
class Detection:
    """The rules for the variants of one operation; `lengths` as `plan.watching.run_lengths` shares them.

    `sizes`: how many cases each unit of the suite has, in the order asked.
    """

    policy: Policy
    scale: Scale
    detectors: Sequence[Detector]
    lengths: Mapping[str, float]
    sizes: Sequence[int] = ()

    @classmethod
    def of(cls, suite: Suite, policy: Policy) -> Detection:
        """The rules that a suite states."""
        rules = suite.gate.watch
        scale, lengths = Scale.of(policy, suite.units), run_lengths(policy, rules)
        return cls(policy, scale, detectors_of(rules), lengths, suite.units)

    @property
    def digest(self) -> str:
        """Changes with all that the detectors' state depends on."""
        return digest([_SHAPE, self.policy.digest(), list(self.detectors), dict(self.lengths)])

    def begin(self, reference: Reference | None) -> State:
        """The state on the day of the certification; without its answers the margin itself is the level watched."""
        scores: State = {}
        for name, rules in self._scores.items():
            values = None
            if reference is not None:
                values = {**reference.differences, **reference.shortfalls}[_metric(name)]
            begun = rules.begin(values) if values is not None and values.size else rules.begin(level=-rules.margin)
            scores[name] = begun.as_json()
            scores[f"{name} {_ANSWERED}"] = begun.as_json()
        moved = {name: rules.begin({}).as_json() for name, rules in self._movements.items()}
        names = reference or Reference({}, {}, frozenset(), frozenset())
        known = {**names.differences, **names.shortfalls}
        return {
            "rules": self.digest,
            "scores": scores,
            "moved": moved,
            "earlier": Earlier.begin(self._names, known, self.sizes).as_json(),
            FIRST_TOKENS: {},
            "known_as": sorted(names.known_as),
            "fingerprints": sorted(names.fingerprints),
        }

    def after(self, state: State, look: Look, heard: Heard | None = None) -> tuple[State, list[Alarm]]:
        """The state after one more round, and what was found: the gravest first. `heard`: of first tokens."""
        alarms: list[Alarm] = []
        scores, moved = dict(_of(state, "scores")), dict(_of(state, "moved"))
        earlier, now = Earlier.from_json(state["earlier"]), {**look.differences, **look.shortfalls}
        for name, rules in self._scores.items():
            values = now[_metric(name)]
            expected = earlier.expected(_metric(name), look, len(self.sizes))
            alarms += self._look_at_scores(name, rules, scores, values, look, expected)
        labels = {**look.labels, "flips": earlier.flips(list(look.differences), look)}
        for detector, movement in self._movements.items():
            before = stats.MovementState.from_json(moved[detector])
            after = movement.after(before, labels.get(detector, ()))
            moved[detector] = after.as_json()
            if movement.moved(after):
                needed = movement.run_length
                reason = f"{_WORDS[detector]} not as before ({times(after.peak, needed)})"
                alarms.append(Alarm("suspended", detector, reason, after.peak, needed))
        named, changes = self._look_at_names(state, look)
        following: State = {**state, **named, "scores": scores, "moved": moved}
        following["earlier"] = earlier.after(now, look).as_json()
        if heard is not None:
            following[FIRST_TOKENS] = heard.state
            alarms += [heard.alarm] if heard.alarm is not None else []
        return following, sorted([*alarms, *changes], key=lambda alarm: alarm.state != "red")

    def evidence(self, state: Mapping[str, object]) -> float:
        """How near the nearest alarm is: evidence over what is needed; 1 and more is an alarm."""
        scores, moved = _of(state, "scores"), _of(state, "moved")
        shares = [0.0]
        for name, rules in self._scores.items():
            shares.append(stats.GreenState.from_json(scores[name]).evidence / rules.run_length)
        for detector, movement in self._movements.items():
            shares.append(stats.MovementState.from_json(moved[detector]).evidence / movement.run_length)
        if (rules_of_tokens := self.first_tokens) is not None and "movement" in (heard := _of(state, FIRST_TOKENS)):
            before = stats.MovementState.from_json(heard["movement"])
            shares.append(before.evidence / rules_of_tokens.run_length)
        return max(shares)

    @property
    def first_tokens(self) -> stats.Movement | None:
        """The rules of the first tokens; None where they are not looked at."""
        if FIRST_TOKENS not in self.detectors:
            return None
        return stats.Movement(self.lengths[f"{MOVED}{FIRST_TOKENS}"], seed=self.policy.seed % 2**32, method="day")

    def _look_at_scores(
        self,
        name: str,
        rules: stats.StayedGreen,
        scores: State,
        values: FloatArray,
        look: Look,
        expected: Expected,
    ) -> list[Alarm]:
        kept, verdicts = f"{name} {_ANSWERED}", []
        for key, units in ((name, slice(None)), (kept, look.answered)):
            before = stats.GreenState.from_json(scores[key])
            after = rules.after(
                before,
                values[units],
                weights=look.weights[units],
                largest_weight=look.heaviest,
                control=expected.control[units],
                largest_control=expected.largest,
                largest_reach=expected.reach,
            )
            scores[key] = after.as_json()
            verdicts.append(rules.verdict(after))
        metric, after = _metric(name), stats.GreenState.from_json(scores[name])
        answered = values[look.answered]
        if name.startswith(REQUIRED) and self.policy.min_score[metric] >= 1 and answered.size and answered.min() < 0:
            return [Alarm("red", name, f"{metric}: a failure, where none is allowed")]
        if verdicts == ["red", "red"]:
            needed = 1 / rules.beta
            limit = f"by more than {self.policy.margin:g}" if not name.startswith(REQUIRED) else "than is required"
            reason = f"{metric} proven worse, {limit}, by watching (e-value {after.loss_peak:.3g}, {needed:.3g} needed)"
            return [Alarm("red", name, reason, after.loss_peak, needed)]
        if "unknown" in verdicts or "red" in verdicts:
            reason = f"{metric} below its certified level ({times(after.peak, rules.run_length)})"
            return [Alarm("suspended", name, reason, after.peak, rules.run_length)]
        return []

    def _look_at_names(self, state: State, look: Look) -> tuple[State, list[Alarm]]:
        named: State = {}
        alarms: list[Alarm] = []
        for detector, key, now in (
            ("served_model", "known_as", look.known_as),
            ("fingerprint", "fingerprints", look.fingerprints),
        ):
            known = frozenset(cast("list[str]", state.get(key, [])))
            new = sorted(now - known)
            named[key] = sorted(known | now)
            if not new or not known or detector not in self.detectors:
                continue  # who was never named has no other name
            if detector == "fingerprint" and len(known) > 1:
                continue  # a mix of servers is unstable, and one more says nothing
            was = ", ".join(repr(name[:80]) for name in sorted(known))
            alarms.append(Alarm("suspended", detector, f"{_WORDS[detector]} {new[0][:80]!r} now, and was {was}"))
        return named, alarms

    @property
    def _scores(self) -> dict[str, stats.StayedGreen]:
        policy, rules = self.policy, {}
        for name, length in self.lengths.items():
            if name.startswith(MOVED):
                continue
            margin = policy.margin
            if name.startswith(REQUIRED):
                margin = max(1 - policy.min_score[_metric(name)], 1e-5)
            rules[name] = stats.StayedGreen(length, self.scale.of_mean(margin), policy.beta / policy.proofs)
        return rules

    @property
    def _names(self) -> list[str]:
        return [*self.policy.metrics, *self.policy.min_score]

    @property
    def _movements(self) -> dict[str, stats.Movement]:
        lengths = self.lengths
        return {
            name: stats.Movement(lengths[f"{MOVED}{name}"], seed=self.policy.seed % 2**32)
            for name in MOVEMENTS
            if name in self.detectors
        }


_SHAPE = 2  # of the state: another one begins anew
_ANSWERED = "(answered)"
_WORDS = {
    "flips": "how often it differs from the baseline is",
    "other_metrics": "metrics that do not decide are",
    "length": "the length of its answers is",
    "refusal": "refusals and empty answers are",
    "truncation": "answers that are cut off are",
    "prompt_tokens": "the tokens counted in prompts are",
    "served_model": "answers as",
    "fingerprint": "is served with the fingerprint",
}


def _metric(name: str) -> str:
    return name.removeprefix(REQUIRED)


def _of(state: Mapping[str, object], key: str) -> dict[str, object]:
    value = state[key]
    assert isinstance(value, dict)
    return value
