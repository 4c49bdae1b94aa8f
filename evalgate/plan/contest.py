"""Who is asked what: suites and catalogue brought together, and every mistake in them found, before a cent is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from evalgate.catalog import Catalog, Endpoint
from evalgate.errors import InputError
from evalgate.formats.canonical import digest
from evalgate.formats.documents import did_you_mean
from evalgate.gate import BUILT_IN, PROMPT_TOKENS, Entry, History, Policy, Record, Sides, Transcript
from evalgate.graders import Grading, bind
from evalgate.suite import Case, Suite


@dataclass(frozen=True)
class Contest:
    """One operation, ready to be run: nothing about it can be wrong any more.

    `cases` stand in the order asked; `units` says how many consecutive cases make one unit of the statistics. `named`
    are the configurations of all variants of the suite, also of those that are not judged now: errors are selected for
    among all of them. `history` is what was ever ruled on for the operation and its baseline.
    """

    suite: Suite
    grading: Grading
    baseline: Endpoint
    variants: Mapping[str, Endpoint]
    cases: Sequence[Case]
    units: Sequence[int]
    named: Mapping[str, str]
    history: History = field(default_factory=History)

    @property
    def endpoints(self) -> list[Endpoint]:
        """Everyone who is asked."""
        return [self.baseline, *self.variants.values()]

    @property
    def policy(self) -> Policy:
        """What the verdicts are held to."""
        return Policy.of(self.suite, self.grading.metrics)

    def recalling(self, memory: Memory) -> Contest:
        """The same, with what is remembered: cases keep the place in which they were asked before, so that a suite
        that grows is still one test, and further tries are known for what they are.
        """
        suite = self.suite.in_order_after(memory.order(self.suite.operation, self.suite.gate.seed))
        limited = len(self.units) < len(suite.units)
        units = units_within(suite, len(self.cases) if limited else len(suite.cases))
        history = memory.history(suite.operation, self.baseline.kin)
        return replace(self, suite=suite, cases=suite.cases[: sum(units)], units=units, history=history)

    def record(self) -> Record:
        """An empty record: of the baseline, of the baseline asked again, and of each variant."""
        policy, repeats = self.policy, self.suite.file.repeats
        tools = self.suite.offers_tools
        again = Transcript(self.baseline, first_repeat=repeats, tools=tools) if policy.baseline_check else None
        variants = {name: Transcript(endpoint, tools=tools) for name, endpoint in self.variants.items()}
        entry = Entry(
            policy=policy,
            units=self.units,
            test=digest([policy.digest(), self.suite.rules, self.grading.rules]),
            grading_hash=self.grading.hash,
            limited=len(self.units) < len(self.suite.units),
            named=self.named,
            history=self.history,
        )
        return Record(self.suite, Sides(Transcript(self.baseline, tools=tools), again, variants), entry)


class Memory(Protocol):
    """What earlier certifications left behind."""

    def history(self, operation: str, baseline: str) -> History:
        """The attempts on an operation against the baseline with this configuration."""

    def order(self, operation: str, seed: int) -> bytes:
        """The order in which the operation's cases were asked, as `Suite.order_digests` gives it; empty: never."""


def plan(
    suites: Sequence[Suite],
    catalog: Catalog,
    *,
    only: Sequence[str] = (),
    max_cases: int | None = None,
) -> list[Contest]:
    """Find out who is asked what; raises `InputError` for all that cannot work.

    `only` restricts the variants (a suite that has none of them is left out), `max_cases` the cases of each suite.
    """
    known = {name for suite in suites for name in catalog.endpoints(suite.file.model)}
    for name in only:
        if name not in known:
            raise InputError(f"{catalog.path}: no variant {name!r}{did_you_mean(name, known)}")
    contests = []
    for suite in suites:
        if suite.placeholder is not None:
            raise InputError(
                f"{suite.placeholder}: a placeholder, on which no verdict is given; put cases of your own in the place"
                f" of all that have metadata.placeholder. To try the endpoints: evalgate run {suite.path} --variant ID"
            )
        baseline, others = _endpoints(suite, catalog)
        grading = grading_of(suite, catalog, judged=[baseline, *others.values()])
        _check_metrics(suite, grading)
        variants = {name: endpoint for name, endpoint in others.items() if name in only or not only}
        units = units_within(suite, min(max_cases or len(suite.cases), suite.gate.max_cases or len(suite.cases)))
        if variants:
            named = {name: endpoint.kin for name, endpoint in others.items()}
            contests.append(Contest(suite, grading, baseline, variants, suite.cases[: sum(units)], units, named))
    if not contests:
        raise InputError("nothing to check: no suite has any of the variants asked for")
    return contests


def _endpoints(suite: Suite, catalog: Catalog) -> tuple[Endpoint, dict[str, Endpoint]]:
    endpoints = dict(catalog.endpoints(suite.file.model))
    wanted = suite.file.variants if suite.file.variants is not None else list(endpoints)
    for place, name in ("baseline", suite.file.baseline), *(("variants", name) for name in wanted):
        if name not in endpoints:
            message = f"no variant {name!r} of {suite.file.model!r} in {catalog.path}"
            raise suite.error(message + did_you_mean(name, set(endpoints)), place)
    if repeated := [name for name in wanted if wanted.count(name) > 1]:
        raise suite.error(f"the variant {repeated[0]!r} is named twice", "variants")
    others = {name: endpoints[name] for name in wanted if name != suite.file.baseline}
    if not others:
        raise suite.error(
            f"nothing to hold against the baseline: {suite.file.model!r} has no other variant", "variants"
        )
    return endpoints[suite.file.baseline], others


def grading_of(suite: Suite, catalog: Catalog, *, judged: Sequence[Endpoint]) -> Grading:
    """The suite's grading with the judges that it asks; raises `InputError` also for a judge that there is none of.

    Who is judged cannot be judge: it likes its own answers best.
    """
    grading = bind(suite)
    everybody = {name: endpoint for model in catalog.models.values() for name, endpoint in model.items()}
    judges: dict[str, Endpoint] = {}
    for name, place in grading.asked.items():
        if name not in everybody:
            message = f"{place} judge: no variant {name!r} in {catalog.path}{did_you_mean(name, set(everybody))}"
            raise InputError(message)
        if any(endpoint.kin == everybody[name].kin for endpoint in judged):
            raise InputError(f"{place} judge: {name!r} is judged itself; name another variant of the catalogue")
        judges[name] = everybody[name]
    return grading.with_judges(judges)


def _check_metrics(suite: Suite, grading: Grading) -> None:
    known = {*grading.metrics, *BUILT_IN}
    for metric in grading.metrics:
        if metric in BUILT_IN:
            raise suite.error(f"the metric {metric!r} is built in; give this one another name", "assert")
    for metric in suite.gate.min_score:
        if metric not in known - {PROMPT_TOKENS}:
            raise suite.error(f"no metric {metric!r}{did_you_mean(metric, known)}", "gate", "min_score", metric)
    gating = suite.gate.metrics or []
    for index, metric in enumerate(gating):
        if metric not in known:
            raise suite.error(f"no metric {metric!r}{did_you_mean(metric, known)}", "gate", "metrics", index)
        if metric in gating[:index]:
            raise suite.error(f"the metric {metric!r} is named twice", "gate", "metrics", index)


def units_within(suite: Suite, max_cases: int) -> list[int]:
    """As many whole units as `max_cases` holds, at least one."""
    units: list[int] = []
    cases = 0
    for size in suite.units:
        if units and cases + size > max_cases:
            break
        units.append(size)
        cases += size
    return units
