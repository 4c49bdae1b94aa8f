"""What the tiers do with a model today, operation by operation, and the proof behind it.

The choice is not told again here: the router itself makes it, for a call of the operation, with the figures that it
chooses by, and `explain` says why. A page that reasoned on its own would one day say something else than the gateway
does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from markupsafe import Markup

from evalgate.errors import InputError
from evalgate.report.wording import ESTIMATED, counted, e_value, interval, percent, points
from evalgate.router import Call, Candidate, Decision, Explanation, choose, explain
from evalgate.signal import SignalEntry
from evalgate.web import interval_svg, wording
from evalgate.web.view import View

PER = 1000  # calls; the cost of one is too small to read
_RUN = re.compile(r"(\d{8}-\d{6})-")  # evalgate's own runs are called by their time
_WORDS = {"green": "green", "red": "red", "worse": "worse", "inconclusive": "not proven"}


@dataclass(frozen=True, slots=True)
class Proof:
    """One variant on one operation. `outcome` picks colour and shape; `word` says it."""

    variant: str
    precision: str
    outcome: str
    word: str
    picture: Markup
    delta: str
    interval: str
    cases: str
    evidence: str
    since: str
    reason: str
    cost: str
    live: str
    live_n: str
    chosen: bool
    baseline: bool


@dataclass(frozen=True, slots=True)
class Pick:
    """Whom a tier takes for an operation: `saves` of the baseline's cost, `then` who is asked when it fails."""

    variant: str
    precision: str
    saves: str
    saving: float
    why: str
    then: str
    since: str
    valid: str
    batch: str
    certified: bool
    alarm: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `trouble` says why nobody can tell who takes its calls, and then there is no `pick`."""

    name: str
    anchor: str
    facts: str
    counts: Mapping[str, int]
    pick: Pick | None
    proofs: Sequence[Proof]
    axis: Markup
    trouble: str = ""


def operations(view: View, model: str) -> list[Operation]:
    """All operations that the signal tells of for this model, by name."""
    found = view.proofs.of(model)
    return [_operation(view, model, name, found[name], f"op-{i}") for i, name in enumerate(sorted(found), start=1)]


def decision_for(view: View, model: str, operation: str) -> Decision:
    """What the standard tier does with any call of the operation; raises `InputError` where nobody can say."""
    call, standings = Call(operation, model=model), view.standings(operation)
    return choose(call, view.proofs.table, now=view.now, standings=standings, preferences=view.preferences)


def saves_of(told: Explanation) -> str:
    """The share of the baseline's cost that the choice saves: `67 %`, marked where prices are illustrative."""
    if told.chosen is None or told.saving <= 0:
        return wording.NONE
    marks = "".join(dict.fromkeys(wording.mark(each.endpoint) for each in (told.chosen, told.baseline)))
    return f"{ESTIMATED if told.estimated else ''}{percent(told.saving)}{marks}"


def _operation(view: View, model: str, name: str, entries: Mapping[str, SignalEntry], anchor: str) -> Operation:
    first = next(iter(entries.values()))
    axis = interval_svg.Axis.over(first.evidence.margin, (entry.evidence.interval for entry in entries.values()))
    try:
        decision = decision_for(view, model, name)
    except InputError as failure:
        lost = [_proof(view, entry, None, axis, chosen=False) for entry in entries.values()]
        return Operation(name, anchor, _facts(first), _count(lost), None, lost, interval_svg.head(axis), str(failure))
    told = explain(decision)
    proofs = []
    for candidate in told.candidates:
        entry = entries.get(candidate.endpoint.id)
        chosen = candidate is told.chosen
        if candidate is told.baseline or entry is None:
            proofs.append(_unjudged(view, name, candidate, axis, chosen=chosen, baseline=candidate is told.baseline))
        else:
            proofs.append(_proof(view, entry, candidate, axis, chosen=chosen))
    pick = _pick(view, decision, told, entries)
    return Operation(name, anchor, _facts(first), _count(proofs), pick, proofs, interval_svg.head(axis))


def _facts(entry: SignalEntry) -> str:
    evidence = entry.evidence
    levels = f"{percent(evidence.level)} sequences of the {evidence.metric} metric"
    return f"margin {evidence.margin * 100:.3g} pp · {levels} · claim: {entry.claim} · suite {evidence.suite[:19]}"


def _count(proofs: Sequence[Proof]) -> Mapping[str, int]:
    return Counter(each.word for each in proofs if not each.baseline)


