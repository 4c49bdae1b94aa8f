"""A catalogue for people: each model's variants with price, its day, and what somebody observed, with n and age."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from evalgate.catalog import Catalog, Endpoint, Model, Observed
from evalgate.report.layout import columns, print_line, widths_of
from evalgate.report.wording import ILLUSTRATIVE_NOTE, counted, safe

HEAD = ("variant", "precision", "$ in /1M", "$ out /1M", "as of", "observed")
_RIGHT = (False, False, True, True, False, False)


def render_catalog(catalog: Catalog, models: Sequence[str], console: Console, now: datetime) -> None:
    """Print the variants of some models; raises `InputError` for one that the catalogue does not have."""
    for model in models:
        endpoints = catalog.endpoints(model).values()
        print_line(console, _title(model, catalog.about[model], len(endpoints)))
        rows = [[Text(cell, "dim") for cell in HEAD], *(_row(each, now) for each in endpoints)]
        widths = widths_of(rows)
        for row in rows:
            print_line(console, Text("  ") + columns(row, widths, _RIGHT))
        if any(each.price.basis == "illustrative" for each in endpoints):
            print_line(console, Text(f"  {ILLUSTRATIVE_NOTE}", "dim"))
        print_line(console, Text())


def _title(model: str, about: Model, variants: int) -> Text:
    known = [
        about.author,
        about.family,
        f"released {about.released}" if about.released is not None else None,
        f"context {about.context:,}" if about.context is not None else None,
        {True: "open weights", False: "closed weights", None: None}[about.open_weights],
    ]
    parts = [safe(part) for part in known if part] + [counted(variants, "variant")]
    return Text.assemble((safe(model), "bold"), " · ", " · ".join(parts))


def _row(endpoint: Endpoint, now: datetime) -> list[Text]:
    price, observed = endpoint.price, endpoint.variant.observed
    mark = " *" if price.basis == "illustrative" else ""
    return [
        Text(safe(endpoint.id)),
        Text(endpoint.quantization.label),
        Text(f"{price.input}{mark}"),
        Text(f"{price.output}{mark}"),
        Text(str(price.as_of or "—")),
        Text(_observed(observed, now) if observed is not None else "—", "dim"),
    ]


def _observed(observed: Observed, now: datetime) -> str:
    latency, speed = (dict(each or {}).get("p50") for each in (observed.first_token_ms, observed.tokens_per_second))
    uptime = dict(observed.uptime or {}).get("30m")
    parts = [
        f"first token p50 {latency:,.0f} ms" if latency is not None else "",
        f"{speed:,.0f} tokens/s" if speed is not None else "",
        f"up {uptime:.1f} %" if uptime is not None else "",
        "degraded" if observed.degraded else "",
    ]
    told = ", ".join(filter(None, parts)) or "nothing"
    n = f"n {observed.requests:,}" if observed.requests is not None else "n not told"
    hours = max(0.0, (now - datetime.fromisoformat(observed.at)).total_seconds() / 3600)
    age = f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
    return f"{told} ({safe(observed.source)}, {n}, {age} old)"
