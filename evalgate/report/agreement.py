"""A judge held against people, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from evalgate.report.layout import print_hanging, print_line, print_table
from evalgate.report.validation import print_finding
from evalgate.report.wording import counted, percent, safe
from evalgate.stats.agreement import Agreement
from evalgate.validate.agreement import JudgeQuality

_WIDTH = len("both say the same") + 2
_MOST = 11  # categories of a table


def render_quality(found: JudgeQuality, console: Console) -> None:
    """Print the confusion, the agreement with its intervals of 95 %, and what the last check's shares may mean."""
    head = f"judge {safe(found.judge)} · {safe(found.metric)} · {counted(found.people.items, 'labelled answer')}"
    print_line(console, Text(head, "bold"))
    _print_confusion(found.people, console)
    _line("both say the same", percent(found.people.observed), console)
    _line("Cohen's κ", _kappa(found.people), console)
    _line("Gwet's AC1", _with_interval(found.people.ac1, found.people.ac1_interval), console)
    if found.sensitivity is not None and found.specificity is not None:
        told = f"{percent(found.sensitivity)} of what is right, {percent(found.specificity)} of what is wrong"
        _line("it finds", told, console)
    if found.again is not None:
        told = f"{percent(found.again.observed)} the same, κ {_kappa(found.again)}"
        _line("asked twice", told, console)
    if found.opinions:
        told = "the last check's shares, and what lies behind them after Rogan–Gladen; decides nothing"
        print_hanging(console, Text(told, "dim"), 2)
        rows = [[Text(cell, "dim") for cell in ("variant", "judged", "corrected", "95 %", "cases")]]
        for each in found.opinions:
            cells = [Text(safe(each.variant)), Text(f"{each.share:.3f}")]
            corrected = (
                ("no better than chance", "")
                if each.corrected is None
                else (
                    f"{each.corrected.share:.3f}",
                    f"[{each.corrected.interval[0]:.3f}, {each.corrected.interval[1]:.3f}]",
                )
            )
            rows.append([*cells, *map(Text, corrected), Text(str(each.cases))])
        print_table(console, rows, [False, True, True, True, True])
    for finding in found.findings:
        print_finding(finding, console)
    print_line(console, Text())


def _print_confusion(people: Agreement, console: Console) -> None:
    names: Sequence[str] = people.categories[:_MOST]
    rows = [[Text("people ↓  judge →", "dim"), *(Text(safe(name, 12), "dim") for name in names)]]
    for label in names:
        counts = [people.confusion.get((label, said), 0) for said in names]
        cells = [
            Text(str(n), "" if label == said else "yellow" if n else "dim")
            for n, said in zip(counts, names, strict=True)
        ]
        rows.append([Text(safe(label, 12)), *cells])
    print_table(console, rows, [False, *([True] * len(names))])


def _line(name: str, told: str, console: Console) -> None:
    print_hanging(console, Text.assemble((name.ljust(_WIDTH), "dim"), told), 2 + _WIDTH, first=2)


def _kappa(found: Agreement) -> str:
    if found.kappa is None or found.kappa_interval is None:
        return "not defined: all is one category"
    return _with_interval(found.kappa, found.kappa_interval)


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f}  [{interval[0]:.3f}, {interval[1]:.3f}]"
