"""How pages write prices, times and ages; everything else is written as in reports."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from evalgate.catalog import Endpoint
from evalgate.report.wording import ILLUSTRATIVE, percent
from evalgate.telemetry import Share, Spread

NONE = "—"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))  # as in `report.wording.age`


def dollars(value: Decimal) -> str:
    """USD per 1M tokens: `$0.15`, `$0.1070`, `$12.00`; as many places as it takes, so that a column lines up."""
    places = next((each for each in (2, 4) if value == round(value, each)), 6)
    return f"${value:,.{places}f}"


def mark(endpoint: Endpoint) -> str:
    """What stands behind a price at which nobody sells."""
    return ILLUSTRATIVE if endpoint.price.basis == "illustrative" else ""


def ms(value: float | None) -> str:
    """Milliseconds: `716 ms`, `4,091 ms`; from ten seconds on `84.2 s`."""
    if value is None:
        return NONE
    return f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:,.1f} s"


def both(figures: Spread, unit: str = "ms") -> str:
    """`716 / 4,091 ms`, `28 / 67 tok/s`; a dash for what too few calls tell."""
    if figures.p50 is None and figures.p95 is None:
        return NONE
    return " / ".join(NONE if each is None else f"{each:,.0f}" for each in (figures.p50, figures.p95)) + f" {unit}"


def share(figures: Share) -> str:
    """`99.41 %`, as providers write their uptime; `100 %` only where nothing failed."""
    return NONE if figures.value is None else share_of(figures.value)


def share_of(value: float) -> str:
    """The same of a share that is known."""
    return percent(value) if value in (0.0, 1.0) else f"{min(max(value * 100, 0.01), 99.99):.2f} %"


def tokens(count: int | None) -> str:
    """A context: `2,048`, `128K`, `1M`; a dash where nobody tells."""
    if count is None:
        return NONE
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.0f}K" if count < 999_500 else f"{count / 1e6:.2f}".rstrip("0").rstrip(".") + "M"


def lately(seconds: float) -> str:
    """How long, in its largest unit: `12 s`, `3 d`."""
    length, unit = next((each for each in _UNITS if seconds >= each[0]), (1, "s"))
    return f"{max(seconds, 0) // length:.0f} {unit}"


def ago(at: datetime, now: datetime) -> str:
    """`12 s ago`; what a wrong clock dates into the future is `now`."""
    return aged((now - at).total_seconds())


def aged(seconds: float | None) -> str:
    """The same of an age; a dash where there is none."""
    if seconds is None:
        return NONE
    return f"{lately(seconds)} ago" if seconds >= 1 else "now"


def stamp(at: datetime) -> str:
    """`2026-11-30 17:09:20 UTC`, the time that a page is of."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
