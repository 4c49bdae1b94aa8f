"""`evalgate run SUITE --variant ID`: collect and grade without a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH, catalog_option, store_option

if TYPE_CHECKING:
    from evalgate.run import RunResult


@click.command("run")
@click.argument("suite", type=PATH)
@click.option("--variant", "variant", required=True, metavar="ID", help="Who is asked.")
@catalog_option
@store_option
@click.option("--max-cases", type=click.IntRange(min=1), help="At most so many cases, in the order a check asks them.")
@click.option("--out", "out_path", type=PATH, metavar="FILE", help="Write id, metric and score of each case as JSONL.")
@click.option("--json", "json_path", metavar="FILE|-", help="Write the summary as JSON; - is stdout.")
@click.option("--refresh", is_flag=True, help="Buy every answer anew, also those that are in the store.")
def command(
    suite: Path,
    variant: str,
    catalog_path: Path,
    store_name: str,
    max_cases: int | None,
    out_path: Path | None,
    json_path: str | None,
    refresh: bool,
) -> int:
    """Let one variant answer SUITE and grade it, without a verdict (what other tools call an eval).

    Exit code 0 when every case was answered, 4 when some were not. `evalgate compare` reads what --out writes.
    """
    import asyncio
    import os
    from dataclasses import asdict
    from statistics import fmean

    import orjson

    from evalgate.catalog import load_catalog
    from evalgate.cli.show_board import write_json
    from evalgate.documents import did_you_mean
    from evalgate.errors import InputError
    from evalgate.files import write_atomically
    from evalgate.graders import bind
    from evalgate.run import run
    from evalgate.store import open_store
    from evalgate.suite import load_suite

    loaded = load_suite(suite)
    endpoints = load_catalog(catalog_path).endpoints(loaded.file.model)
    if variant not in endpoints:
        raise InputError(f"{catalog_path}: no variant {variant!r}{did_you_mean(variant, set(endpoints))}")
    cases = loaded.cases[:max_cases]
    with open_store(store_name) as store:
        running = run(loaded, bind(loaded), endpoints[variant], store, os.environ, cases=cases, refresh=refresh)
        result = asyncio.run(running)
    if out_path is not None:
        try:
            write_atomically(out_path, b"".join(orjson.dumps(row) + b"\n" for row in result.rows()))
        except OSError as failure:
            raise InputError(f"--out {out_path}: cannot be written: {failure.strerror}") from None
    if json_path is not None:
        means = {metric: fmean(scores) for metric, scores in result.scores.items()}
        summary = {"operation": result.operation, "variant": asdict(result.variant), "cases": len(result.cases)}
        write_json(summary | {"scores": means, "usage": asdict(result.usage), "requests": result.requests}, json_path)
    if json_path != "-":
        _print(result)
    return 4 if result.usage.failed else 0


def _print(result: RunResult) -> None:
    from statistics import fmean

    from evalgate.report.wording import percent, safe

    usage = result.usage
    head = f"{safe(result.operation)} · {safe(result.variant.id)}"
    click.echo(f"{head}: {len(result.cases)} cases, {result.requests} requests sent")
    for metric, scores in result.scores.items():
        click.echo(f"  {safe(metric)} {fmean(scores):.4f}")
    click.echo(
        f"  {usage.input_tokens:.0f} + {usage.output_tokens:.0f} tokens and {usage.cost_usd:.6f} USD an answer, median "
        f"{usage.latency_ms_p50:.0f} ms, {percent(usage.truncated)} truncated"
    )
    if usage.failed:
        click.echo(f"  {usage.failed} of {usage.answers} answers failed and score 0; the same command asks them again")
