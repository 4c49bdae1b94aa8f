"""What earlier runs concluded: the verdicts that a board is compared with, and the line that they make over time.

A store may hold hundreds of boards of megabytes each. So only the ones that are compared are read with all that they
say; of the others four numbers of each verdict are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalgate.errors import InputError
from evalgate.gate import Board, OperationBoard, Verdict
from evalgate.report import wording

REMEMBERED = 20  # runs that are shown of a verdict's history, the one at hand among them


@dataclass(frozen=True, slots=True)
class Past:
    """One verdict of one run. `at` is in seconds since the epoch; `delta` and `interval` are shares of the score."""

    run: str
    at: float
    outcome: str
    delta: float
    interval: tuple[float, float]
    cases: int


@dataclass(frozen=True, slots=True)
class Before:
    """The verdicts of an operation that the ones at hand are compared with."""

    run: str
    at: float
    operation: OperationBoard


@dataclass(frozen=True)
class Chosen:
    """A board, what it is compared with by operation, and the history of each of its verdicts, the oldest first."""

    board: Board
    before: Mapping[str, Before] = field(default_factory=dict)
    history: Mapping[tuple[str, str], Sequence[Past]] = field(default_factory=dict)


def choose(
    boards: Iterable[Mapping[str, Any]],
    store: str,
    *,
    run: str | None = None,
    since: float | None = None,
    against: str | None = None,
) -> Chosen:
    """Pick the board of `run` (default: the newest) of `boards`, the newest first, and what it is compared with.

    Which is, for each operation, the newest verdicts before it: of the run `against`, or of `since` (seconds since the
    epoch) or earlier, where that is asked for. A run may be named by how it begins. Raises `InputError` when there is
    no such run; `store` is the name that it then tells.
    """
    board: Board | None = None
    before: dict[str, Before] = {}
    history: dict[tuple[str, str], list[Past]] = {}
    names: list[str] = []
    older, met = 0, against is None
    for data in boards:
        names.append(str(data.get("run")))
        if board is None:
            if run is None or names[-1].startswith(run):
                board = Board.from_json(data)
                _remember(board, history)
            continue
        if older < REMEMBERED - 1:
            _remember(_read(data), history)
        older += 1
        compared = names[-1].startswith(against) if against is not None else since is None or data["at"] <= since
        met = met or (against is not None and compared)
        wanted = {each.operation for each in board.operations} - before.keys()
        told = {each.get("operation") for each in data.get("operations", ())}
        if compared and wanted & told:
            earlier = Board.from_json(data)
            for each in earlier.operations:
                if each.operation in wanted:
                    before[each.operation] = Before(earlier.run, earlier.at, each)
        if (not wanted or against is not None) and met and older >= REMEMBERED - 1:
            break
    missing = run if board is None else against if not met else None
    if board is None and run is None:
        raise InputError(f"store {store}: no run yet; start with: evalgate check")
    if missing is not None or board is None:
        where = " before the other" if board is not None else ""
        raise InputError(f"store {store}: no run {missing!r}{where}; the newest are {', '.join(names[:5])}")
    mine = {(each.operation, verdict.variant.id) for each in board.operations for verdict in each.verdicts}
    return Chosen(board, before, {key: pasts[::-1] for key, pasts in history.items() if key in mine})


def in_order(boards: Iterable[Mapping[str, Any]], store: str, runs: Sequence[str]) -> tuple[str, str]:
    """The two `runs`, the older one first; raises `InputError` when one is not there, or both are one."""
    found: dict[str, str] = {}
    for data in boards:  # the newest first
        name = str(data.get("run"))
        for asked in runs:
            if asked not in found and name.startswith(asked):
                found[asked] = name
        if len(found) == len(set(runs)):
            break
    for asked in runs:
        if asked not in found:
            raise InputError(f"store {store}: no run {asked!r}; evalgate report shows the last one")
    newer, *older = dict.fromkeys(found.values())
    if not older:
        raise InputError(f"--compare: {newer} is compared with itself; name two runs")
    return older[0], newer


def _read(data: Mapping[str, Any]) -> Board | None:
    """An earlier board, None where a release that is too old or too new wrote it: history is worth no error."""
    from pydantic import ValidationError

    try:
        return Board.from_json(data)
    except ValidationError:
        return None


def _remember(board: Board | None, history: dict[tuple[str, str], list[Past]]) -> None:
    for each in board.operations if board is not None else ():
        for verdict in each.verdicts:
            if verdict.metrics:
                history.setdefault((each.operation, verdict.variant.id), []).append(_past(board, verdict))


def _past(board: Board | None, verdict: Verdict) -> Past:
    assert board is not None
    metric = verdict.worst
    return Past(board.run, board.at, wording.outcome(verdict), metric.delta, metric.interval, verdict.cases)
