"""The story of an operation's variants for people: a band of days, and what happened, line by line."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from evalgate.report.layout import Piped, columns, print_hanging, print_line, print_parts, widths_of
from evalgate.report.wording import safe
from evalgate.signal.timeline import Moment, Timeline

DAY = 86_400
SHOWN_DAYS = 90  # in a band
_MARKS = {"green": ("█", "green"), "red": ("▒", "red"), "unknown": ("░", "yellow"), None: ("·", "dim")}
_BARS = " ▁▂▃▄▅▆▇█"
_QUIET = ("watched", "ordered")  # told only when all is to be told


def render_timeline(told: Timeline, console: Console, *, now: float, everything: bool = False) -> None:
    """Print a band for each variant, and below what happened; days of watching without an alarm only on demand."""
    print_line(console, Text(safe(told.operation), "bold"))
    for variant in told.variants:
        _render_band(told.of(variant), variant, console, now)
    rows = [[Text(cell, "dim") for cell in ("when", "variant", "what", "seq")]]
    moments = [moment for moment in told.moments if everything or moment.kind not in _QUIET]
    for moment in moments:
        seq = str(moment.seq) if moment.seq is not None else ""
        rows.append([Text(_time(moment.at)), Text(safe(moment.variant)), _kind(moment), Text(seq)])
    widths = widths_of(rows)
    for row, said in zip(rows, ["", *(safe(moment.told, 300) for moment in moments)], strict=True):
        line = Text("  ") + columns(row, widths, [False, False, False, True])
        if isinstance(console, Piped) or line.cell_len + len(said) <= console.width:
            print_line(console, line + Text(said))
        else:  # a window without room for it
            print_line(console, line)
            print_hanging(console, Text(said), 6)
    if len(moments) < len(told.moments):
        print_parts(
            console, [Text("days of watching without an alarm are left out; with --all they are told", "dim")], 2
        )


def days(told: Timeline, now: float) -> tuple[int, int]:
    """The first and the last day of a story, as days since the epoch."""
    first = min((int(moment.at // DAY) for moment in told.moments), default=int(now // DAY))
    return max(first, int(now // DAY) - SHOWN_DAYS + 1), int(now // DAY)


def evidence_by_day(told: Timeline) -> dict[int, float]:
    """The largest share of an alarm that the detectors had on each day on which they had evidence."""
    found: dict[int, float] = {}
    for moment in told.moments:
        share = moment.evidence.get("evidence")
        if moment.kind == "watched" and isinstance(share, int | float):
            day = int(moment.at // DAY)
            found[day] = max(found.get(day, 0.0), float(share))
    return found


def _render_band(told: Timeline, variant: str, console: Console, now: float) -> None:
    first, last = days(told, now)
    states, bars = Text(), Text()
    evidence = evidence_by_day(told)
    for day in range(first, last + 1):
        mark, style = _MARKS[told.state_at(variant, min((day + 1) * DAY - 1, now))]
        states.append(mark, style)
        share = min(evidence.get(day, 0.0), 1.0)
        bars.append(_BARS[round(share**0.5 * (len(_BARS) - 1))] if day in evidence else " ")
    entry = told.now.get(variant)
    standing = ""
    if entry is not None:
        runs = f"{entry.green_runs} certification{'s' if entry.green_runs != 1 else ''} in a row"
        standing = (
            f"{entry.state} since {entry.since:%Y-%m-%d %H:%M}, {runs}, valid until {entry.valid_until:%Y-%m-%d %H:%M}"
        )
    print_parts(console, [Text(f"{safe(variant)}"), standing], 4, first=2)
    print_line(console, Text("    state     ", "dim") + states + Text(f"  {_day(first)} … {_day(last)}", "dim"))
    print_line(console, Text("    evidence  ", "dim") + bars)


def _kind(moment: Moment) -> Text:
    style = {"suspended": "yellow", "red": "red", "missed": "yellow"}.get(moment.kind, "")
    if moment.state is not None:
        style = _MARKS[moment.state][1]
    return Text(moment.kind, style)


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def _day(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY, UTC):%d %b}"


def timeline_json(told: Timeline) -> dict[str, object]:
    """The same as JSON types."""
    return {
        "operation": told.operation,
        "moments": [moment_json(moment) for moment in told.moments],
        "now": {name: entry.model_dump(mode="json") for name, entry in told.now.items()},
    }


def moment_json(moment: Moment) -> dict[str, object]:
    """One of them."""
    named = {name: getattr(moment, name) for name in ("variant", "kind", "told", "seq", "state")}
    at = datetime.fromtimestamp(moment.at, UTC).isoformat()
    return {"at": at, **named, "evidence": dict(moment.evidence)}
