"""What `evalgate watch` says while it works, and what its outcome is as JSON and as an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from evalgate.cli.output import write_json
from evalgate.plan import Contest
from evalgate.plan.watching import LEAST, MOST
from evalgate.report.wording import safe
from evalgate.watch import Outcome


class Lines:
    """Prints a line for each thing that happens (`evalgate.watch.Progress`); `apart`: stdout is for something else."""

    def __init__(self, *, quiet: bool, apart: bool = False) -> None:
        self._quiet, self._apart = quiet, apart

    def say(self, operation: str, what: str) -> None:
        """See `Progress`."""
        if not self._quiet or any(word in what for word in ("RED", "suspended", "no evidence")):
            click.echo(f"{safe(operation)}: {safe(what, 500)}", err=self._apart)


def promise(contest: Contest) -> str:
    """What the watch of an operation asks, and how often it may be wrong."""
    rules, suite = contest.suite.gate.watch, contest.suite
    hours = rules.every.total_seconds() / 3600
    period = "a day" if hours == 24 else f"in {hours:g} h"
    if rules.cases_per_day is None:
        cases = f"{LEAST * hours / 24:g} to {MOST * hours / 24:g} cases {period}, a tenth of its certification's"
    else:
        cases = f"{rules.cases_per_day * hours / 24:g} cases {period}"
    promised = f"a variant that has not changed is suspended at most once in {rules.run_length:g} days"
    return f"{safe(suite.operation)}: {cases}, of each green variant and of the baseline; {promised}"


def write_outcomes(outcomes: Sequence[Outcome], target: str) -> None:
    """As JSON."""
    operations = [{**asdict(each), "held": str(each.held) if each.held is not None else None} for each in outcomes]
    write_json({"operations": operations}, target)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """4 somebody could not be asked; else 1 one was proven worse; else 3 one was suspended; else 0."""
    if any(each.down for each in outcomes):
        return 4
    if any(each.red for each in outcomes):
        return 1
    return 3 if any(each.suspended for each in outcomes) else 0
