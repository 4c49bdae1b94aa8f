"""What was known of a variant at some time, for people: the document, its entry, its evidence, and what came before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson
from rich.console import Console
from rich.text import Text

from evalgate.report.layout import print_line, print_parts
from evalgate.report.route import decision_json, render_decision
from evalgate.report.timeline import moment_json
from evalgate.report.wording import safe
from evalgate.router import Decision
from evalgate.signal import Published, SignalEntry
from evalgate.signal.timeline import Moment

_EVENTS = 12  # that are told, the newest last


def render_why(
    operation: str,
    variant: str,
    at: datetime,
    published: Published | None,
    before: Sequence[Moment],
    decision: Decision | str,
    console: Console,
) -> None:
    """Print it; `before` is what had happened by then, the oldest first."""
    print_line(console, Text(f"{safe(operation)} · {safe(variant)} at {at:%Y-%m-%d %H:%M:%S}Z", "bold"))
    if published is None:
        print_parts(console, ["nothing was published then, so every call was the baseline's"], 2)
    else:
        document = published.document
        stale = "" if document.expires_at > at else "; its publisher was not heard of any more"
        print_parts(
            console, [f"document: {safe(document.stream)} seq {document.seq}, {_time(document.issued_at)}{stale}"], 2
        )
        entry = document.entry(operation, variant)
        if entry is None:
            print_parts(console, ["it said nothing of this variant, so it was not eligible"], 2)
        else:
            _render_entry(entry, at, console)
    for moment in before[-_EVENTS:]:
        told = f"{datetime.fromtimestamp(moment.at, at.tzinfo):%Y-%m-%d %H:%M}  {moment.kind}: {safe(moment.told, 300)}"
        print_parts(console, [told], 6, first=4)
    if isinstance(decision, str):
        print_parts(console, [f"what a router did cannot be told: {safe(decision, 300)}"], 2)
    else:
        render_decision(decision, console)


def _render_entry(entry: SignalEntry, at: datetime, console: Console) -> None:
    evidence = entry.evidence
    eligible = "eligible" if is_eligible(entry, at) else "not eligible"
    parts = [f"{entry.state} since {_time(entry.since)}, {eligible}", f"valid until {_time(entry.valid_until)}"]
    print_parts(console, [*parts, safe(entry.reason, 300)], 4, first=2)
    told = [f"run {safe(evidence.run)}: {entry.verdict} after {evidence.cases} cases", f"Δ {evidence.delta:+.3f}"]
    told.append(f"[{evidence.interval[0]:+.3f}, {evidence.interval[1]:+.3f}]")
    told.append(f"certified on answers of {_time(entry.certified)}" if entry.certified else "")
    told.append(f"watched until {_time(entry.watched)}" if entry.watched else "")
    print_parts(console, told, 4, first=2)


def is_eligible(entry: SignalEntry, at: datetime) -> bool:
    """Whether a reader that follows the rules took it for eligible."""
    return entry.state == "green" and entry.verdict == "green" and entry.valid_until > at


def why_json(
    operation: str,
    variant: str,
    at: datetime,
    published: Published | None,
    before: Sequence[Moment],
    decision: Decision | str,
) -> dict[str, object]:
    """The same as JSON types."""
    entry = published.document.entry(operation, variant) if published is not None else None
    return {
        "operation": operation,
        "variant": variant,
        "at": at.isoformat(),
        "seq": published.seq if published is not None else None,
        "document": published.digest if published is not None else None,
        "entry": entry.model_dump(mode="json") if entry is not None else None,
        "eligible": entry is not None and is_eligible(entry, at),
        "before": [moment_json(moment) for moment in before],
        "router": decision if isinstance(decision, str) else orjson.loads(decision_json([decision]))[0],
    }


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
