"""The table of slices below the cases that differ."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from evalgate.gate.slices import SliceScore
from evalgate.report.layout import print_line
from evalgate.report.wording import safe

_SHOWN = 60


def render_slices(slices: Sequence[SliceScore], console: Console) -> None:
    """Print each slice with its cases and both scores; nothing where the suite names none."""
    if slices:
        print_line(console, Text("slices (they decide nothing; of many, some look bad by chance)", "dim"))
    for each in slices:
        told = f"{safe(each.key, _SHOWN)}={safe(each.value, _SHOWN)}  {each.metric}  {each.cases} cases"
        print_line(console, Text(f"  {told}  {each.baseline_score:.3f} → {each.variant_score:.3f}  {each.delta:+.3f}"))
