"""A signal document for people: whose it is, what it says of every variant, and what it changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from rich.console import Console
from rich.text import Text

from evalgate.report.layout import print_line, print_parts, print_table
from evalgate.report.wording import age, counted, safe
from evalgate.signal.document import SignalDocument, SignalEntry
from evalgate.signal.history import Published

_STATES = {"green": "green", "red": "red", "unknown": "yellow"}
_HEAD = ("operation", "variant", "state", "since", "valid", "why")
_LOG_HEAD = ("seq", "issued", "green", "red", "unknown", "document", "what changed")
_INDENT = 2
_CHANGES = 3  # that a line of the log tells; `diff` tells all


def render_head(published: Published, console: Console, *, now: datetime, signed: str) -> None:
    """Print whose document it is, how old, and by whom it is signed."""
    document = published.document
    left = document.expires_at - now
    runs_out = f"runs out in {age(left)}" if left > timedelta(0) else f"expired {age(-left)} ago"
    title = Text.assemble((safe(document.stream, 300), "bold"), f" seq {document.seq}")
    told = [f"issued {_time(document.issued_at)}", runs_out, _counts(document.entries), safe(signed, 300)]
    print_parts(console, [title, *told], _INDENT, first=0)


def render_entries(entries: Sequence[SignalEntry], console: Console, *, now: datetime) -> None:
    """Print one line for each variant on each operation."""
    rows = [[Text(cell, "dim") for cell in _HEAD]]
    for entry in entries:
        left = entry.valid_until - now
        valid = age(left) if left > timedelta(0) else "expired"
        cells = (safe(entry.operation), safe(entry.variant.id), entry.state, _time(entry.since), valid)
        rows.append([Text(cell, _STATES[entry.state] if cell is entry.state else "") for cell in cells])
        rows[-1].append(Text(safe(entry.reason, 300)))
    _print_table(rows, console)


def render_log(found: Sequence[Published], limit: int, console: Console) -> None:
    """Print a line for each of the newest `limit` documents; `found` has one more, where there is an older one."""
    rows = [[Text(cell, "dim") for cell in _LOG_HEAD]]
    for each, changed in _with_changes(found, limit):
        states: list[str] = [entry.state for entry in each.document.entries]
        what = "; ".join(changed[:_CHANGES]) + (
            f"; and {len(changed) - _CHANGES} more" if len(changed) > _CHANGES else ""
        )
        cells = (str(each.seq), _time(each.document.issued_at), *(str(states.count(state)) for state in _STATES))
        rows.append([Text(cell) for cell in (*cells, each.digest.rpartition(":")[2][:12], what or "heartbeat")])
    _print_table(rows, console)


def log_json(found: Sequence[Published], limit: int) -> list[dict[str, object]]:
    """The same as JSON types."""
    return [
        {
            "stream": each.document.stream,
            "seq": each.seq,
            "issued_at": each.document.issued_at.isoformat(),
            "digest": each.digest,
            "prev": each.document.prev,
            "states": {state: sum(e.state == state for e in each.document.entries) for state in _STATES},
            "changes": changed,
        }
        for each, changed in _with_changes(found, limit)
    ]


def render_changes(before: SignalDocument, after: SignalDocument, console: Console, *, now: datetime) -> None:
    """Print every entry that came, went, or says something else."""
    for document in (before, after):
        issued = f"issued {_time(document.issued_at)}, {age(now - document.issued_at)} ago"
        title = f"{safe(document.stream, 300)} seq {document.seq}"
        print_parts(console, [title, issued, _counts(document.entries)], _INDENT, first=0)
    for line in changes(before, after) or ["no verdict changed"]:
        print_line(console, Text(" " * _INDENT + line))


def changes(before: SignalDocument | None, after: SignalDocument) -> list[str]:
    """A line for each entry that came, went, or says something else."""
    old = {(entry.operation, entry.variant.id): entry for entry in (before.entries if before is not None else ())}
    new = {(entry.operation, entry.variant.id): entry for entry in after.entries}
    lines = []
    for key in sorted(old.keys() | new.keys()):
        told = _change(old.get(key), new.get(key))
        if told:
            lines.append(f"{safe(key[0])} · {safe(key[1])}: {told}")
    return lines


def _change(old: SignalEntry | None, new: SignalEntry | None) -> str:
    if new is None:
        return "gone"
    if old is None:
        return f"new, {new.state}"
    parts = [f"{old.state} → {new.state}"] if old.state != new.state else []
    if old.variant.config != new.variant.config:
        parts.append("another configuration")
    if old.variant.price != new.variant.price:
        parts.append("another price")
    if old.valid_until != new.valid_until:
        parts.append(f"valid until {_time(new.valid_until)}")
    if not parts and old != new:
        parts.append("other evidence")
    return ", ".join(parts)


def _with_changes(found: Sequence[Published], limit: int) -> Iterator[tuple[Published, list[str]]]:
    """Each with what it changed; the first of a stream changed everything."""
    for each, before in list(pairwise([*found, None]))[:limit]:
        if each is not None:
            yield each, changes(before.document if before is not None else None, each.document)


def _counts(entries: Iterable[SignalEntry]) -> str:
    states = [entry.state for entry in entries]
    counts = [f"{states.count(state)} {state}" for state in _STATES if state in states]
    return f"{counted(len(states), 'verdict')}: {', '.join(counts)}" if states else "no verdicts"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _print_table(rows: Sequence[Sequence[Text]], console: Console) -> None:
    print_table(console, rows, [False] * len(rows[0]), indent=_INDENT)
