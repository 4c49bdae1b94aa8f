"""What stands behind a board: cases, answers and scores, found in the store by what was asked and who was asked.

The store knows answers by hashes alone; which case one belongs to, only the suite can say. So these frames need the
suite that the run was made with, and refuse another.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, chain, repeat

from evalgate.errors import InputError
from evalgate.exchange import Answer
from evalgate.exchange.scalars import as_text
from evalgate.formats.written import as_json
from evalgate.frames.evidence import Row
from evalgate.gate import OperationBoard
from evalgate.plan import StoreMemory
from evalgate.store import Store, answer_key
from evalgate.store.past import costs_of
from evalgate.suite import Case, Suite


class MissingAnswersWarning(UserWarning):
    """Some answers that a verdict rests on are not in the store any more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that may have been asked, and of whom: a row without its answer. `whose` are its first columns."""

    key: str
    whose: Row


def asked_order(operation: OperationBoard, suite: Suite, store: Store) -> Suite:
    """The suite with its cases in the order in which they were asked, also where it has grown since the first check."""
    return suite.in_order_after(StoreMemory(store).order(operation.operation, operation.policy.seed))


def cases(operation: OperationBoard, suite: Suite) -> Iterator[Row]:
    """A row for each case of the suite, also for those that were not asked."""
    units = chain.from_iterable(repeat(number, size) for number, size in enumerate(suite.units))
    for position, (case, unit) in enumerate(zip(suite.cases, units, strict=True)):
        yield {
            "operation": operation.operation,
            "case_id": case.id,
            "position": position,
            "unit": unit,
            "input": as_text(case.input),
            "target": None if case.target is None else as_text(case.target),
            "metadata": as_json(case.metadata),
        }


def answers(operation: OperationBoard, suite: Suite, store: Store, run: str, at: float) -> Iterator[Row]:
    """A row for each answer that the run had; those that were bought after it (`at`) are not among them.

    Raises `InputError` when none is left of those that a verdict rests on, and warns when some are not.
    """
    asked = list(_asked(operation, suite))
    keys = [each.key for each in asked]
    found = {key: answer for key, answer in store.find(keys).items() if answer.answered_at <= at}
    _require(operation, asked, found, store, run)
    costs = costs_of(store, list(found))
    for each in asked:
        if each.key in found:
            answer = found[each.key]
            yield {**each.whose, **_told(answer), "cost_usd": float(costs.get(each.key, 0)), "key": each.key}


def scores(operation: OperationBoard, suite: Suite, store: Store, run: str, at: float) -> Iterator[Row]:
    """A row for each score of each of `answers`, as the graders of the run gave them."""
    names = ("operation", "variant", "role", "case_id", "position", "repeat", "counted", "key")
    had = [{name: row[name] for name in names} for row in answers(operation, suite, store, run, at)]
    found = store.scores([str(row["key"]) for row in had], operation.grading_hash)
    for row in had:
        for metric, score in found.get(str(row["key"]), {}).items():
            yield {**row, "metric": metric, "score": score}


def _asked(operation: OperationBoard, suite: Suite) -> Iterator[Asked]:
    """All that the run may have asked, side by side: the baseline, the baseline again, then each variant."""
    ends, repeats = [0, *accumulate(suite.units)], operation.policy.repeats
    again = operation.baseline_check.cases if operation.baseline_check is not None else 0
    longest = max((verdict.cases for verdict in operation.verdicts), default=0)
    sides = [("baseline", operation.baseline, 0, max(longest, again))]
    if operation.policy.baseline_check:
        sides.append(("again", operation.baseline, repeats, again))
    sides += [("variant", verdict.variant, 0, verdict.cases) for verdict in operation.verdicts]
    some = suite.cases[: ends[min(operation.available, len(suite.units))]]
    hashes = [suite.request(case).hash for case in some]
    for role, who, first, units in sides:
        counted = ends[min(units, len(suite.units))]
        for position, (case, request) in enumerate(zip(some, hashes, strict=True)):
            for each in range(first, first + repeats):
                whose = _whose(operation, who.id, role, case, position)
                key = answer_key(request, who.config, each)
                yield Asked(key, {**whose, "repeat": each - first, "counted": position < counted})


def _whose(operation: OperationBoard, variant: str, role: str, case: Case, position: int) -> dict[str, object]:
    return {
        "operation": operation.operation,
        "variant": variant,
        "role": role,
        "case_id": case.id,
        "position": position,
    }


def _told(answer: Answer) -> Row:
    served = answer.details.get("served_model")
    return {
        "text": answer.text,
        "kind": answer.kind,
        "finish_reason": answer.finish_reason,
        "failed": answer.failed,
        "error": answer.error,
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "latency_ms": answer.latency_ms or None,
        "answered_at": answer.answered_at,
        "served_model": served if isinstance(served, str) else None,
        "details": as_json(dict(answer.details)),
    }


def _require(
    operation: OperationBoard, asked: list[Asked], found: Mapping[str, Answer], store: Store, run: str
) -> None:
    there: dict[object, int] = {}
    for each in asked:
        if each.whose["counted"] and each.whose["role"] == "variant" and each.key in found:
            there[each.whose["variant"]] = there.get(each.whose["variant"], 0) + (not found[each.key].failed)
    wanted = {verdict.variant.id: verdict.usage.answers - verdict.usage.failed for verdict in operation.verdicts}
    missing = sum(max(count - there.get(name, 0), 0) for name, count in wanted.items())
    if not missing:
        return
    gone = f"of the {sum(wanted.values()):,} answers behind run {run} on {operation.operation}"
    why = "they were deleted, or bought anew since"
    if not found:
        message = f"store {store.name}: none {gone} is there any more: {why}"
        raise InputError(f"{message}; what the board says is left: verdicts, metrics, course and flips")
    warnings.warn(f"store {store.name}: {missing:,} {gone} are missing: {why}", MissingAnswersWarning, stacklevel=5)
