"""`evalgate compare BASELINE VARIANT`: the verdict on two runs that exist already, in other tools' files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH

if TYPE_CHECKING:
    from rich.console import Console

    from evalgate.integrations.compare import Comparison


@click.command("compare")
@click.argument("baseline", type=PATH)
@click.argument("variant", type=PATH)
@click.option("--margin", type=float, required=True, help="How much worse still counts as as good, such as 0.02.")
@click.option("--alpha", type=float, default=0.05, show_default=True, help="Allowed share of false green.")
@click.option("--beta", type=float, default=0.05, show_default=True, help="Allowed share of false red.")
@click.option("--claim", type=click.Choice(["traffic", "suite"]), default="traffic", show_default=True)
@click.option("--metric", help="Which metric to compare, when the files have several.")
@click.option("--design", type=click.Choice(["sequential", "fixed"]), default="sequential", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Fixes the random order of the cases.")
@click.option("--json", "json_path", metavar="FILE|-", help="Write the result as JSON; - is stdout.")
def command(
    baseline: Path,
    variant: Path,
    margin: float,
    alpha: float,
    beta: float,
    claim: str,
    metric: str | None,
    design: str,
    seed: int,
    json_path: str | None,
) -> int:
    """Say whether VARIANT's run proves that it is as good as BASELINE's, case by case.

    Reads JSONL and CSV with id and score (optional: metric, cluster, cost), Inspect AI logs (.eval, .json),
    lm-evaluation-harness samples (.jsonl) and promptfoo results (.json; several providers: FILE#PROVIDER). Exit codes
    as for check: 0 green, 1 red, 2 usage, 3 inconclusive.
    """
    from evalgate.cli.output import write_json
    from evalgate.integrations.compare import compare
    from evalgate.integrations.logs.pairing import pair
    from evalgate.integrations.scores import read_scores
    from evalgate.report.layout import console_for_output

    tables = read_scores(baseline, metric=metric), read_scores(variant, metric=metric)
    paired = pair(*tables, metric)
    result = compare(paired, margin=margin, alpha=alpha, beta=beta, claim=claim, design=design, seed=seed)  # type: ignore[arg-type]  # click has checked both choices
    if json_path is not None:
        write_json(result.to_json(), json_path)
    if json_path != "-":
        _print(result, tables[0].path, tables[1].path, console_for_output())
    return result.exit_code


def _print(result: Comparison, baseline: Path, variant: Path, console: Console) -> None:
    from rich.text import Text

    from evalgate.report import wording
    from evalgate.report.layout import print_line

    colour = {"green": "bold green", "red": "bold red"}.get(result.verdict, "bold yellow")
    said = {"green": "proven not worse", "red": "proven worse", "inconclusive": "neither proven"}[result.verdict]
    kind = "sequence" if result.design == "sequential" else "score interval"
    evidence = (
        f"e-value for green {wording.e_value(result.e_green or 0)}, for red {wording.e_value(result.e_red or 0)}"
        if result.design == "sequential"
        else f"p-value for green {result.p_green:.3g}, for red {result.p_red:.3g}"
    )
    used = f"{result.cases} of {result.available} cases used"
    lines = [
        Text.assemble((result.verdict.upper(), colour), f"  {variant.name} against {baseline.name}: {said}"),
        Text(
            f"     {result.metric}   Δ {wording.points(result.delta)} pp   {wording.percent(result.level)} {kind} "
            f"{wording.interval(result.interval)}   margin −{result.margin * 100:g} pp"
        ),
        Text(f"     {used}: {result.broke} broke, {result.fixed} fixed · {evidence}"),
    ]
    if result.note:
        lines.append(Text(f"     {result.note}"))
    for line in lines:
        print_line(console, line)
