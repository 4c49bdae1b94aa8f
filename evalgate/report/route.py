"""A routing decision for people: the choice, every candidate, and why each of the others was not taken."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evalgate.report.wording import percent, safe
from evalgate.router import Candidate, Decision

PER = 1000  # calls; the cost of one is too small to read


def render_decision(decision: Decision, console: Console) -> None:
    """Print one decision with all candidates, from the cheapest to the dearest."""
    chosen = decision.chosen.endpoint
    title = Text.assemble((safe(decision.operation), "bold"), " → ", (chosen.id, "bold green"))
    if decision.saving > 0:
        title.append(f"  saves {percent(decision.saving)} of {decision.baseline.endpoint.id}")
    title.append(f"  (signal seq {decision.seq})", "dim")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), show_header=True, header_style="dim")
    table.add_column("")
    table.add_column("variant")
    table.add_column("precision")
    table.add_column(f"USD / {PER} calls", justify="right")
    table.add_column("why", overflow="fold")
    for candidate in decision.candidates:
        mark = "→" if candidate is decision.chosen else ""
        style = "" if candidate.eligible else "dim"
        endpoint = candidate.endpoint
        why = "baseline" if candidate is decision.baseline else safe(candidate.reason, 300)
        table.add_row(mark, endpoint.id, endpoint.quantization.label, _cost(candidate), why, style=style)
    console.print(title)
    console.print(table)
    if any(candidate.endpoint.price.basis == "illustrative" for candidate in decision.candidates):
        console.print("  * illustrative prices: nobody sells at them", style="dim")
    console.print()


def decision_json(decisions: Sequence[Decision]) -> str:
    """The decisions as a JSON list."""
    return orjson.dumps([_plain(decision) for decision in decisions], option=orjson.OPT_INDENT_2).decode()


def _cost(candidate: Candidate) -> str:
    if candidate.cost is None:
        return "—"
    mark = " *" if candidate.endpoint.price.basis == "illustrative" else ""
    return f"{candidate.cost * PER:.4f}{mark}"


def _plain(decision: Decision) -> dict[str, object]:
    return {
        "operation": decision.operation,
        "model": decision.model,
        "tier": "standard",
        "variant": decision.chosen.endpoint.id,
        "baseline": decision.baseline.endpoint.id,
        "saving": decision.saving,
        "signal_seq": decision.seq,
        "reason": decision.reason,
        "candidates": [
            {
                "variant": candidate.endpoint.id,
                "eligible": candidate.eligible,
                "reason": candidate.reason,
                "cost_usd": candidate.cost,
                "price_basis": candidate.endpoint.price.basis,
            }
            for candidate in decision.candidates
        ],
    }
