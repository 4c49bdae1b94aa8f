"""Operations in numbers: records of simulated scores, to measure how often what surrounds the proof turns false green.

Everything goes through `Record`, as a check does; only answers and graders are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evalgate.catalog import Endpoint, load_catalog
from evalgate.exchange import Answer
from evalgate.gate import Attempt, Entry, Given, History, Policy, Record, Sides, Transcript
from evalgate.suite import Case, Suite, load_suite

Scores = npt.NDArray[np.float64]
ANSWERED = Given(Answer("", "stop", 10, 2, 5.0, answered_at=1000.0), "text", 3, 0, 40, None, None)
FAILED = Given(Answer("", "error", error="no answer", answered_at=1000.0), "failed", 0, 0, 40, None, None)


class Operation:
    """One operation whose variants and suite may be changed between certifications; remembers its attempts."""

    def __init__(self, folder: Path, *, gate: str = "margin: 0.05", cases: int = 300, extra: str = "") -> None:
        self._folder, self.gate, self.extra = folder, gate, extra
        self.ids = [f"c{number}" for number in range(cases)]
        self.sizes = [1] * cases
        self.attempts: dict[str, Attempt] = {}
        self.clock = 1000.0

    def certify(
        self,
        variants: Mapping[str, Scores],
        baseline: Scores,
        again: Scores | None = None,
        *,
        named: Sequence[str] = (),
        failed: Mapping[str, npt.NDArray[np.bool_]] | None = None,
        fresh: bool = False,
        fresh_from: int | None = None,
        remember: bool = True,
        look: int = 80,
        known: bool = False,
        until: int | None = None,
    ) -> dict[str, str]:
        """Certify as a check does, with these scores by case; returns the outcomes.

        `fresh`: all answers are new; `fresh_from`: the variants' are, from this case on. `known`: those of the baseline
        are all in the store; `until`: it is killed when so many units were looked at.
        """
        failed = failed or {}
        self.clock += 10.0
        began = self.clock if fresh else 1000.0
        suite = self._suite()
        endpoints = {name: endpoint(self._folder, name) for name in {"full", *variants, *named}}
        whole = {
            name: transcript(endpoints[name], scores, failed.get(name), began) for name, scores in variants.items()
        }
        if fresh_from is not None:
            for name, scores in variants.items():
                new = transcript(endpoints[name], scores, failed.get(name), self.clock)
                whole[name].given[fresh_from:] = new.given[fresh_from:]
        first = transcript(endpoints["full"], baseline, failed.get("full"), began)
        second = None if again is None else transcript(endpoints["full"], again, failed.get("again"), began)
        sides = Sides(
            Transcript(endpoints["full"]),
            None if second is None else Transcript(endpoints["full"], first_repeat=1),
            {name: Transcript(endpoints[name]) for name in variants},
        )
        policy = Policy.of(suite, ["score"])
        entry = Entry(
            policy=policy,
            units=self.sizes,
            test=policy.digest(),
            named={name: endpoints[name].kin for name in {*variants, *named}},
            history=History([*self.attempts.values()]) if remember else None,
        )
        record = Record(suite, sides, entry)
        if known:
            record.know_baseline(first)
        pairs = [(sides.baseline, first), *((sides.variants[name], whole[name]) for name in variants)]
        if sides.again is not None and second is not None:
            pairs.append((sides.again, second))
        asked = 0
        while (waiting := record.open_sides()) and asked < min(len(self.sizes), until or len(self.sizes)):
            asked = min(asked + look, len(self.sizes))
            upto = sum(self.sizes[:asked])
            for side, complete in pairs:
                if any(side is one for one in waiting):
                    side.given[:] = complete.given[:upto]
                    side._means["score"] = complete._means["score"][:upto]
            record.rule()
        if remember:
            self.attempts |= {each.key: each for each in record.attempts(self.clock, "run")}
        self.record = record
        return {name: ruling.outcome for name, ruling in record.rulings.items()} if fit(record) else {}

    def _suite(self) -> Suite:
        path = self._folder / "s.yaml"
        text = (
            "operation: o\nmodel: m\nbaseline: full\nprompt: '{{ input }}'\nassert: [{type: exact}]\n"
            f"gate: {{{self.gate}}}\n{self.extra}\ncases:\n  - {{id: a, input: x, target: y, metadata: {{s: 1}}}}\n"
        )
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            _SUITES[self._folder] = load_suite(path)
        loaded = _SUITES[self._folder]
        suite = replace(loaded)
        # cases by the hundred without a file: the suite works both out when it is first asked for them
        vars(suite).update(cases=[Case(each, each, "y") for each in self.ids], units=self.sizes)
        return suite


_SUITES: dict[Path, Suite] = {}
_ENDPOINTS: dict[tuple[Path, str], Endpoint] = {}


def fit(record: Record) -> bool:
    """Whether the baseline was proven equal to itself, or nobody asked."""
    return record.again is None or record.again.outcome == "green"


def endpoint(folder: Path, name: str) -> Endpoint:
    """An endpoint with a configuration of its own."""
    if (folder, name) not in _ENDPOINTS:
        path = folder / f"{name}.catalog.yaml"
        path.write_text(
            "version: 1\nproviders: [{id: p, base_url: 'http://127.0.0.1:1/v1'}]\nmodels:\n  - id: m\n    variants:\n"
            f"      - {{id: {name}, provider: p, served_as: {name}, quantization: bf16, "
            "price: {input: 1, output: 1}}\n"
        )
        _ENDPOINTS[folder, name] = load_catalog(path).endpoints("m")[name]
    return _ENDPOINTS[folder, name]


def transcript(endpoint: Endpoint, scores: Scores, failed: npt.NDArray[np.bool_] | None, at: float) -> Transcript:
    """A whole transcript of these scores; failures score 0."""
    answered, gone = (replace(each, answer=replace(each.answer, answered_at=at)) for each in (ANSWERED, FAILED))
    lost = np.zeros(scores.size, dtype=bool) if failed is None else failed
    given = [(gone,) if out else (answered,) for out in lost]
    return Transcript(endpoint, given=list(given), _means={"score": np.where(lost, 0.0, scores).tolist()})


def paired(
    random: np.random.Generator, cases: int, *, level: float = 0.9, broke: float = 0.0, fixed: float = 0.0
) -> tuple[Scores, Scores]:
    """Baseline and variant, 0 or 1: of all cases `broke` are lost and `fixed` are won."""
    draw = random.random(cases)
    baseline = (random.random(cases) < level).astype(float)
    variant = baseline.copy()
    variant[(baseline == 1) & (draw < broke / level)] = 0.0
    variant[(baseline == 0) & (draw < fixed / (1 - level))] = 1.0
    return baseline, variant
