"""A routing decision for people: the choice, every candidate, and why each of the others was not taken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from evalgate.report.layout import Piped, columns, print_hanging, print_line, print_parts, widths_of
from evalgate.report.wording import ESTIMATED, ESTIMATED_NOTE, ILLUSTRATIVE_NOTE, percent, safe
from evalgate.router import NEVER, Candidate, Decision, Explanation, explain

PER = 1000  # calls; the cost of one is too small to read
HEAD = ("", "variant", "precision", f"USD / {PER} calls", "why")
_RIGHT = (False, False, False, True, False)
_INDENT = 2
_BELOW = 7  # where a reason begins that a window has no room for: under the variant


def render_decision(decision: Decision, console: Console, *, details: bool = False) -> None:
    """Print one decision with all candidates, from the cheapest to the dearest; with `details`, what it rests on."""
    told = explain(decision)
    title = _title(decision, told)
    if isinstance(console, Piped):
        print_line(console, title)
    else:
        print_hanging(console, title, _BELOW, first=0)
    rows = [[Text(cell, "dim") for cell in HEAD], *(_row(told, candidate) for candidate in told.candidates)]
    widths = widths_of(rows)
    below: list[list[str]] = [[], *(_details(decision, candidate) if details else [] for candidate in told.candidates)]
    for row, more in zip(rows, below, strict=True):
        line = Text(" " * _INDENT) + columns(row, widths, _RIGHT)
        if isinstance(console, Piped) or cell_len(line.plain.rstrip()) <= console.width:
            print_line(console, line)
        else:
            print_line(console, Text(" " * _INDENT) + columns(row[:-1], widths[:-1], _RIGHT[:-1]))
            print_hanging(console, row[-1], _BELOW)
        print_parts(console, [Text(part, "dim") for part in more], _BELOW)
    if details:
        print_parts(console, [f"why: {safe(told.reason, 300)}"], _BELOW, first=_INDENT)
        asked = " → ".join(safe(option.id) for option in decision.order) or "nobody"
        print_parts(console, [f"asked in turn: {asked}"], _BELOW, first=_INDENT)
    if told.alarm:
        print_parts(console, [Text(f"alarm: {safe(told.alarm, 300)}", "bold red")], _BELOW, first=_INDENT)
    if any(candidate.estimated and candidate.cost is not None for candidate in told.candidates):
        print_line(console, Text(f"  {ESTIMATED_NOTE}", "dim"))
    if any(candidate.endpoint.price.basis == "illustrative" for candidate in told.candidates):
        print_line(console, Text(f"  {ILLUSTRATIVE_NOTE}", "dim"))
    print_line(console, Text())


def decision_json(decisions: Sequence[Decision]) -> str:
    """The decisions as a JSON list."""
    return orjson.dumps([_plain(decision) for decision in decisions], option=orjson.OPT_INDENT_2).decode()


def _title(decision: Decision, told: Explanation) -> Text:
    operation = decision.call.operation or "(no operation)"
    whom = ("nobody", "bold red") if told.chosen is None else (safe(told.chosen.endpoint.id), "bold green")
    title = Text.assemble((safe(operation), "bold"), " → ", whom)
    if told.saving > 0:
        about = ESTIMATED if told.estimated else ""
        title.append(f"  saves {about}{percent(told.saving)} of {safe(told.baseline.endpoint.id)}")
    if decision.call.tier != "standard":
        title.append(f"  {decision.call.tier}")
    seq = "no signal" if decision.seq is None else f"signal seq {decision.seq}"
    return title.append(f"  ({seq})", "dim")


def _row(told: Explanation, candidate: Candidate) -> list[Text]:
    endpoint, style = candidate.endpoint, "" if candidate.eligible else "dim"
    mark = "→" if candidate is told.chosen else ""
    cells = (
        mark,
        safe(endpoint.id),
        safe(endpoint.quantization.label),
        _cost(candidate),
        safe(candidate.reason, 300),
    )
    return [Text(cell, style) for cell in cells]


def _details(decision: Decision, candidate: Candidate) -> list[str]:
    """Price, promises and telemetry of a candidate, as far as anything is known."""
    price, offers, standing = candidate.endpoint.price, candidate.endpoint.variant.capabilities, candidate.standing
    dated = f", as of {price.as_of}" if price.as_of is not None else ""
    parts = [f"{price.input} in, {price.output} out USD/1M tokens{dated}"]
    promised = (("tools", offers.tools), ("JSON schema", offers.json_schema), ("images", offers.images))
    parts += [name for name, has in promised if has]
    if offers.context is not None:
        parts.append(f"context {offers.context:,}")
    if candidate.endpoint.variant.data_policy is not None:
        parts.append(candidate.endpoint.variant.data_policy.replace("_", " "))
    option = next(each for each in decision.route.everybody if each.id == candidate.endpoint.id)
    if option.eligible_until > NEVER:
        parts.append(f"valid until {datetime.fromtimestamp(option.eligible_until, UTC):%Y-%m-%d %H:%M} UTC")
    if standing.success is not None:
        parts.append(f"success {percent(standing.success)}")
    if standing.p95_ms is not None:
        parts.append(f"p95 {standing.p95_ms:,.0f} ms")
    return parts


def _cost(candidate: Candidate) -> str:
    if candidate.cost is None:
        return "—"
    mark = " *" if candidate.endpoint.price.basis == "illustrative" else ""
    return f"{ESTIMATED if candidate.estimated else ''}{candidate.cost * PER:.4f}{mark}"


def _plain(decision: Decision) -> dict[str, object]:
    told = explain(decision)
    return {
        "operation": decision.call.operation,
        "model": decision.route.model,
        "tier": decision.call.tier,
        "variant": told.chosen.endpoint.id if told.chosen is not None else None,
        "order": [option.id for option in decision.order],
        "baseline": told.baseline.endpoint.id,
        "upgraded": decision.upgraded,
        "saving": told.saving,
        "estimated": told.estimated,
        "signal_seq": decision.seq,
        "reason": told.reason,
        "alarm": told.alarm or None,
        "candidates": [
            {
                "variant": candidate.endpoint.id,
                "eligible": candidate.eligible,
                "usable": candidate.usable,
                "reason": candidate.reason,
                "cost_usd": candidate.cost,
                "estimated": candidate.estimated,
                "price_basis": candidate.endpoint.price.basis,
            }
            for candidate in told.candidates
        ],
    }
