"""The leaderboard for people: every model with its value, interval and label, and where each number comes from."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from evalgate.intelligence import Intelligence, Part
from evalgate.report.layout import print_line, print_parts, print_table
from evalgate.report.wording import safe

HEAD = ("model", "intelligence", "90 % interval", "", "from")
_RIGHT = (False, True, False, False, False)
_STYLES = {"measured": "bold", "estimated": "", "unknown": "dim"}
_BELOW = 4


def render_board(found: Mapping[str, Intelligence], console: Console) -> None:
    """Print all models, the best first, those of which nothing is known last."""
    ranked = sorted(found.items(), key=lambda pair: (pair[1].value is None, -(pair[1].value or 0.0), pair[0]))
    rows = [[Text(cell, "dim") for cell in HEAD], *(_row(model, each) for model, each in ranked)]
    print_table(console, rows, _RIGHT, below=_BELOW, names=("", "", "", "", ""))
    print_line(console, Text())


def render_model(model: str, found: Intelligence, console: Console) -> None:
    """Print one model with all parts, each with its n, its day, who measured it and where that can be read."""
    value = f"{found.value:.1f} {_interval(found)} · {found.label}" if found.value is not None else found.label
    print_line(console, Text.assemble((safe(model), "bold"), " · ", value))
    print_parts(console, [safe(found.reason, 300)], _BELOW, first=2)
    for part in found.parts:
        print_parts(console, _part(part), _BELOW, first=2)
    print_line(console, Text())


def board_json(found: Mapping[str, Intelligence]) -> dict[str, object]:
    """The same as plain data, by model."""
    return {
        model: {
            "value": each.value,
            "interval": each.interval,
            "label": each.label,
            "reason": each.reason,
            "as_of": str(each.as_of) if each.as_of is not None else None,
            "parts": [
                {
                    "name": part.name,
                    "benchmark": part.benchmark,
                    "score": part.score,
                    "error": part.error,
                    "n": part.n,
                    "date": str(part.date),
                    "measured_by": part.measured_by,
                    "sources": part.sources,
                }
                for part in each.parts
            ],
        }
        for model, each in found.items()
    }


def _row(model: str, found: Intelligence) -> list[Text]:
    style = _STYLES[found.label]
    value = f"{found.value:.1f}" if found.value is not None else "—"
    cells = (safe(model), value, _interval(found), found.label, safe(found.reason, 300))
    return [Text(cell, style) for cell in cells[:-1]] + [Text(cells[-1], "dim")]


def _interval(found: Intelligence) -> str:
    return f"[{found.interval[0]:.1f}, {found.interval[1]:.1f}]" if found.interval is not None else "—"


def _part(part: Part) -> list[str]:
    n = f"n {part.n:,}" if part.n is not None else "n not told"
    by = ", ".join(safe(each) for each in part.measured_by)
    parts = [f"{part.benchmark} {part.score:.1f} ± {part.error:.1f}", n, str(part.date), f"by {by}"]
    return parts + [safe(source, 200) for source in part.sources]
