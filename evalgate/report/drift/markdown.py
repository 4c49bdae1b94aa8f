"""The report in short, for a pull request: Markdown of at most 64 KiB, the worst first.

Forges render Markdown with HTML in it, so what models, datasets and catalogues wrote could mark up, link or mention
people. Every text from outside stands in a code span that it cannot leave: its backticks are replaced, and whatever is
not printable is made visible, as everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from evalgate.gate import OperationBoard, Verdict
from evalgate.report import wording
from evalgate.report.drift.changes import Change
from evalgate.report.drift.consequences import SUSPECT, baseline_told, steps, suspect, worst_first
from evalgate.report.drift.report import Report
from evalgate.report.next_step import next_step

LIMIT = 64 * 1024 - 512  # bytes; the forges take 65,536 and refuse what is longer as a whole
MARKER = "<!-- evalgate drift report -->"  # by which a comment is found again
_ICONS = {"green": "🟢", "red": "🔴", "worse": "🟠", "inconclusive": "⚪"}
_TABLE = [
    "",
    "| | operation | variant | Δ pp | sequence | n | flips | saves |",
    "|---|---|---|---:|---:|---:|---:|---:|",
]


def summary(report: Report, limit: int = LIMIT) -> str:
    """The summary, at most `limit` bytes: what does not fit is counted at the end, and the last to be left out is what
    broke.
    """
    blocks = [_head(report), *_blocks(report)]
    text, left = "", 0
    for block in blocks:
        kept: list[str] = []
        room = limit - len(text.encode()) - 300
        for number, line in enumerate(block):
            room -= len(line.encode()) + 1
            if room < 0:
                left += sum(each.startswith(("|", "-")) for each in block[number:])
                break
            kept.append(line)
        if any(line and not line.startswith(("#", "|---", "| |")) for line in kept):
            text += "\n".join(kept) + "\n"
    return text + (f"\n… and {left:,} more lines, which the HTML report has.\n" if left else "")


def _head(report: Report) -> list[str]:
    board = report.board
    verdicts = [verdict for each in board.operations for verdict in each.verdicts]
    count = Counter(map(wording.outcome, verdicts))
    told = " · ".join(f"{_ICONS[outcome]} {count[outcome]} {outcome}" for outcome in _ICONS if count[outcome])
    at = datetime.fromtimestamp(board.at, UTC)
    found = [change for each in report.changes for change in each.changes]
    fell = sum(change.for_worse for change in found)
    changed = f"{wording.counted(len(found), 'change')} since the run before, {fell} for the worse" if found else ""
    since = changed or ("nothing changed since the run before" if report.changes else "no earlier run to compare with")
    return [
        MARKER,
        f"### {count['green']} of {len(verdicts)} verdicts green",
        "",
        told,
        "",
        f"Run {_code(board.run)}, {at:%Y-%m-%d %H:%M} UTC; {since}.",
        "",
    ]


def _blocks(report: Report) -> Iterator[list[str]]:
    board = report.board
    if worst := worst_first(board):
        yield ["#### What broke", *_TABLE, *(_row(each, verdict) for each, verdict in worst), ""]
        suspects = [(each, verdict) for each, verdict in worst if suspect(verdict)]
        if suspects:
            who = ", ".join(
                f"{_code(verdict.variant.id)} on {_code(each.operation)}" for each, verdict in suspects[:10]
            )
            yield [f"{who}: {SUSPECT}", ""]
    changed = [change for each in report.changes for change in each.changes]
    if changed:
        yield [
            "#### What changed",
            "",
            *(_change(each) for each in sorted(changed, key=lambda one: not one.for_worse)),
            "",
        ]
    if open_steps := steps(board):
        lines = []
        for step in open_steps:
            who = ", ".join(f"{_code(variant)} on {_code(operation)}" for operation, variant in step.who[:6])
            more = f" and {len(step.who) - 6} more" if len(step.who) > 6 else ""
            lines.append(f"- {who}{more}: {_code(step.why)} Next: {_code(step.step)}")
        yield ["#### What next", "", *lines, ""]
    yield [
        "#### What it saves",
        "",
        "| operation | cheapest green | saves | router | baseline against itself |",
        "|---|---|---:|---|---|",
        *(_saves(report, each) for each in board.operations),
        "",
    ]
    greens = [(e, v) for e in board.operations for v in e.verdicts if v.outcome != "red"]
    if greens:
        yield ["#### All others", *_TABLE, *(_row(each, verdict) for each, verdict in greens), ""]
    if any(wording.is_illustrative(each, verdict) for each in board.operations for verdict in each.verdicts):
        yield [f"\\{wording.ILLUSTRATIVE_NOTE}", ""]
    if worst:
        yield [f"Next: {_code(next_step(*worst[0]), 400)}", ""]


def _row(board: OperationBoard, verdict: Verdict) -> str:
    metric, outcome = verdict.worst, wording.outcome(verdict)
    cells = (
        f"{_ICONS[outcome]} {outcome}",
        _code(board.operation),
        _code(verdict.variant.id),
        wording.points(metric.delta),
        wording.interval(metric.interval),
        f"{verdict.cases:,}",
        f"−{metric.broke} +{metric.fixed}",
        wording.saving(board, verdict).replace("*", "\\*"),
    )
    return f"| {' | '.join(cells)} |"


def _saves(report: Report, board: OperationBoard) -> str:
    best = wording.cheapest_green(board)
    name, saving = (_code(best.variant.id), wording.saving(board, best).replace("*", "\\*")) if best else ("none", "–")
    route = _code(report.consequences.route(board.operation), 200)
    return f"| {_code(board.operation)} | {name} | {saving} | {route} | {_code(baseline_told(board), 200)} |"


def _change(change: Change) -> str:
    who = f"{_code(change.variant)} on {_code(change.operation)}"
    if change.was is None or change.now is None:
        verdict = change.now or change.was
        assert verdict is not None
        return f"- {who}: {change.kind}, {wording.outcome(verdict)}"
    was, now = wording.outcome(change.was), wording.outcome(change.now)
    moved = f"Δ {wording.points(change.was.worst.delta)} → {wording.points(change.now.worst.delta)} pp"
    anew = f"; {wording.counted(len(change.anew), 'case')} broken anew" if change.anew else ""
    what = {"verdict": f"{was} → {now}", "configured": f"configured otherwise, {now}"}.get(change.kind, f"still {now}")
    sure = f"{wording.interval(change.now.worst.interval)}, n {change.now.cases:,}"
    return f"- {_ICONS[now]} {who}: {what}, {moved} {sure}{anew}"


def _code(text: str, limit: int = 80) -> str:
    """A code span that its text cannot leave, in a table or out of it."""
    shown = wording.safe(text, limit).replace("`", "ˋ").replace("|", "¦").strip() or " "
    return f"`{shown}`"
