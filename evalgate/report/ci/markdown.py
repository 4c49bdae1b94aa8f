"""The board in Markdown: GitHub's step summary, and the body of a comment on a pull request.

Both readers have a limit, and one that is broken loses everything: so the worst comes first, whole, and what has no
room is counted. Names are put into code, where GitHub neither mentions anybody nor follows an address.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from evalgate.gate import Board, FailOn, OperationBoard
from evalgate.report import wording
from evalgate.report.ci.standing import Case, Route, standing, worst_first
from evalgate.report.drift.changes import Change, OperationChanges
from evalgate.report.drift.consequences import Step, baseline_told, steps
from evalgate.report.terminal import WORDS
from evalgate.report.wording import counted, safe

MARKER = "<!-- evalgate -->"  # by which the comment is found again
SUMMARY_BYTES = 1000 * 1024  # GitHub takes 1024 KiB a step, and nothing of more
COMMENT_BYTES = 64_000  # GitHub takes 65,536 characters
_TAIL = 600  # bytes that are kept for what is said at the end
_PLAIN = re.compile(
    r"[A-Za-z0-9_./:@+,;%=()−–…-]+( [A-Za-z0-9_./:@+,;%=()−–…-]+)*"
)  # inert in a code span, in a table too
_ICONS = {"red": "❌", "worse": "🔻", "inconclusive": "❔", "green": "✅"}
_SAVES = (
    "\n#### What it saves\n\n| operation | cheapest green | saves | router | baseline against itself |\n"
    "|---|---|--:|---|---|\n"
)
_WHO = 6  # variants that are named of those that take the same step

Since = Sequence[OperationChanges] | None  # what changed since the verdicts before; None: nobody looked


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the document. Its `lines`, `count` of them, are made as long as there is room: `share` of what is left.
    `more` says how many have none.
    """

    title: str
    count: int
    lines: Iterable[str]
    share: float
    more: str = "\n… and {:,} more, which `evalgate report` has\n"


def summary(board: Board, fail_on: FailOn, route: Route, since: Since = None, *, limit: int = SUMMARY_BYTES) -> str:
    """The step summary, at most `limit` bytes of UTF-8 (≥ 4,096)."""
    cases = worst_first(standing(board, fail_on))
    text = _head(board, fail_on, cases, since)
    room = limit - _size(text) - _TAIL
    for section in _sections(board, fail_on, cases, route, since):
        shown = _fitting(section.lines, int(room * section.share) - _size(section.title))
        part = section.title * bool(shown) + "".join(shown)
        if hidden := section.count - len(shown):
            part += section.more.format(hidden, _told(cases[len(shown) :]))
        text, room = text + part, room - _size(part)
    return text


def comment(board: Board, fail_on: FailOn, route: Route, since: Since = None, *, limit: int = COMMENT_BYTES) -> str:
    """The comment's body, which begins with the marker, at most `limit` bytes of UTF-8 (≥ 4,096)."""
    return f"{MARKER}\n{summary(board, fail_on, route, since, limit=limit - len(MARKER) - 1)}"


def broken_summary(reason: str) -> str:
    """The summary, and but for its marker the comment, of a check that ended without a board."""
    text = html.escape(safe(reason, 2000, multiline=True), quote=False)
    return f"### evalgate: nobody was judged\n\n<pre>\n{text}\n</pre>\n"


def _sections(board: Board, fail_on: FailOn, cases: Sequence[Case], route: Route, since: Since) -> Iterator[_Section]:
    compared = fail_on.before is not None
    rows = (_row(case, compared=compared) for case in cases)
    yield _Section(_titles(compared=compared), len(cases), rows, 0.5, "\n… and {:,} more verdicts: {}\n")
    changed = sorted(chain.from_iterable(each.changes for each in since or ()), key=lambda change: not change.for_worse)
    yield _Section("\n#### What changed\n\n", len(changed), map(_change, changed), 0.3)
    next_steps = steps(board)
    yield _Section("\n#### What next\n\n", len(next_steps), map(_step, next_steps), 0.3)
    saves = (_saves(each, route) for each in board.operations)
    yield _Section(_SAVES, len(board.operations), saves, 0.3)
    wrong = [case for case in cases if case.role != "passed"]
    more = "\nWhat broke in {:,} more has no room here: `evalgate report`\n"
    yield _Section("\n#### What broke\n\n", len(wrong), (_block(case, route) for case in wrong), 1.0, more)


def _head(board: Board, fail_on: FailOn, cases: Sequence[Case], since: Since) -> str:
    code = fail_on.exit_code(board)
    if not cases:
        return "### evalgate: nothing was judged\n\n"
    result = {0: "passed", 1: "failed", 3: "inconclusive", 4: "could not ask everybody"}[code]
    lines = [f"### evalgate: {result} · {_told(cases)}", ""]
    known = sum(case.known for case in cases)
    if known:
        lines.append(f"{counted(known, 'verdict')} not green, but no worse than published before: no failure.")
        lines.append("")
    for each in board.operations:
        if each.baseline_check is not None and each.baseline_check.outcome != "green":
            lines += [f"{_code(each.operation)}: suite unfit, nobody can be judged by it yet.", ""]
    if since is not None:
        lines += [_since(since), ""]
    margins = ", ".join(dict.fromkeys(wording.margin(each) for each in board.operations))
    sequences = " / ".join(dict.fromkeys(wording.levels(each) for each in board.operations))
    lines += [
        f"margin {margins} · Δ and its {sequences} confidence sequence in percentage points · exit code {code}",
        "",
    ]
    if any(wording.is_illustrative(case.board, case.verdict) for case in cases):
        lines += [wording.ILLUSTRATIVE_NOTE.replace("*", "\\*"), ""]
    return "\n".join(lines) + "\n"


