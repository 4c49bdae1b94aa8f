"""What the conformance test found, for people: a line for each rule, and what was seen below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from evalgate.conformance import Finding, Outcome
from evalgate.report.layout import print_hanging, print_line
from evalgate.report.wording import safe

_STYLE = {
    Outcome.KEPT: "green",
    Outcome.CAUTIOUS: "yellow",
    Outcome.NOT_TRIED: "dim",
    Outcome.NOT_SHOWN: "yellow",
    Outcome.BROKEN: "bold red",
}
_WIDTH = max(len(outcome) for outcome in Outcome) + 2
_INDENT = 2


def render_finding(finding: Finding, console: Console) -> None:
    """Print one rule: how it ended, the rule, and what was seen."""
    outcome = finding.outcome
    word = outcome.upper() if outcome is Outcome.BROKEN else str(outcome)
    line = Text.assemble((word.ljust(_WIDTH), _STYLE[outcome]), (finding.rule, "bold"), "  " + finding.text)
    print_hanging(console, line, _INDENT + _WIDTH, first=_INDENT)
    print_hanging(console, Text(safe(finding.detail, 400), "dim"), _INDENT + _WIDTH)


def render_summary(findings: Sequence[Finding], console: Console) -> None:
    """Print how many rules ended in which way, and how many calls that took."""
    counts = Counter(finding.outcome for finding in findings)
    parts = [f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]]
    print_line(console, Text())
    print_line(console, Text(" " * _INDENT + " · ".join([*parts, f"{sum(each.calls for each in findings):,} calls"])))


def findings_json(findings: Sequence[Finding]) -> dict[str, object]:
    """The findings as plain values."""
    return {
        "schema": "evalgate.conformance/v1",
        "findings": [
            {
                "rule": each.rule,
                "text": each.text,
                "outcome": str(each.outcome),
                "detail": each.detail,
                "calls": each.calls,
            }
            for each in findings
        ],
    }
