"""`evalgate plan [SUITE…]`: what a check will take and what it can prove, before a cent is spent."""

from __future__ import annotations

from pathlib import Path

import click

from evalgate.cli.options import PATH, catalog_option, store_option, suite_paths


@click.command("plan")
@click.argument("suites", nargs=-1, type=PATH)
@catalog_option
@store_option
@click.option("--variant", "only", multiple=True, metavar="ID", help="Plan for this variant only (may be repeated).")
@click.option("--max-cases", type=click.IntRange(min=1), help="At most so many cases of each suite.")
@click.option("--json", "json_path", metavar="FILE|-", help="Write the forecast as JSON; - is stdout.")
def command(
    suites: tuple[Path, ...],
    catalog_path: Path,
    store_name: str,
    only: tuple[str, ...],
    max_cases: int | None,
    json_path: str | None,
) -> int:
    """Say what a check of SUITES will take: cases, calls, tokens, dollars and minutes, expected and at worst.

    Asks nothing and costs nothing. Refuses (exit code 2) a gate that its suite cannot support.
    """
    from dataclasses import asdict

    from evalgate.catalog import load_catalog
    from evalgate.cli.board_lookup import earlier_boards, recalled
    from evalgate.cli.output import write_json
    from evalgate.plan import plan
    from evalgate.plan.forecast import forecast, require_support
    from evalgate.report.forecast import render_assumptions, render_forecast
    from evalgate.report.layout import console_for_output
    from evalgate.suite import load_suites

    planned = plan(load_suites(suite_paths(suites)), load_catalog(catalog_path), only=only, max_cases=max_cases)
    contests, earlier = recalled(planned, store_name), earlier_boards(store_name)
    forecasts = [forecast(contest, earlier.get(contest.suite.operation, ())) for contest in contests]
    for contest, told in zip(contests, forecasts, strict=True):
        require_support(contest, told)
    if json_path is not None:
        write_json({"operations": [asdict(told) for told in forecasts]}, json_path)
    if json_path != "-":
        console = console_for_output()
        for told in forecasts:
            render_forecast(told, console)
        render_assumptions(forecasts, console)
    return 0
