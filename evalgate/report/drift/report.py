"""Gathers all that a drift report is made of, and writes its pages, one operation in memory at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalgate import stats
from evalgate.errors import InfrastructureError, InputError, StoreError
from evalgate.formats.files import write_atomically
from evalgate.gate import Board, Flip, OperationBoard, Verdict
from evalgate.report import wording
from evalgate.report.drift.changes import OperationChanges, changes
from evalgate.report.drift.consequences import Consequences
from evalgate.report.drift.evidence import Evidence
from evalgate.report.drift.past import Before, Past
from evalgate.report.drift.places import Places
from evalgate.report.drift.slices import Slice, groups, slices
from evalgate.report.drift.spread import Rate, Spread, rate, rates, spreads
from evalgate.report.drift.tokens import Agreement, agreement
from evalgate.report.kinds import faults_of_calls
from evalgate.report.side_by_side import Pair
from evalgate.suite import Case

A_PAGE = 50  # flips on one page
IN_ONE_FILE = 12  # flips of each variant, where all is in one file
IN_ALL = 10_000  # flips that a report shows side by side; a large one shows fewer of each variant
LEAST = 8  # of each variant
NUMBERS = (
    300_000  # answers whose length, latency and cost are looked up; of a large report only those to the first cases
)

Look = Callable[[OperationBoard], "Evidence | str"]


@dataclass(frozen=True)
class Report:
    """A board with all that a report says beside it.

    `look(operation)` gives what stands behind the verdicts of one, or says in a few words why there is nothing to see;
    `note` is what its author wants its readers to know.
    """

    board: Board
    consequences: Consequences
    look: Look
    before: Mapping[str, Before] = field(default_factory=dict)
    history: Mapping[tuple[str, str], Sequence[Past]] = field(default_factory=dict)
    note: str = ""

    @property
    def changes(self) -> list[OperationChanges]:
        """What changed since the verdicts before, by operation."""
        return changes(self.board, self.before)


@dataclass(frozen=True)
class Variant:
    """One variant on one operation, ready to be shown. `shown` are the flips with their answers, the worst first, and
    `in_slices` says in which slices a case is, by its id. `further`: of an open
    verdict, how many more cases a green takes at the least; 0: not known.
    """

    board: OperationBoard
    verdict: Verdict
    slices: Sequence[Slice] = ()
    spreads: Sequence[Spread] = ()
    rates: Sequence[Rate] = ()
    agreement: Agreement | None = None
    shown: Sequence[Pair] = ()
    in_slices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    further: int = 0
    past: Sequence[Past] = ()

    @property
    def broke(self) -> int:
        """How many cases broke."""
        return sum(flip.variant_score < flip.baseline_score for flip in self.verdict.flips)

    @property
    def pages(self) -> list[Sequence[Pair]]:
        """The flips page by page; one empty page where there are none."""
        return [self.shown[at : at + A_PAGE] for at in range(0, len(self.shown), A_PAGE)] or [()]


@dataclass(frozen=True)
class Operation:
    """One operation, ready to be shown; `unseen` says why answers are not."""

    board: OperationBoard
    variants: Sequence[Variant]
    unseen: str = ""

    @property
    def slice_names(self) -> list[str]:
        """Every slice that some variant has."""
        return list(dict.fromkeys(each.name for variant in self.variants for each in variant.slices))


def write_report(report: Report, path: Path) -> Places:
    """Write the report to `path` (a file `.html`, or a folder), each page as a whole or not at all.

    The board page comes last, so that whoever opens it finds what it links to. Pages of an earlier report in that
    folder which are not written again stay. Raises `InfrastructureError` when it cannot be written.
    """
    from evalgate.report.drift.pages import Pages

    places = Places.of(report.board, path)
    pages = Pages(report, places)
    whole: list[str] = []
    try:
        for operation in operations(report, one_file=places.folder is None):
            for name, text in pages.of_operation(operation):
                if places.folder is None:
                    whole.append(text)
                else:
                    _write(places.file(name), pages.page(text, name))
        write_atomically(places.root, pages.page(pages.of_board(), "", whole).encode())
    except OSError as failure:
        raise InfrastructureError(f"{path}: the report cannot be written: {failure.strerror}") from None
    return places


def _write(path: Path, text: str) -> None:
    """A page that can be written again at any time need not survive a power cut, which would cost a sync each; and
    nobody knows of a new one before the board is there, so only those that are replaced are replaced as a whole.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_bytes(text.encode())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def operations(report: Report, *, one_file: bool) -> Iterator[Operation]:
    """Every operation with what the store has of it, one after the other."""
    verdicts = sum(len(each.verdicts) for each in report.board.operations)
    most = IN_ONE_FILE if one_file else max(LEAST, IN_ALL // max(verdicts, 1))
    sample = max(A_PAGE, NUMBERS // max(verdicts, 1))
    for each in report.board.operations:
        evidence = report.look(each)
        if isinstance(evidence, str):
            yield Operation(each, [_unseen(report, each, verdict) for verdict in _ordered(each)], evidence)
            continue
        try:
            yield Operation(each, [*_seen(report, each, evidence, most, sample)])
        except (InputError, StoreError) as failure:  # cases or answers that are not what they were
            yield Operation(each, [_unseen(report, each, verdict) for verdict in _ordered(each)], str(failure))


def _ordered(board: OperationBoard) -> list[Verdict]:
    return wording.by_precision(board.verdicts)


def _unseen(report: Report, board: OperationBoard, verdict: Verdict) -> Variant:
    past = report.history.get((board.operation, verdict.variant.id), ())
    return Variant(board, verdict, rates=rates(verdict), past=past)


def _seen(report: Report, board: OperationBoard, evidence: Evidence, most: int, sample: int) -> Iterator[Variant]:
    """Each variant with `most` flips, and with distributions of its answers to the first `sample` cases, which are as
    good as any others: cases are asked in random order.
    """
    grouped = groups(evidence.cases)
    every: dict[str, list[str]] = {}
    for key, values in grouped.items():
        for value, ids in values.items():
            for case in ids:
                every.setdefault(case, []).append(f"{key}={value}")
    for verdict in _ordered(board):
        used = evidence.used(verdict)
        first = min(used, sample)
        compared = None
        if evidence.has_logprobs:
            compared = agreement(*(evidence.answers(facts, used) for facts in (board.baseline, verdict.variant)))
        yield Variant(
            board,
            verdict,
            slices=slices(board, verdict, evidence.cases[:used], grouped),
            spreads=spreads(evidence.baseline(first), evidence.numbers(verdict.variant, first)),
            rates=[*rates(verdict), *_faults(evidence, board, verdict, first)],
            agreement=compared,
            shown=evidence.pairs(verdict, worst_flips(verdict, most)),
            in_slices=every,
            further=_further(board, verdict, evidence.cases[:used]),
            past=report.history.get((board.operation, verdict.variant.id), ()),
        )


def _faults(evidence: Evidence, board: OperationBoard, verdict: Verdict, cases: int) -> Iterator[Rate]:
    """Shares of answers whose calls of tools have a fault, by its kind, where the suite offers tools."""
    if evidence.grading is None:
        return
    ours, theirs = (evidence.answers(facts, cases) for facts in (board.baseline, verdict.variant))
    found = faults_of_calls(evidence.grading, evidence.suite, evidence.cases[:cases], ours, theirs)
    for kind, (base, variant) in found.items():
        counts = base.with_fault.get(kind, 0), base.answers, variant.with_fault.get(kind, 0), variant.answers
        if (one := rate(f"calls: {kind}", *counts)) is not None:
            yield one


def _further(board: OperationBoard, verdict: Verdict, cases: Sequence[Case]) -> int:
    """Further cases until green at the least; of one metric and single cases, which is what flips tell exactly."""
    waits = verdict.outcome == "inconclusive" and verdict.cause in ("open", "limited", "budget")
    if not waits or board.policy.unit != "case" or board.policy.proofs > 1 or not cases:
        return 0
    moved = {flip.case_id: flip.variant_score - flip.baseline_score for flip in verdict.flips}
    differences = [moved.get(case.id, 0.0) for case in cases]
    needed = max(verdict.e_needed, 1.0 + 1e-9)
    found = stats.minimum_further_cases(differences, margin=board.policy.margin, threshold_green=needed)
    return found.green or 0


def worst_flips(verdict: Verdict, most: int) -> list[Flip]:
    """At most `most` flips, the largest loss first; where not all fit, a third of the room is for what was fixed."""
    ordered = sorted(verdict.flips, key=lambda flip: flip.variant_score - flip.baseline_score)
    count = Counter(flip.variant_score < flip.baseline_score for flip in ordered)
    if len(ordered) <= most:
        return ordered
    fixed = min(count[False], most // 3)
    broke = min(count[True], most - fixed)
    fixed = min(count[False], most - broke)
    return [*ordered[:broke], *ordered[len(ordered) - fixed :][::-1]] if fixed else ordered[:broke]
