"""A routing decision for people: the choice, every candidate, and why each of the others was not taken."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from evalgate.report.layout import Piped, columns, print_hanging, print_line, widths_of
from evalgate.report.wording import ESTIMATED, ESTIMATED_NOTE, percent, safe
from evalgate.router import Candidate, Decision

PER = 1000  # calls; the cost of one is too small to read
HEAD = ("", "variant", "precision", f"USD / {PER} calls", "why")
_RIGHT = (False, False, False, True, False)
_INDENT = 2
_BELOW = 7  # where a reason begins that a window has no room for: under the variant


def render_decision(decision: Decision, console: Console) -> None:
    """Print one decision with all candidates, from the cheapest to the dearest."""
    chosen = decision.chosen.endpoint
    title = Text.assemble((safe(decision.operation), "bold"), " → ", (chosen.id, "bold green"))
    if decision.saving > 0:
        about = ESTIMATED if decision.estimated else ""
        title.append(f"  saves {about}{percent(decision.saving)} of {decision.baseline.endpoint.id}")
    title.append(f"  (signal seq {decision.seq})", "dim")
    print_line(console, title)
    rows = [[Text(cell, "dim") for cell in HEAD], *(_row(decision, candidate) for candidate in decision.candidates)]
    widths = widths_of(rows)
    for row in rows:
        line = Text(" " * _INDENT) + columns(row, widths, _RIGHT)
        if isinstance(console, Piped) or cell_len(line.plain.rstrip()) <= console.width:
            print_line(console, line)
        else:
            print_line(console, Text(" " * _INDENT) + columns(row[:-1], widths[:-1], _RIGHT[:-1]))
            print_hanging(console, row[-1], _BELOW)
    if any(candidate.estimated and candidate.cost is not None for candidate in decision.candidates):
        print_line(console, Text(f"  {ESTIMATED_NOTE}", "dim"))
    if any(candidate.endpoint.price.basis == "illustrative" for candidate in decision.candidates):
        print_line(console, Text("  * illustrative prices: nobody sells at them", "dim"))
    print_line(console, Text())


def decision_json(decisions: Sequence[Decision]) -> str:
    """The decisions as a JSON list."""
    return orjson.dumps([_plain(decision) for decision in decisions], option=orjson.OPT_INDENT_2).decode()


def _row(decision: Decision, candidate: Candidate) -> list[Text]:
    endpoint, style = candidate.endpoint, "" if candidate.eligible else "dim"
    mark = "→" if candidate is decision.chosen else ""
    why = "baseline" if candidate is decision.baseline else safe(candidate.reason, 300)
    cells = (mark, safe(endpoint.id), safe(endpoint.quantization.label), _cost(candidate), why)
    return [Text(cell, style) for cell in cells]


def _cost(candidate: Candidate) -> str:
    if candidate.cost is None:
        return "—"
    mark = " *" if candidate.endpoint.price.basis == "illustrative" else ""
    return f"{ESTIMATED if candidate.estimated else ''}{candidate.cost * PER:.4f}{mark}"


def _plain(decision: Decision) -> dict[str, object]:
    return {
        "operation": decision.operation,
        "model": decision.model,
        "tier": "standard",
        "variant": decision.chosen.endpoint.id,
        "baseline": decision.baseline.endpoint.id,
        "saving": decision.saving,
        "estimated": decision.estimated,
        "signal_seq": decision.seq,
        "reason": decision.reason,
        "candidates": [
            {
                "variant": candidate.endpoint.id,
                "eligible": candidate.eligible,
                "reason": candidate.reason,
                "cost_usd": candidate.cost,
                "estimated": candidate.estimated,
                "price_basis": candidate.endpoint.price.basis,
            }
            for candidate in decision.candidates
        ],
    }
