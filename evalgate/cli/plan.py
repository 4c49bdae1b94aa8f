"""`evalgate plan [SUITE…]`: what a check will take and what it can prove, before a cent is spent."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH, catalog_option, store_option, suite_paths
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.plan.watching import Wish


class _Dollars(click.ParamType[Decimal]):
    name = "USD"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            dollars = Decimal(str(value))
        except InvalidOperation:
            dollars = Decimal(0)
        if not dollars.is_finite() or not 0 < dollars < 10**9:
            self.fail(f"expected an amount such as 20 or 0.5, got {value!r}", param, ctx)
        return dollars


DOLLARS = _Dollars()


@click.command("plan")
@click.argument("suites", nargs=-1, type=PATH)
@catalog_option
@store_option
@click.option("--variant", "only", multiple=True, metavar="ID", help="Plan for this variant only (may be repeated).")
@click.option("--max-cases", type=click.IntRange(min=1), help="At most so many cases of each suite.")
@click.option("--watch", "watching", is_flag=True, help="What keeping the greens proven takes, month by month.")
@click.option("--optimise", is_flag=True, help="With --watch: how much to ask and how often, for --budget or --delay.")
@click.option("--budget", type=DOLLARS, metavar="USD", help="A month, with --optimise: as soon as it allows.")
@click.option(
    "--delay", type=click.FloatRange(min=1), metavar="DAYS", help="With --optimise: the cheapest within these."
)
@click.option("--drop", type=click.FloatRange(0.005, 0.9), default=0.05, show_default=True, help="What is to be found.")
@click.option("--json", "json_path", metavar="FILE|-", help="Write the forecast as JSON; - is stdout.")
def command(
    suites: tuple[Path, ...],
    catalog_path: Path,
    store_name: str,
    only: tuple[str, ...],
    max_cases: int | None,
    watching: bool,
    optimise: bool,
    budget: Decimal | None,
    delay: float | None,
    drop: float,
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
    wish = _wish(watching, optimise, budget, delay, drop)
    if watching:
        from evalgate.cli.plan_watch import show

        return show(contests, earlier, wish, json_path)
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


def _wish(watching: bool, optimise: bool, budget: Decimal | None, delay: float | None, drop: float) -> Wish | None:
    from evalgate.plan.watching import Wish

    if not optimise:
        if budget is not None or delay is not None:
            raise InputError("--budget and --delay say what to look for: add --watch --optimise")
        return None
    if not watching:
        raise InputError("--optimise is about watching: add --watch")
    if (budget is None) == (delay is None):
        raise InputError("--optimise: say --budget USD (a month) or --delay DAYS, and not both")
    return Wish(drop, budget, delay)
