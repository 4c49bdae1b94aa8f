"""All detectors of a watch together, as `evalgate watch` wires them: how often they withdraw what has not changed.

    python benchmarks/composed_watch.py [--runs 200] [--days 25]

An independent check: it shares no code with `stayed_green.py` or `evalgate.stats.watch_simulation`. Each run is a suite
of cases, some of which always flip and some of which flip by chance; a certification of the first 300 that passes a
plain one-sided test; then days of 50 cases drawn with `evalgate.watch.draw` (fragile ones first) that go through
`evalgate.watch.detection.Detection`, with lengths, refusals, truncations, prompt tokens and first tokens that are as
noisy as they always were. *Bound*: days over the run length. `--control none` leaves out what each case gave before.
Delays are at a run length of 1,000 days, 15 days after the certification; the loss falls on cases at random.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from evalgate import stats
from evalgate.gate import Policy
from evalgate.plan.watching import BY_TOKEN, PROMPTS, run_lengths
from evalgate.suite.models import Gate
from evalgate.watch.alarm import Alarm, State
from evalgate.watch.detection import Detection, Reference
from evalgate.watch.draw import draw
from evalgate.watch.first_tokens import DETECTOR, Heard
from evalgate.watch.look import Look, Scale

UNITS, CERTIFIED, CASES, LATEST = 800, 300, 50, 40


class World:
    """A suite and its variant. `rate`: flips, of which `repeated` are those of cases that always flip."""

    def __init__(self, rate: float, repeated: float, random: np.random.Generator) -> None:
        self.random, self.kind = random, random.random(UNITS)
        self.always = np.where(self.kind < rate * repeated, random.choice([-1.0, 1.0], UNITS), 0.0)
        chance = random.beta(0.5, 2.0, UNITS)  # some cases flip by chance far more often than others
        self.chance = np.clip(chance * rate * (1 - repeated) / chance.mean(), 0.0, 1.0)
        self.lost = np.zeros(UNITS, dtype=bool)
        cases = [SimpleNamespace(id=f"c{n:04}") for n in range(UNITS)]
        self.suite = cast("Any", SimpleNamespace(units=[1] * UNITS, cases=cases))
        self.prompts = random.dirichlet([0.6, 0.4, 0.1], PROMPTS)

    def answers(self, places: Sequence[int]) -> np.ndarray:
        """Differences of these cases, today."""
        some = np.array(places)
        by_chance = (self.random.random(some.size) < self.chance[some]) * self.random.choice([-1.0, 1.0], some.size)
        now = np.where(self.always[some] != 0, self.always[some], by_chance)
        return np.where(self.lost[some], -1.0, now)

    def lose(self, drop: float, fragile: Sequence[str]) -> None:
        """From now on a share of the cases is wrong: half of the loss falls on `fragile` cases as far as they reach."""
        order = self.random.permutation(UNITS)
        weak = [int(name[1:]) for name in fragile if self.always[int(name[1:])] >= 0]
        first = weak[: round(drop * UNITS / 2)]
        rest = [n for n in order if n not in first and self.always[n] >= 0]
        self.lost[[*first, *rest[: round(drop * UNITS) - len(first)]]] = True

    def tokens(self, turns: int) -> list[tuple[str, str]]:
        return [(str(n), str(self.random.choice(3, p=p))) for n, p in enumerate(self.prompts) for _ in range(turns)]


class Watched:
    """One variant from its certification on."""

    def __init__(self, world: World, detection: Detection, *, control: bool) -> None:
        self.world, self.detection, self.control, self.number = world, detection, control, 0
        margin = detection.policy.margin
        while True:
            first = world.answers(range(CERTIFIED))
            if first.mean() - 1.645 * first.std() / np.sqrt(CERTIFIED) > -margin:
                break
        self.fragile = [f"c{n:04}" for n in np.flatnonzero(first)]
        self.state = detection.begin(Reference({"score": first}, {}, frozenset(), frozenset()))
        if not control:
            self.state["earlier"] = {"values": {"score": {}}, "again": {"score": [0.0, 0.0]}}
        rules = detection.first_tokens
        if rules is not None:
            reference: dict[str, list[str]] = {}
            for name, label in world.tokens(BY_TOKEN.reference):
                reference.setdefault(name, []).append(label)
            self.state[DETECTOR] = {"movement": rules.begin(reference).as_json()}

    def day(self) -> list[Alarm]:
        self.number += 1
        today = draw(self.world.suite, self.fragile, CASES, seed=str(self.number))
        places = [unit.start for unit in today.units]
        strata = [f"{'fragile' if unit.fragile else 'other'} {today.labels}" for unit in today.units]
        random, count = self.world.random, len(places)
        noise = {
            "length": random.choice(["-1", "0", "1"], count, p=[0.2, 0.6, 0.2]),
            "refusal": random.choice(["empty", "as the baseline"], count, p=[0.02, 0.98]),
            "truncation": random.choice(["cut", "as the baseline"], count, p=[0.05, 0.95]),
            "prompt_tokens": random.choice(["3.0", "3.5"], count, p=[0.9, 0.1]),
        }
        look = Look(
            differences={"score": self.world.answers(places)},
            shortfalls={},
            weights=today.weights,
            heaviest=today.heaviest,
            answered=np.ones(count, dtype=np.bool_),
            labels={name: list(zip(strata, map(str, labels), strict=True)) for name, labels in noise.items()},
            known_as=frozenset(),
            fingerprints=frozenset(),
            drawn=count,
            oldest=1.0,
            places=places,
            strata=strata,
            fragile=frozenset(today.fragile),
        )
        before = self.state["earlier"]
        self.state, alarms = self.detection.after(self.state, look, self._heard())
        if not self.control:
            self.state["earlier"] = before
        return alarms

    def _heard(self) -> Heard | None:
        rules = self.detection.first_tokens
        if rules is None:
            return None
        before = cast("State", self.state[DETECTOR])["movement"]
        after = rules.after(stats.MovementState.from_json(before), self.world.tokens(BY_TOKEN.turns))
        alarm = Alarm("suspended", DETECTOR, "moved") if rules.moved(after) else None
        return Heard({"movement": after.as_json()}, alarm)


def detection_of(margin: float, run_length: float, detectors: list[str] | None = None) -> Detection:
    watch = {"run_length": run_length, "detectors": detectors}
    gate = Gate.model_validate({"margin": margin, "watch": watch})
    policy = policy_of(margin)
    every = ("scores", "flips", "length", "refusal", "truncation", "prompt_tokens", DETECTOR)
    return Detection(
        policy,
        Scale(1, 1.0, by_size=False),
        cast("Any", detectors or every),
        run_lengths(policy, gate.watch),
        [1] * UNITS,
    )


def policy_of(margin: float) -> Policy:
    import json
    import tempfile
    from pathlib import Path

    from evalgate.suite import load_suite

    content = {
        "operation": "simulated",
        "model": "m",
        "baseline": "full",
        "cases": [{"id": "c", "input": "i", "target": "t"}],
        "prompt": "{{ input }}",
        "assert": [{"type": "exact"}],
        "gate": {"margin": margin},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "suite.yaml"
        path.write_text(json.dumps(content), encoding="utf-8")
        return Policy.of(load_suite(path), ["score"])


def false_alarms(options: argparse.Namespace) -> None:
    print("| flip rate | of which the same cases | withdrawn | bound | by |")
    print("| --- | --- | --: | --: | --- |")
    for rate, repeated in product(options.rates, (0.9, 0.0)):
        detection, by = detection_of(margin_of(rate), options.run_length), dict[str, int]()
        for run in range(options.runs):
            watched = Watched(World(rate, repeated, np.random.default_rng([3, run])), detection, control=True)
            for _ in range(options.days):
                if alarms := watched.day():
                    by[alarms[0].detector] = by.get(alarms[0].detector, 0) + 1
                    break
        share, bound = sum(by.values()) / options.runs, options.days / options.run_length
        print(f"| {rate} | {repeated:.0%} | {share:.3f} | {bound:.2f} | {by or ''} |", flush=True)


def delays(options: argparse.Namespace) -> None:
    print("\n| flip rate | of which the same cases | drop | with what was known | median (p90) days |")
    print("| --- | --- | --- | --- | --- |")
    controls = {"both": (True, False), "on": (True,), "none": (False,)}[options.control]
    places = product(options.rates, (0.9, 0.0), (0.05, 0.1), ("anywhere", "fragile first"), controls)
    for rate, repeated, drop, where, control in places:
        found = []
        detection = detection_of(margin_of(rate), 1000.0, ["scores", "flips"])
        for run in range(options.runs // 2):
            world = World(rate, repeated, np.random.default_rng([5, run]))
            watched = Watched(world, detection, control=control)
            for _ in range(15):
                watched.day()
            world.lose(drop, watched.fragile if where != "anywhere" else [])
            day = 1
            while not watched.day() and day < LATEST:
                day += 1
            found.append(day)
        middle, late = np.quantile(found, [0.5, 0.9])
        words = "yes" if control else "no"
        print(f"| {rate} | {repeated:.0%} | {drop}, {where} | {words} | {middle:.0f} ({late:.0f}) |", flush=True)


def margin_of(rate: float) -> float:
    return 0.05 if rate < 0.2 else 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="a cell; half as many for delays")
    parser.add_argument("--days", type=int, default=25)
    parser.add_argument("--run-length", type=float, default=50.0)
    parser.add_argument("--control", choices=["both", "on", "none"], default="both")
    parser.add_argument("--rates", type=float, nargs="+", default=[0.02, 0.1, 0.3])
    parser.add_argument("--only", choices=["false", "delay", "all"], default="all")
    options = parser.parse_args()
    if options.only != "delay":
        false_alarms(options)
    if options.only != "false":
        delays(options)


if __name__ == "__main__":
    main()
