"""What routers do with a board, until when, and what that saves: the answers to "so what" for each operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from evalgate.gate import Board, OperationBoard, Usage, Verdict
from evalgate.report import wording
from evalgate.report.drift.pictures import Priced
from evalgate.report.next_step import next_step
from evalgate.report.wording import safe
from evalgate.signal import SignalDocument


@dataclass(frozen=True, slots=True)
class Consequences:
    """What is said beside the verdicts: `route(operation)` in a few words, and the document that the board makes."""

    document: SignalDocument
    route: Callable[[str], str]

    def valid_until(self, board: OperationBoard, verdict: Verdict) -> datetime | None:
        """When a green runs out; None where nothing is green for routers."""
        entry = self.document.entry(board.operation, verdict.variant.id)
        return entry.valid_until if entry is not None and entry.state == "green" else None

    def waits(self, board: OperationBoard, verdict: Verdict) -> bool:
        """Whether routers do not use a green yet: after a red, one pass is not enough."""
        entry = self.document.entry(board.operation, verdict.variant.id)
        return verdict.outcome == "green" and entry is not None and entry.state != "green"

    def expires(self, board: OperationBoard) -> datetime | None:
        """When the first of an operation's greens runs out."""
        times = [until for verdict in board.verdicts if (until := self.valid_until(board, verdict))]
        return min(times, default=None)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and for whom: (operation, variant). `why` is the reason of the first of them."""

    step: str
    why: str
    outcome: str
    who: tuple[tuple[str, str], ...]


def steps(board: Board) -> list[Step]:
    """What to do about verdicts that are not proven, one line for all that take the same step; the most first."""
    found: dict[str, list[tuple[OperationBoard, Verdict]]] = {}
    for each in board.operations:
        for verdict in each.verdicts:
            if verdict.outcome == "inconclusive":
                found.setdefault(next_step(each, verdict), []).append((each, verdict))
    made = [
        Step(step, safe(who[0][1].reason, 300), "inconclusive", tuple((e.operation, v.variant.id) for e, v in who))
        for step, who in found.items()
    ]
    return sorted(made, key=lambda each: -len(each.who))


SUSPECT = "Suspect how it is served (template, context, token limit), not its quantization."


def suspect(verdict: Verdict) -> bool:
    """Whether a loss points at how the variant is served: another prompt or model, or answers that are cut off."""
    return verdict.outcome != "green" and bool(verdict.suspicions or wording.truncates_more(verdict))


def known(verdict: Verdict) -> list[str]:
    """What to know of a variant that broke: what was noticed, and the cases that lost most."""
    told = [*wording.remarks(verdict), *([SUSPECT.rstrip(".")] if suspect(verdict) else [])]
    broke = sorted(
        (flip for flip in verdict.flips if flip.variant_score < flip.baseline_score),
        key=lambda flip: flip.variant_score - flip.baseline_score,
    )
    cases = ", ".join(
        f"{safe(flip.case_id, 40)} {wording.change(flip.baseline_score, flip.variant_score)}" for flip in broke[:3]
    )
    return [*told, *([f"e.g. {cases}"] if cases else [])]


def spent(board: Board) -> float:
    """USD that the answers behind the verdicts cost at the catalogue's prices, where those are known; the baseline's
    are counted once, as often as the longest proof took them, and its second answers are left out.
    """
    total = 0.0
    for each in board.operations:
        usages = [verdict.usage for verdict in each.verdicts]
        usages += (
            [max((verdict.baseline_usage for verdict in each.verdicts), key=lambda one: one.answers)] if usages else []
        )
        total += sum((one.cost_usd or 0.0) * one.answers for one in usages)
    return total


def settles(board: Board, step: Step, further: Mapping[tuple[str, str], int]) -> str:
    """What would settle a step's open verdicts: the nearest of them to a proof, and how many cases that takes.

    `further` are the least further cases by operation and variant, where they are known.
    """
    known = [(count, who) for who in step.who if (count := further.get(who))]
    if known:
        count, (operation, variant) = min(known)
        nearest = f"{safe(variant)} on {safe(operation)}"
        return f"Nearest to a proof: {nearest}, with {count:,} more cases at the least, none of them broken."
    found = [
        (verdict.e_value, verdict.e_needed, verdict.variant.id)
        for each in board.operations
        for verdict in each.verdicts
        if (each.operation, verdict.variant.id) in step.who and verdict.cases
    ]
    if not found:
        return ""
    e_value, needed, name = max(found, key=lambda one: one[0] / max(one[1], 1.0))
    return f"Nearest to a proof: {safe(name)}, e-value {wording.e_value(e_value)} of {wording.e_value(needed)}."


def per_call(usage: Usage) -> float | None:
    """USD per successful call: what calls cost that failed is not known, so only their answers are missing."""
    answered = 1 - usage.failed / usage.answers if usage.answers else 0.0
    return usage.cost_usd / answered if usage.cost_usd is not None and answered > 0 else None


def priced(board: OperationBoard) -> list[Priced]:
    """The baseline and every variant whose cost is known, for the picture."""
    longest = max(board.verdicts, key=lambda verdict: verdict.cases, default=None)
    if longest is None:
        return []
    found = []
    if (cost := per_call(longest.baseline_usage)) is not None:
        found.append(Priced(f"{safe(board.baseline.id, 16)} ■", "baseline", 1000 * cost, 0.0, (0.0, 0.0)))
    for verdict in board.verdicts:
        if (cost := per_call(verdict.usage)) is not None and verdict.metrics:
            metric = verdict.worst
            name = safe(verdict.variant.id, 20)
            found.append(Priced(name, wording.outcome(verdict), 1000 * cost, metric.delta, metric.interval))
    return found


def baseline_told(board: OperationBoard) -> str:
    """The baseline held against itself (A/A), in one line."""
    check = board.baseline_check
    if check is None:
        return "not held against itself"
    apart = ", hours apart" if check.hours_apart else ""
    flips = f"differs from itself on {wording.percent(check.flip_rate)} of {check.cases:,} cases{apart}"
    if check.outcome == "green":
        return f"equal to itself: {flips}"
    return f"suite unfit: {flips}, {'changed' if check.outcome == 'red' else 'not proven equal'}"


def worst_first(board: Board) -> Sequence[tuple[OperationBoard, Verdict]]:
    """The reds: those beyond the margin before those that are worse, the largest proven loss first."""
    reds = [(each, verdict) for each in board.operations for verdict in each.verdicts if verdict.outcome == "red"]
    return sorted(reds, key=lambda pair: (not pair[1].beyond_margin, pair[1].worst.interval[1], pair[1].worst.delta))
