"""A forecast of watching for people: what it asks and costs in a month, how seldom it errs, how soon it finds what."""

from __future__ import annotations

import math
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from evalgate import stats
from evalgate.plan.watching import DROPS, VariantWatch, WatchForecast
from evalgate.report.layout import print_hanging, print_line, print_table
from evalgate.report.wording import percent, safe


def render_watch_forecast(told: WatchForecast, console: Console) -> None:
    """Print one operation's forecast."""
    every = "a day" if told.every == 1 else f"in {told.every:g} days"
    cases = f"{told.cases_per_day * told.every:g} cases {every} of each side"
    print_line(console, Text.assemble((safe(told.operation), "bold"), f" · {cases}"))
    head = ("variant", "flips", "calls/month", "of 1 token", "USD/month", *(f"finds −{drop:g}" for drop in DROPS))
    rows = [[Text(cell, "dim") for cell in head], _baseline(told), *(_row(side) for side in told.variants)]
    print_table(console, rows, [False] + [True] * (len(head) - 1))
    promise = f"a variant that has not changed is suspended at most once in {told.run_length:g} days"
    calls = f"{told.calls:,.0f} calls, {told.one_token_calls:,.0f} of one token"
    print_hanging(console, Text(f"{calls} and {_usd(told.dollars)} USD a month; {promise}"), 2)
    finds = "finds: median days until a lasting drop of the mean score is found by scores"
    print_hanging(console, Text(finds, "dim"), 2)
    if any(not side.known for side in told.variants):
        print_hanging(console, Text("? nobody has checked this variant: flip rate and length are assumed", "dim"), 2)
    if told.wanted:
        print_hanging(console, Text(f"{told.wanted}: {_better(told.better, told.better_dollars)}"), 2)
    print_line(console, Text())


def _better(schedule: stats.Schedule | None, dollars: Decimal | None) -> str:
    if schedule is None or dollars is None:
        return "nothing within reach does it; say a higher --budget, a longer --delay or a larger --drop"
    every = "every day" if schedule.every == 1 else f"every {schedule.every} days"
    keys = f"cases_per_day: {math.ceil(schedule.cases / schedule.every)}"
    keys += f", every: {schedule.every}d" if schedule.every > 1 else ""
    found = f"found after {schedule.delay.median:.3g} days (median; nine in ten: {schedule.delay.p90:.3g})"
    return f"{schedule.cases} cases {every}, {_usd(dollars)} USD a month, {found}; gate.watch: {{{keys}}}"


def _baseline(told: WatchForecast) -> list[Text]:
    cells = ("(baseline)", "", f"{told.baseline_calls:,.0f}", "", _usd(told.baseline_dollars), *("" for _ in DROPS))
    return [Text(cell) for cell in cells]


def _row(side: VariantWatch) -> list[Text]:
    delays = [_days(side.delays[drop]) for drop in DROPS]
    rate = percent(side.flip_rate) + ("" if side.known else " ?")
    calls = (f"{side.calls:,.0f}", f"{side.one_token_calls:,.0f}")
    return [Text(cell) for cell in (safe(side.variant), rate, *calls, _usd(side.dollars), *delays)]


def _days(delay: stats.Delay) -> str:
    return f"{delay.median:.3g} d" if delay.found > 0.5 else "not within a year"


def _usd(dollars: Decimal) -> str:
    return f"{dollars:.2f}" if dollars >= 1 else f"{dollars:.4f}"