def _pick(view: View, decision: Decision, told: Explanation, entries: Mapping[str, SignalEntry]) -> Pick:
    chosen = told.chosen
    then = " → ".join(option.id for option in decision.order[1:])
    if chosen is None:
        return Pick("nobody", "", "", 0.0, told.reason, then, "", "", "", certified=False, alarm=told.alarm)
    certified = chosen is not told.baseline
    entry = entries.get(chosen.endpoint.id)
    discount = chosen.endpoint.variant.batch_discount
    return Pick(
        variant=chosen.endpoint.id,
        precision=chosen.endpoint.quantization.label,
        saves=saves_of(told),
        saving=max(told.saving, 0.0),
        why=told.reason,
        then=then,
        since=_since(entry) if certified and entry is not None else "",
        valid=_valid(entry, view.now) if certified and entry is not None else "",
        batch=f"a further {percent(discount)} off" if discount else "queued at the same price",
        certified=certified,
        alarm=told.alarm,
    )


def _proof(
    view: View, entry: SignalEntry, candidate: Candidate | None, axis: interval_svg.Axis, *, chosen: bool
) -> Proof:
    evidence = entry.evidence
    outcome, word = _outcome(view, entry, candidate)
    live, live_n = _live(view, entry.variant.id, entry.operation)
    reason = candidate.reason if candidate is not None else entry.reason
    quantization = entry.variant.quantization if candidate is None else candidate.endpoint.quantization
    rests, valid = f"n = {counted(evidence.cases, 'case')}", _valid(entry, view.now) if entry.state == "green" else ""
    flips = f"{evidence.flips[0]:,} broke, {evidence.flips[1]:,} fixed"
    plain = reason == f"green: {entry.reason}"  # which the numbers have said
    certainty = f"e-value {e_value(evidence.e_green)}" if plain else ""
    return Proof(
        variant=entry.variant.id,
        precision=quantization.label,
        outcome=outcome,
        word=word,
        picture=interval_svg.picture(axis, evidence.delta, evidence.interval, outcome),
        delta=points(evidence.delta),
        interval=interval(evidence.interval),
        cases=", ".join(each for each in (rests, _judged(evidence.run, view.now), valid) if each),
        evidence=" · ".join(each for each in (flips, certainty) if each),
        since=f"{entry.state} {_since(entry)}",
        reason="" if plain else reason,
        cost=_cost(candidate),
        live=live,
        live_n=live_n,
        chosen=chosen,
        baseline=False,
    )


def _unjudged(
    view: View, operation: str, candidate: Candidate, axis: interval_svg.Axis, *, chosen: bool, baseline: bool
) -> Proof:
    """The baseline, which all are held against, and whoever is in the catalogue but not in the signal."""
    live, live_n = _live(view, candidate.endpoint.id, operation)
    return Proof(
        variant=candidate.endpoint.id,
        precision=candidate.endpoint.quantization.label,
        outcome="baseline" if baseline else "inconclusive",
        word="baseline" if baseline else "not judged",
        picture=interval_svg.reference(axis) if baseline else Markup(""),
        delta="",
        interval="",
        cases="",
        evidence="",
        since="",
        reason=candidate.reason,
        cost=_cost(candidate),
        live=live,
        live_n=live_n,
        chosen=chosen,
        baseline=baseline,
    )


def _outcome(view: View, entry: SignalEntry, candidate: Candidate | None) -> tuple[str, str]:
    """Green only while the router may use it: what has run out or changed is no longer proven, whatever it was."""
    if entry.state == "red":
        outcome = "red" if entry.evidence.beyond_margin or entry.verdict != "red" else "worse"
        return outcome, _WORDS[outcome]
    if entry.state == "green":
        if candidate is not None and candidate.eligible:
            return "green", "green"
        return "inconclusive", "expired" if entry.valid_until <= view.now else "not eligible"
    return "inconclusive", _WORDS["inconclusive"]


def _judged(run: str, now: datetime) -> str:
    """How long ago, as far as the run's name tells."""
    at = _time_of(run)
    return wording.ago(at, now) if at is not None else ""


@lru_cache(maxsize=1024)  # thousands of verdicts come from a few runs
def _time_of(run: str) -> datetime | None:
    if (found := _RUN.match(run)) is None:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _since(entry: SignalEntry) -> str:
    runs = f", {counted(entry.green_runs, 'run')}" if entry.state == "green" else ""
    return f"since {entry.since:%Y-%m-%d}{runs}"


def _valid(entry: SignalEntry, now: datetime) -> str:
    left = (entry.valid_until - now).total_seconds()
    return f"valid {wording.lately(left)} more" if left > 0 else f"ran out {wording.lately(-left)} ago"


def _cost(candidate: Candidate | None) -> str:
    if candidate is None or candidate.cost is None:
        return wording.NONE
    about = ESTIMATED if candidate.estimated else ""
    return f"{about}${candidate.cost * PER:.4f}{wording.mark(candidate.endpoint)}"


def _live(view: View, variant: str, operation: str) -> tuple[str, str]:
    """p50 / p95 to the first token (or of whole answers) and success on this operation, with n and age."""
    live = view.figures(variant, operation)
    if live.age is None:
        return wording.NONE, ""
    latency = live.latency if live.latency.n else live.duration
    return wording.both(latency), f"{wording.share(live.success)} · n = {live.success.n:,}, {wording.aged(live.age)}"
