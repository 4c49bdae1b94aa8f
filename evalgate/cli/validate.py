"""`evalgate validate [SUITE…]`: whether suites measure what they should, found out without asking anybody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH, catalog_option, store_option, suite_paths

if TYPE_CHECKING:
    from evalgate.report.validation import Unusable
    from evalgate.validate import Validation
    from evalgate.validate.agreement import JudgeQuality


@click.command("validate")
@click.argument("suites", type=PATH, nargs=-1, metavar="[SUITE]…")
@click.option("--strict", is_flag=True, help="Exit code 2 also where there is something to look at.")
@click.option(
    "--max-cases", type=click.IntRange(min=1), default=10_000, show_default=True, help="Try so many of each suite."
)
@click.option("--no-prompt", is_flag=True, help="Do not show what is asked first.")
@click.option("--json", "json_path", metavar="FILE|-", help="Write all that was found as JSON; - is stdout.")
@click.option("--agreement", type=PATH, metavar="LABELS", help="Hold the judge of one SUITE against people's labels.")
@click.option("--metric", metavar="NAME", help="With --agreement: whose judge, where there are several.")
@catalog_option
@store_option
def command(
    suites: tuple[Path, ...],
    strict: bool,
    max_cases: int,
    no_prompt: bool,
    json_path: str | None,
    agreement: Path | None,
    metric: str | None,
    catalog_path: Path,
    store_name: str,
) -> int:
    """Try SUITES (default: those in suites/) on their own targets: every grader on the answer that each target means,
    on the answers of other cases, and on nonsense.

    Asks nobody and costs nothing, but with --agreement: the suite's judge is then asked about each labelled answer
    (twice, bought once), unless LABELS say what it said. Exit code 0: fine, or something to look at; 2: broken.
    """
    from evalgate.cli.output import write_json
    from evalgate.report.agreement import render_quality
    from evalgate.report.layout import console_for_output
    from evalgate.report.validation import Unusable, render_summary, render_unusable, render_validation
    from evalgate.suite.files import named

    found: list[Validation | Unusable] = []
    console = console_for_output()
    files = named(suite_paths(suites))
    if agreement is not None and len(files) != 1:
        raise click.UsageError("--agreement: name the one suite whose judge was labelled")
    if metric is not None and agreement is None:
        raise click.UsageError("--metric: belongs to --agreement")
    for path in files:
        each = _validated(path, max_cases)
        found.append(each)
        if json_path == "-":
            continue
        if isinstance(each, Unusable):
            render_unusable(each, console)
        else:
            render_validation(each, console, prompt=not no_prompt)
    broken = any(isinstance(each, Unusable) or each.broken or (strict and each.warned) for each in found)
    told: dict[str, object] = {"suites": [_as_json(each) for each in found]}
    if agreement is not None and not broken:
        held = _held(files[0], agreement, metric, catalog_path, store_name)
        if held is None:
            return 3
        told["agreement"] = held.to_json()
        broken = strict and bool(held.findings)
        if json_path != "-":
            render_quality(held, console)
    if json_path is not None:
        write_json(told, json_path)
    if json_path != "-":
        render_summary(found, console, asked=agreement is not None)
    return 2 if broken else 0


def _validated(path: Path, max_cases: int) -> Validation | Unusable:
    from evalgate.errors import InputError
    from evalgate.report.validation import Unusable
    from evalgate.suite import load_suite
    from evalgate.validate import validate

    try:
        return validate(load_suite(path), max_cases)
    except InputError as failure:
        return Unusable(str(path), str(failure))


def _held(path: Path, labels: Path, metric: str | None, catalog: Path, store: str) -> JudgeQuality | None:
    """None: the suite's budget was spent before the judge had said all."""
    from evalgate.cli.judge_quality import held_against_labels
    from evalgate.collect import BudgetSpentError

    try:
        return held_against_labels(path, labels, metric, catalog, store)
    except BudgetSpentError:
        told = "evalgate: the suite's budget is spent; what the judge said is kept. With a larger one the same goes on"
        click.echo(told, err=True)
        return None


def _as_json(found: Validation | Unusable) -> dict[str, object]:
    from evalgate.report.validation import Unusable

    if isinstance(found, Unusable):
        errors = [{"severity": "error", "place": "", "told": line} for line in found.told.splitlines()]
        return {"outcome": "broken", "path": found.path, "findings": errors}
    return found.to_json()
