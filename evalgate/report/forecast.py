"""A forecast for people: what a check will take, and what it can prove."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from evalgate.plan.forecast import Forecast, VariantForecast
from evalgate.report.layout import print_hanging, print_line, print_table
from evalgate.report.wording import alpha, e_value, percent, safe

HEAD = ("variant", "flips", "cases", "p90", "worst", "verdict", "calls", "tokens", "USD", "worst", "minutes")
NAMES = (*HEAD[:-2], "at worst USD", "minutes")  # where a column has no room in the table


def render_forecast(forecast: Forecast, console: Console) -> None:
    """Print one operation's forecast: a line per side, then what its cases can certify."""
    family = f" · family of {forecast.family}" if forecast.family > 1 else ""
    margin = forecast.policy.margin * 100
    print_line(
        console,
        Text.assemble((safe(forecast.operation), "bold"), f" · margin {margin:g} pp{family}"),
    )
    sides = (forecast.baseline, *forecast.variants)
    rows = [[Text(cell, "dim") for cell in HEAD], *(_row(side, side is forecast.baseline) for side in sides)]
    right = [False] + [True] * (len(HEAD) - 1)
    print_table(console, rows, right, names=NAMES)
    certify = (
        f"{forecast.available} cases certify a margin of {forecast.smallest_margin * 100:.3g} pp nine times in ten"
    )
    least = "no number of cases proves" if forecast.least_cases is None else "the least that prove"
    number = "" if forecast.least_cases is None else f" are {forecast.least_cases}"
    print_hanging(console, Text(f"{certify}; {least} {margin:g} pp{number}"), 2)
    for side in forecast.variants:
        if side.trying is not None and side.trying.number > 1:
            again = f"{safe(side.variant)}: try {side.trying.number}, charged {alpha(side.trying.level)}"
            print_hanging(console, Text(f"{again}; green takes an e-value of {e_value(side.e_needed)}"), 2)


def render_assumptions(forecasts: Sequence[Forecast], console: Console) -> None:
    """Say which figures are assumed, and the sums."""
    console.print()
    print_hanging(console, Text(summary(forecasts)), 2)
    if any(not side.known for forecast in forecasts for side in forecast.variants):
        text = "? nobody has asked this variant yet: flip rate, answer length and latency are assumed"
        print_hanging(console, Text(text, "dim"), 2)


def summary(forecasts: Sequence[Forecast]) -> str:
    """The forecast in one line."""
    calls = sum(forecast.calls for forecast in forecasts)
    dollars = sum((forecast.dollars for forecast in forecasts), Decimal(0))
    worst = sum((forecast.dollars_worst for forecast in forecasts), Decimal(0))
    minutes = max(forecast.minutes for forecast in forecasts)
    return (
        f"plan: about {calls:,.0f} calls if all are as good as the baseline, {usd(dollars)} USD "
        f"(at most {usd(worst)}), {_minutes(minutes)} min; answers that are known cost nothing"
    )


def _row(side: VariantForecast, baseline: bool) -> list[Text]:
    flips = "" if baseline else percent(side.flip_rate) + ("" if side.known else " ?")
    chance = "" if baseline else percent(side.chance_of_verdict)
    cells = (
        safe(side.variant),
        flips,
        f"{side.cases_mean:.0f}",
        "" if baseline else f"{side.cases_p90:.0f}",
        f"{side.cases_worst}",
        chance,
        f"{side.calls:,.0f}",
        f"{side.tokens:,.0f}",
        usd(side.dollars),
        usd(side.dollars_worst),
        _minutes(side.minutes),
    )
    return [Text(cell) for cell in cells]


def usd(dollars: Decimal) -> str:
    """Dollars as they are forecast: `0.0642`, from one dollar on `12.30`."""
    return f"{dollars:,.2f}" if dollars >= 1 else f"{dollars:.4f}"


def _minutes(minutes: float) -> str:
    return f"{minutes:.0f}" if minutes >= 10 else f"{minutes:.1f}"
