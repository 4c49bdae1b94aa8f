"""The board in Markdown: GitHub's step summary, and the body of a comment on a pull request.

Both readers have a limit, and one that is broken loses everything: so the worst comes first, whole, and what has no
room is counted. Names are put into code, where GitHub neither mentions anybody nor follows an address.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from evalgate.gate import Board, FailOn
from evalgate.report import wording
from evalgate.report.ci.standing import Case, Route, standing, worst_first
from evalgate.report.terminal import WORDS
from evalgate.report.wording import counted, safe

MARKER = "<!-- evalgate -->"  # by which the comment is found again
SUMMARY_BYTES = 1000 * 1024  # GitHub takes 1024 KiB a step, and nothing of more
COMMENT_BYTES = 64_000  # GitHub takes 65,536 characters
_ROWS = 0.6  # of the room, for the table; the rest tells what broke
_TAIL = 600  # bytes that are kept for what is said at the end
_PLAIN = re.compile(r"[A-Za-z0-9_./:@+-]+")  # what nothing in a code span or a table's cell means anything else by
_ICONS = {"red": "❌", "worse": "🔻", "inconclusive": "❔", "green": "✅"}


def summary(board: Board, fail_on: FailOn, route: Route, *, limit: int = SUMMARY_BYTES) -> str:
    """The step summary, at most `limit` bytes of UTF-8 (≥ 4,096)."""
    return _document(board, fail_on, route, limit)


def comment(board: Board, fail_on: FailOn, route: Route, *, limit: int = COMMENT_BYTES) -> str:
    """The comment's body, which begins with the marker, at most `limit` bytes of UTF-8 (≥ 4,096)."""
    return f"{MARKER}\n{_document(board, fail_on, route, limit - len(MARKER) - 1)}"


def broken_summary(reason: str) -> str:
    """The summary, and but for its marker the comment, of a check that ended without a board."""
    text = html.escape(safe(reason, 2000, multiline=True), quote=False)
    return f"### evalgate: nobody was judged\n\n<pre>\n{text}\n</pre>\n"


def _document(board: Board, fail_on: FailOn, route: Route, limit: int) -> str:
    cases = worst_first(standing(board, fail_on))
    head = _head(board, fail_on, cases)
    compared = fail_on.before is not None
    room = limit - _size(head) - _TAIL
    rows, left = _fitting((_row(case, compared=compared) for case in cases), int(room * _ROWS))
    parts = [head, *([_titles(compared=compared), *rows] if cases else [])]
    if len(rows) < len(cases):
        parts.append(f"\n… and {counted(len(cases) - len(rows), 'more verdict')}: {_told(cases[len(rows) :])}\n")
    wrong = [case for case in cases if case.role != "passed"]
    blocks, _ = _fitting((_block(case, route) for case in wrong), room - int(room * _ROWS) + left)
    parts += ["\n" if blocks else "", *blocks]
    if len(blocks) < len(wrong):
        parts.append(f"\nWhat broke in {len(wrong) - len(blocks):,} more has no room here: `evalgate report`\n")
    return "".join(parts)


def _head(board: Board, fail_on: FailOn, cases: Sequence[Case]) -> str:
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
    margins = ", ".join(dict.fromkeys(wording.margin(each) for each in board.operations))
    sequences = " / ".join(dict.fromkeys(wording.levels(each) for each in board.operations))
    lines += [
        f"margin {margins} · Δ and its {sequences} confidence sequence in percentage points · exit code {code}",
        "",
    ]
    if any(wording.is_illustrative(case.board, case.verdict) for case in cases):
        lines += [wording.ILLUSTRATIVE_NOTE.replace("*", "\\*"), ""]
    return "\n".join(lines) + "\n"


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


def _fitting(parts: Iterable[str], room: int) -> tuple[list[str], int]:
    """As many from the first on as have room, and the room that is left; nothing comes after what had none."""
    taken: list[str] = []
    for part in parts:
        if (size := _size(part)) > room:
            break
        taken.append(part)
        room -= size
    return taken, room


def _code(text: str) -> str:
    """A name as code, whatever it holds: as a table's cell and within HTML as well."""
    shown = safe(text, 80) or "–"
    if _PLAIN.fullmatch(shown):
        return f"`{shown}`"
    return f"<code>{''.join(c if c.isalnum() or c in ' -' else f'&#{ord(c)};' for c in shown)}</code>"


def _size(text: str) -> int:
    return len(text.encode())