def _since(since: Sequence[OperationChanges]) -> str:
    found = [change for each in since for change in each.changes]
    if not since:
        return "There is no earlier run to compare with."
    if not found:
        return "Nothing changed since the run before."
    fell = sum(change.for_worse for change in found)
    return f"{counted(len(found), 'change')} since the run before, {fell} for the worse."


def _titles(*, compared: bool) -> str:
    before = " before |" if compared else ""
    lines = f"| | operation | variant |{before} score | Δ pp | sequence | cases | flips | saves |\n"
    return lines + f"|---|---|---|{'---|' if compared else ''}--:|--:|--:|--:|--:|--:|\n"


def _row(case: Case, *, compared: bool) -> str:
    board, verdict = case.board, case.verdict
    metric = verdict.worst
    scores = f"{wording.score(metric.baseline_score)}→{wording.score(metric.variant_score)}"
    cells = [
        f"{_ICONS[verdict.word]} {'not asked' if case.role == 'error' else WORDS[verdict.word]}",
        _code(board.operation),
        _code(verdict.variant.id),
        *([WORDS[case.before.word] if case.before is not None else "–"] if compared else []),
        scores,
        wording.points(metric.delta),
        wording.interval(metric.interval),
        f"{verdict.cases}/{board.available}",
        f"−{metric.broke} +{metric.fixed}",
        wording.saving(board, verdict).replace("*", "\\*"),
    ]
    return f"| {' | '.join(cells)} |\n"


def _block(case: Case, route: Route) -> str:
    names = (f"<code>{html.escape(safe(name, 80))}</code>" for name in (case.board.operation, case.verdict.variant.id))
    title = f"{WORDS[case.verdict.word]} {' · '.join(names)}"
    text = html.escape(case.message(route), quote=False)
    return f"<details><summary>{title}</summary>\n\n<pre>\n{text}\n</pre>\n\n</details>\n\n"


def _told(cases: Iterable[Case]) -> str:
    """`15 green · 1 RED · 12 worse`."""
    count = Counter(case.verdict.word for case in cases)
    return " · ".join(
        f"{count[word]:,} {WORDS[word]}" for word in ("red", "worse", "inconclusive", "green") if count[word]
    )


def _change(change: Change) -> str:
    who = f"{_code(change.variant)} on {_code(change.operation)}"
    if change.was is None or change.now is None:
        verdict = change.now or change.was
        assert verdict is not None
        return f"- {_ICONS[verdict.word]} {who}: {change.kind}, {WORDS[verdict.word]}\n"
    was, now = WORDS[change.was.word], WORDS[change.now.word]
    moved = f"Δ {wording.points(change.was.worst.delta)} → {wording.points(change.now.worst.delta)} pp"
    anew = f"; {counted(len(change.anew), 'case')} broken anew" if change.anew else ""
    what = {"verdict": f"{was} → {now}", "configured": f"configured otherwise, {now}"}.get(change.kind, f"still {now}")
    sure = f"{wording.interval(change.now.worst.interval)}, n {change.now.cases:,}"
    return f"- {_ICONS[change.now.word]} {who}: {what}, {moved} {sure}{anew}\n"


def _step(step: Step) -> str:
    who = ", ".join(f"{_code(variant)} on {_code(operation)}" for operation, variant in step.who[:_WHO])
    more = f" and {len(step.who) - _WHO} more" if len(step.who) > _WHO else ""
    return f"- {who}{more}: {_code(step.why, 300)} Next: {_code(step.step, 300)}\n"


def _saves(board: OperationBoard, route: Route) -> str:
    best = wording.cheapest_green(board)
    name, saving = (_code(best.variant.id), wording.saving(board, best).replace("*", "\\*")) if best else ("none", "–")
    told = (_code(board.operation), name, saving, _code(route(board.operation), 200), _code(baseline_told(board), 200))
    return f"| {' | '.join(told)} |\n"


def _fitting(parts: Iterable[str], room: int) -> list[str]:
    """As many from the first on as have room; nothing comes after what had none."""
    taken: list[str] = []
    for part in parts:
        room -= _size(part)
        if room < 0:
            break
        taken.append(part)
    return taken


def _code(text: str, limit: int = 80) -> str:
    """A text as code, whatever it holds: as a table's cell and within HTML as well."""
    shown = safe(text, limit).strip() or "–"
    if _PLAIN.fullmatch(shown):
        return f"`{shown}`"
    return f"<code>{''.join(c if c.isalnum() or c in ' -' else f'&#{ord(c)};' for c in shown)}</code>"


def _size(text: str) -> int:
    return len(text.encode())
