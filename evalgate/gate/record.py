"""The record of one operation: what all sides answered so far, what that proves, and who still has to be asked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from evalgate import stats
from evalgate.formats.canonical import digest, digest_list
from evalgate.gate.board import BaselineCheck
from evalgate.gate.contest import Family, Ruling, Standing, least_needed, rule
from evalgate.gate.differences import Differences
from evalgate.gate.history import Attempt, Charge, History, Trial, weight_of
from evalgate.gate.known import KnownBaseline
from evalgate.gate.pairing import Pairing, Sides
from evalgate.gate.policy import Policy
from evalgate.gate.transcript import FloatArray, Transcript
from evalgate.suite import Suite

OPEN = Ruling("inconclusive", 0, 0.0)


@dataclass(frozen=True)
class Entry:
    """What a record is begun with, beside the sides themselves.

    `units` says how many consecutive cases make one unit, for all that may be asked; `limited`: the suite has more.
    `test` identifies what is tested: prompt, parameters, graders, policy, but not of how many cases. `named` are the
    configurations of all variants of the suite, also of those that are not judged now: errors are selected for among
    all of them.
    Without a `history` nothing is remembered, and nothing is charged for it.
    """

    policy: Policy
    units: Sequence[int]
    test: str = ""
    grading_hash: str = ""
    limited: bool = False
    named: Mapping[str, str] | None = None
    history: History | None = None


class Record:
    """Grows with the transcripts of its sides; pure, so that the same answers always give the same rulings."""

    def __init__(self, suite: Suite, sides: Sides, entry: Entry) -> None:
        self.suite, self.sides, self.entry, self.policy = suite, sides, entry, entry.policy
        self.pairing = Pairing(sides, entry.policy, entry.units, suite.units)
        self.rulings: dict[str, Ruling] = {}
        self.again: Ruling | None = None
        self.down: dict[str, str] = {}
        self.charges: dict[str, Charge] = {}
        self._known: dict[int, tuple[object, Differences]] = {}
        self._asked: dict[int, str] = {}
        self.analysis: stats.Claim = entry.policy.claim
        self.known_baseline = KnownBaseline()

    def know_baseline(self, whole: Transcript) -> None:
        """Before anything is asked: these are the baseline's answers to the whole suite. A test that begins now uses
        them as control variate; one that goes on keeps what it began with.
        """
        if self.policy.claim == "suite" and not self.sides.baseline.cases:
            self.known_baseline = KnownBaseline.of(whole, self.policy.metrics, self.suite.units)

    def rule(self) -> dict[str, Ruling]:
        """Look at the evidence; returns the ruling on each variant."""
        if self.sides.again is not None:
            self.again = self._rule_on_baseline()
        if any(self.known_baseline.differs(metric, self.pairing.first(metric)) for metric in self.policy.metrics):
            self.analysis = "traffic"  # somebody bought other answers meanwhile: they have no one truth either
        self.charges = self._charged()
        differences = {name: self.differences(name) for name in self.sides.variants}
        self.rulings = rule(differences, self.policy, self._family())
        return self.rulings

    def drop(self, side: Transcript, reason: str) -> None:
        """Ask `side` no more: it cannot be reached. Without the baseline nobody can be judged who is not yet."""
        gone = [name for name, each in self.sides.variants.items() if each is side]
        waiting = [name for name in self.sides.variants if self._is_waited_for(name)]
        for name in gone or waiting:
            self.down.setdefault(name, reason)

    def _is_waited_for(self, name: str) -> bool:
        """Whether a verdict on a variant takes more answers; none counts before the baseline equals itself."""
        return self._is_open(self.rulings.get(name)) or (self.sides.again is not None and self._is_open(self.again))

    def open_sides(self) -> list[Transcript]:
        """Who has to be asked more: nobody when all is ruled on, or when the baseline cannot even match itself."""
        if self.again is not None and self.again.outcome == "red":
            return []
        waiting = [
            side
            for name, side in self.sides.variants.items()
            if name not in self.down and self._is_open(self.rulings.get(name))
        ]
        judged = [name for name in self.sides.variants if name not in self.down]
        if self.sides.again is not None and self._is_open(self.again) and judged:
            waiting.append(self.sides.again)
        return [self.sides.baseline, *waiting] if waiting else []

    def least_further_units(self) -> int:
        """So many units can be asked at once without waste: no verdict is possible before."""
        asked = self.open_sides()
        named = [*self.sides.variants.items(), ("", self.sides.again)]
        least = [self._least(side, name) for name, side in named if side is not None and any(side is a for a in asked)]
        return min(least, default=0)

    @property
    def flip_rate(self) -> float:
        """The share of units on which the baseline differed from itself, up to its ruling."""
        side, units = self.sides.again, self.again.units if self.again is not None else 0
        if side is None or not units:
            return 0.0
        return float(self.pairing.moved(side)[:units].mean())

    def baseline_check(self) -> BaselineCheck | None:
        """The baseline held against itself; None where nobody asked for it."""
        if self.sides.again is None:
            return None
        ruling = self.again or OPEN
        return BaselineCheck(ruling.outcome, ruling.units, self.flip_rate, self._hours_apart() is not None)

    def design(self, name: str) -> stats.Design:
        """The design of the proof on one variant."""
        charge = self.charges.get(name) or Charge(1, 0, self.policy.alpha, len(self.entry.units))
        return self.pairing.design(self.analysis, charge.deadline, charge.level)

    def known(self, name: str) -> Mapping[str, FloatArray]:
        """By metric, the baseline's scores that serve as control variate in the proof on one variant; empty: none."""
        charge = self.charges.get(name)
        exact = self.analysis == "suite" and charge is not None and bool(charge.control_variate)
        return self.known_baseline.scores if exact else {}

    def differences(self, name: str) -> Differences:
        """What one variant's scores prove so far."""
        side, design, variate = self.sides.variants[name], self.design(name), self.known(name)
        pairs = self.pairing.both(side), self.pairing.twice(side)
        state = (*pairs, design.get("claim"), design.get("deadline"), bool(variate))
        known = self._known.get(id(side))
        if known is not None and known[0] == state:
            return known[1]  # whoever is ruled on is asked no more, and its evidence stays what it was
        made = self.pairing.differences(side, design, variate)
        self._known[id(side)] = (state, made)
        return made

    def expected(self) -> dict[str, tuple[Charge, float]]:
        """Before anything is asked: what each variant will be charged if known answers are used, and the e-value that
        green will take if all who are judged are as good as the baseline.
        """
        self.charges = self._charged(begun=False)
        family = self._family()
        return {
            name: (charge, least_needed(family.standings[name], family, self.policy))
            for name, charge in self.charges.items()
        }

    def attempts(self, at: float, run: str) -> list[Attempt]:
        """What has to be remembered of this certification, also of those who were named and not judged."""
        config = {name: side.endpoint.kin for name, side in self.sides.variants.items()}
        made = []
        for name, charge in self.charges.items():
            began, ruling = self._oldest(self.sides.variants[name]), self.rulings.get(name, OPEN)
            if math.isinf(began):  # all that was asked of one side failed: nobody was judged by it
                began, ruling = 0.0, OPEN
            made.append(self._attempt(config[name], name, charge, ruling, began=began, at=at, run=run))
        history = self.entry.history
        if history is not None:
            made = [each for each in made if not history.shows_more(each)]
        first = history is not None and not history.size
        for name, each in (self.entry.named or {}).items() if first else ():
            if name not in self.charges:
                charge = Charge(1, 0, stats.e_lond_level([], self.policy.alpha), len(self.entry.units))
                made.append(self._attempt(each, name, charge, OPEN, began=0.0, at=at, run=run))
        return made

    def _attempt(
        self, config: str, name: str, charge: Charge, ruling: Ruling, *, began: float, at: float, run: str
    ) -> Attempt:
        cases = sum(self.entry.units[: ruling.units])
        side = self.sides.variants.get(name)
        return Attempt(
            config=config,
            variant=name,
            number=charge.number,
            arrival=charge.arrival,
            level=charge.level,
            policy=self._test,
            deadline=charge.deadline,
            asked=self._identity_of(cases),
            cases=cases,
            outcome=ruling.outcome,
            e_value=ruling.e_value,
            began=began,
            at=at,
            run=run,
            failed=self._failed(side, cases) if side is not None else 0,
            control_variate=charge.control_variate,
        )

    def _charged(self, *, begun: bool = True) -> dict[str, Charge]:
        history, deadline = self.entry.history, len(self.entry.units)
        judged = {name: side for name, side in self.sides.variants.items() if self.pairing.both(side) or not begun}
        if history is None:
            variate = self.known_baseline.digest
            return {name: Charge(1, 0, self.policy.alpha, deadline, variate) for name in judged}
        configs = {name: side.endpoint.kin for name, side in self.sides.variants.items()}
        newcomers = history.newcomers([*configs.values()])
        charges = {}
        for name, side in judged.items():
            known = self.known_baseline.digest if begun else None
            trial = Trial(self._test, deadline, self._identity_of, partial(self._renewed, side), known)
            charges[name] = history.charge(configs[name], trial, self.policy.alpha, newcomers)
        return charges

    def _oldest(self, side: Transcript) -> float:
        """When the oldest answer was given, of `side` or of the baseline, whichever is younger."""
        return max(side.oldest, self.sides.baseline.oldest)

    def _renewed(self, side: Transcript, cases: int, at: float) -> int:
        """Of how many of the first `cases` cases some answer that counts was given after `at`."""
        after = np.zeros(cases, dtype=np.bool_)
        for one, counted in self.pairing.counted(side, cases):
            after[:counted] |= one.last_answered_at(counted) > at
        return int(after.sum())

    def _failed(self, side: Transcript, cases: int) -> int:
        """In how many of the first `cases` cases some call that counts failed."""
        failed = np.zeros(cases, dtype=np.bool_)
        for one, counted in self.pairing.counted(side, cases):
            failed[:counted] |= ~one.answered()[:counted]
        return int(failed.sum())

    def _family(self) -> Family:
        standings = {name: Standing(weight_of(charge.arrival), charge.level) for name, charge in self.charges.items()}
        history, alpha = self.entry.history, self.policy.alpha
        present = [side.endpoint.kin for side in self.sides.variants.values()]
        named = [config for config in (self.entry.named or {}).values() if config not in present]
        if history is None:
            return Family(standings, [(1.0, 1.0)] * len(named))
        # who is named later and not judged yet is among those who may still come
        unknown = [(1.0, 1.0)] * len(named) if not history.size else []
        absent, later = history.absent(present, alpha, self._test), len(history.newcomers(present))
        return Family(standings, [*absent, *unknown, history.reserve(later)])

    @property
    def family_size(self) -> int:
        """Everybody who was ever ruled on, and everybody who is named now."""
        now = {side.endpoint.kin for side in self.sides.variants.values()} | {*(self.entry.named or {}).values()}
        history = self.entry.history
        return len(now) + (len(history.absent(now, self.policy.alpha, self._test)) if history is not None else 0)

    @property
    def _test(self) -> str:
        """What is tested; a finite suite of another size is another claim."""
        return digest([self.entry.test, len(self.suite.units) if self.policy.claim == "suite" else None])

    def _identity_of(self, cases: int) -> str:
        """Identifies the first `cases` cases: the same ones, in the same order, with the same targets."""
        if cases not in self._asked:
            some = self.suite.cases[:cases]
            self._asked[cases] = digest_list("cases", ([case.id, case.input, case.target] for case in some))
        return self._asked[cases]

    def _least(self, side: Transcript, name: str) -> int:
        family = self._family()
        standing = family.standings.get(name, Standing(1.0, self.policy.alpha))
        asked = least_needed(standing, family, self.policy) if name else 1 / self.policy.alpha
        least = []
        plain, variate = self.design(name), self.known(name)
        seen: set[bytes] = set()  # most metrics never differ at all
        for metric in self.policy.metrics:
            values, controlled = self.pairing.scores(side, metric)[1], metric in variate
            if not controlled:
                if values.tobytes() in seen:
                    continue
                seen.add(values.tobytes())
            design: stats.Design = {**plain, "baseline": variate[metric]} if controlled else plain
            further = stats.minimum_further_cases(
                values,
                margin=self.policy.margin,
                threshold_green=asked,
                threshold_red=self.policy.proofs / self.policy.beta,
                **design,
            )
            least += [count for count in (further.green, further.red) if count]
        return min(least, default=1)

    def _rule_on_baseline(self) -> Ruling:
        """The baseline held against itself, and what follows from it for everybody: `analysis`, and how long it is
        asked twice. Answers that change from call to call have no one truth to be resolved: then the claim is about
        expected scores, and a suite is analysed as a sample.
        """
        again = self.sides.again
        assert again is not None
        alone = replace(self.policy, control="verdict")
        deadline = len(self.entry.units)
        apart, moved = self._hours_apart(), self.pairing.moved(again)
        self.analysis = self.policy.claim if apart is None else "traffic"
        while True:
            design = self.pairing.design(self.analysis, deadline, self.policy.alpha)
            differences = self.pairing.differences(again, design)
            if apart is not None:
                differences = differences.only(apart)
            ruling = rule({"again": differences.two_sided()}, alone)["again"]
            units = ruling.units if apart is None or not ruling.units else int(apart[ruling.units - 1]) + 1
            if self.analysis == "traffic" or not moved[:units].any():
                break
            self.analysis = "traffic"
        self.pairing.asked_twice = None if ruling.outcome == "inconclusive" else sum(self.entry.units[:units])
        if apart is not None and self.policy.claim == "suite" and not moved[:units].any():
            self.analysis = "suite"
        return replace(ruling, units=units)

    def _hours_apart(self) -> npt.NDArray[np.intp] | None:
        """The units on which the baseline answered in different hours, where they are enough for a proof."""
        apart = np.flatnonzero(self.pairing.apart())
        if not apart.size:
            return None
        needed = stats.minimum_further_cases([], margin=self.policy.margin, threshold_green=1 / self.policy.alpha)
        return apart if needed.green is not None and apart.size >= needed.green else None

    @staticmethod
    def _is_open(ruling: Ruling | None) -> bool:
        return ruling is None or ruling.outcome == "inconclusive"
