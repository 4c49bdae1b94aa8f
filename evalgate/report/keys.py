"""Virtual keys with what they may do and what they used, for people. The keys themselves nobody can show."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from evalgate.exchange import JsonValue
from evalgate.gateway.keys.usage import Usage, Used
from evalgate.report.layout import columns, print_line, widths_of
from evalgate.report.store import usd
from evalgate.report.wording import counted, safe
from evalgate.store.keys import VirtualKey

_TITLES = ("name", "state", "operation", "tier", "capture", "req/min", "tokens/min", "spent USD", "of", "requests")
_RIGHT = (False, False, False, False, False, True, True, True, True, True)
_NONE = "–"


def render_keys(found: list[Usage], now: float, console: Console) -> None:
    """One line for each key; `now` in seconds since 1970."""
    if not found:
        print_line(console, Text("no keys; to make one: evalgate keys create --name …"))
        return
    rows = [_TITLES, *(_cells(each, now) for each in found)]
    table = [[Text(cell, "" if number else "dim") for cell in row] for number, row in enumerate(rows)]
    widths = widths_of(table)
    for row in table:
        print_line(console, columns(row, widths, _RIGHT))


def render_key(usage: Usage, now: float, console: Console) -> None:
    """One key, a line for each thing that can be said of it."""
    key = usage.key
    limits = ((key.requests_per_minute, "request"), (key.tokens_per_minute, "token"))
    lines = [
        f"{safe(key.name)}: {state(key, now)}, made {_time(key.created_at)}",
        f"  operation {_or_any(key.operation)}, tier {_or_any(key.tier)}, capture {safe(key.capture)}",
        "  at most " + (" and ".join(f"{counted(n, what)} a minute" for n, what in limits if n) or "any rate"),
        "  may spend " + ("anything" if key.dollars is None else f"{usd(key.dollars)} USD {_period(key)}"),
    ]
    used = (("today", usage.today), ("this month", usage.month), ("in all", usage.total))
    lines += [f"  {when}: {_used(what)}" for when, what in used]
    if key.expires_at is not None:
        lines.insert(1, f"  lets in until {_time(key.expires_at)}")
    for line in lines:
        print_line(console, Text(line))


def as_plain(usage: Usage, now: float) -> dict[str, JsonValue]:
    """For JSON; amounts are decimal text, and of the key itself there is not even the hash."""
    key: dict[str, JsonValue] = {
        name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in asdict(usage.key).items()
    }
    del key["digest"]
    used = {"today": usage.today, "month": usage.month, "total": usage.total}
    told: dict[str, JsonValue] = {name: asdict(each) | {"dollars": f"{each.dollars:f}"} for name, each in used.items()}
    return {**key, "state": state(usage.key, now), "used": told}


def state(key: VirtualKey, now: float) -> str:
    """`active`, `expired` or `revoked`."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and now >= key.expires_at else "active"


def _cells(usage: Usage, now: float) -> tuple[str, ...]:
    key = usage.key
    limits = (_NONE if limit is None else f"{limit:,}" for limit in (key.requests_per_minute, key.tokens_per_minute))
    return (
        safe(key.name, 40),
        state(key, now),
        safe(key.operation or _NONE, 40),
        safe(key.tier or _NONE, 40),
        safe(key.capture, 10),
        *limits,
        usd(usage.counted.dollars),
        _NONE if key.dollars is None else f"{usd(key.dollars)} {_period(key)}",
        f"{usage.total.requests:,}",
    )


def _period(key: VirtualKey) -> str:
    return {"day": "a day", "month": "a month"}.get(key.period or "", "in all")


def _used(used: Used) -> str:
    return f"{counted(used.requests, 'request')}, {counted(used.tokens, 'token')}, {usd(used.dollars)} USD"


def _or_any(value: str | None) -> str:
    return "any" if value is None else safe(value)


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
