"""What is in a store, and what tidying it up takes away, for people."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from evalgate.report.layout import print_line, print_parts, print_table
from evalgate.report.wording import ESTIMATED, ESTIMATED_NOTE, counted, safe
from evalgate.store.gc import Selection, Tidied, Waste
from evalgate.store.statistics import Holding, Statistics

_TITLES = ("variant", "config", "answers", "refused", "tokens in", "tokens out", "USD", "scores", "oldest", "newest")
_RIGHT = (False, False, True, True, True, True, True, True, False, False)
_CONFIG = 1
_CONFIG_CHARACTERS = 8
_INDENT = 2


def render_statistics(found: Statistics, name: str, console: Console) -> None:
    """Print one line for each holding, and their sum; the configurations only where a variant has several."""
    held, total = found.holdings, found.total
    print_parts(console, [Text(safe(name, 300), "bold"), f"schema {found.schema}", size(found.size)], _INDENT, first=0)
    if held:
        rows = [_TITLES, *(_cells(each) for each in held), ("total", "", *_cells(total)[2:])]
        styles = ["dim", *[""] * len(held), "bold"]
        several = len({each.variant for each in held}) < len(held)
        shown = [number for number in range(len(_TITLES)) if several or number != _CONFIG]
        table = [[Text(row[number], style) for number in shown] for row, style in zip(rows, styles, strict=True)]
        print_table(console, table, [_RIGHT[number] for number in shown], indent=_INDENT)
    parts = ["" if held else "no answers", counted(found.runs, "run")]
    if total.uncounted:
        parts.append(ESTIMATED_NOTE)
    if found.claims:
        parts.append(f"{counted(found.claims, 'question')} being asked")
    if found.batches:
        parts.append(f"{batches(found.batches)} not fetched yet, of {counted(found.batch_items, 'question')}")
    print_parts(console, parts, _INDENT)


def render_waste(found: Waste, selection: Selection, name: str, console: Console, tidied: Tidied | None = None) -> None:
    """Print what would go, or (given `tidied`) what went and how much room that gave back."""
    lines = [f"{safe(name, 300)}: {'deleted:' if tidied else 'this would go:'}"]
    lines += [f"  {line}" for line in _waste_lines(found, selection)]
    if tidied is None:
        lines.append("nothing was deleted" + ("" if found.nothing else "; with --yes it is"))
    else:
        lines.append(safe(tidied.note, 300) or f"freed {size(tidied.freed)}")
    for line in lines:
        print_line(console, Text(line))


def _waste_lines(found: Waste, selection: Selection) -> list[str]:
    """What goes, one kind a line; a hint where no answers were asked for."""
    if not selection.has_answers:
        lines = ["no answers: none are selected (--older-than 90d, --unused)"]
    elif not found.answers:
        lines = ["no answers: all are younger, or in use"]
    else:
        answers = counted(found.answers, "answer")
        lines = [f"{answers}, bought for {usd(found.usd)} USD, with {counted(found.scores, 'score')}"]
    kinds = (
        (found.lost_scores, "score", "without an answer"),
        (found.lost_bodies, "text", "without an answer"),
        (found.runs, "run", "before those that are kept"),
        (found.workers, "worker", "that died while asking, with all claims"),
        (found.files, "file", "or batch of a client whose time is over"),
    )
    return lines + [f"{counted(count, noun)} {which}" for count, noun, which in kinds if count]


def batches(count: int) -> str:
    """`1 batch`, `2 batches`."""
    return f"{count:,} batch{'' if count == 1 else 'es'}"


def usd(amount: Decimal) -> str:
    """An amount in USD: `1,204.5000`; of what is less than a hundredth of a cent its size: `8.9e-06`."""
    return f"{amount:,.4f}" if amount >= Decimal("0.0001") or not amount else f"{float(amount):.2g}"


def size(count: int) -> str:
    """Bytes: `4.2 MB`."""
    number, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        units.pop(0)
    return f"{number:.0f} {units[0]}" if number >= 99.5 or units[0] == "bytes" else f"{number:.1f} {units[0]}"


def _cells(holding: Holding) -> tuple[str, ...]:
    numbers = (holding.answers, holding.refused, holding.input_tokens, holding.output_tokens)
    return (
        safe(holding.variant),
        holding.config.rpartition(":")[2][:_CONFIG_CHARACTERS],
        *(f"{number:,}" for number in numbers),
        (ESTIMATED if holding.uncounted else "") + usd(holding.usd),
        f"{holding.scores:,}",
        *(datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d") for at in (holding.oldest, holding.newest)),
    )
