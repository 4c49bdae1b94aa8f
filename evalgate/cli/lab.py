"""`evalgate lab …`: real quantized variants of a small real model, served on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.lab_gateway import gateway
from evalgate.cli.lab_serve import serve_recorded
from evalgate.cli.options import PATH

if TYPE_CHECKING:
    from evalgate.catalog import Endpoint
    from evalgate.lab.roster import LabVariant

FOLDER = Path(".evalgate/lab")
DEMO = Path(".evalgate/watch-demo")
LIVE_STORE = ".evalgate/lab/live.db"
CLEAR = ("lab-q8_0", "lab-q4_0")  # variants whose verdicts are clear after few cases …
RECORDED = Path("suites/lab")  # the operations whose answers are recorded
QUICK = (RECORDED / "add_numbers/suite.yaml", RECORDED / "recall_fact/suite.yaml")  # … on operations with short answers


@click.group("lab")
def command() -> None:
    """Serve real quantized variants of SmolLM2-135M on this machine, judge them live, record their answers."""


command.add_command(gateway)
command.add_command(serve_recorded)


@command.command("check")
@click.argument("suites", nargs=-1, type=PATH)
@click.option("--variant", "only", multiple=True, default=CLEAR, show_default=True, help="Serve and judge these.")
@click.option("--max-cases", type=click.IntRange(min=1), default=240, show_default=True, help="Cases of each suite.")
@click.option("--store", "store_name", default=LIVE_STORE, show_default=True, help="Where the live answers are kept.")
@click.pass_context
def check(
    context: click.Context, suites: tuple[Path, ...], only: tuple[str, ...], max_cases: int, store_name: str
) -> int:
    """Quantize, serve, and run `evalgate check` against the live servers; then stop them.

    Without SUITES: two operations with short answers, which takes two to three minutes on two cores.
    """
    from evalgate.cli.check import command as check_command
    from evalgate.lab.serve import serve

    variants, catalog_path = _prepare(only)
    with serve(variants, log_directory=FOLDER / "logs"):
        code: int = context.invoke(
            check_command,
            suites=suites or QUICK,
            catalog_path=catalog_path,
            store_name=store_name,
            only=only,
            max_cases=max_cases,
            report_path=FOLDER / "report.html",
        )
    return code


@command.command("smoke")
@click.option("--cases", type=click.IntRange(min=1), default=64, show_default=True, help="Cases to ask each variant.")
@click.option("--recorded", "recorded_path", type=PATH, default="catalog.yaml", show_default=True, help="To compare.")
def smoke(cases: int, recorded_path: Path) -> int:
    """Ask a few cases live and hold the answers against the recorded ones: is the lab what it was?"""
    import tempfile

    from evalgate.catalog import load_catalog
    from evalgate.lab.roster import BASELINE
    from evalgate.lab.serve import serve
    from evalgate.lab.smoke import agreement
    from evalgate.store import open_store
    from evalgate.suite import load_suites

    variants, catalog_path = _prepare(CLEAR)
    live = [each for each in _endpoints(catalog_path) if each.id in (BASELINE, *CLEAR)]
    recorded = [load_catalog(recorded_path).endpoints(each.model)[each.id] for each in live]
    with (
        serve(variants, log_directory=FOLDER / "logs"),
        tempfile.TemporaryDirectory() as folder,
        open_store(f"{folder}/smoke.db") as store,  # a new store: what is known already would prove nothing
    ):
        same = asyncio.run(agreement(live, recorded, load_suites([RECORDED]), store, cases))
    for endpoint, share in zip(live, same, strict=True):
        click.echo(f"{endpoint.id}: {share:.0%} of {cases} live answers are the recorded ones, letter by letter")
    return 0 if min(same) >= 0.9 else 4


@command.command("watch-demo")
@click.option("--suite", "suite_path", type=PATH, default="suites/lab/add_numbers/suite.yaml", show_default=True)
@click.option("--recordings", type=PATH, default="suites/lab/recordings", show_default=True, help="Recorded answers.")
@click.option("--days", type=click.IntRange(min=1, max=365), default=30, show_default=True)
@click.option("--folder", type=PATH, default=DEMO, show_default=True, help="Emptied first; the store stays there.")
@click.option("--svg", "picture", type=PATH, metavar="FILE", help="Draw the timeline.")
def watch_demo(suite_path: Path, recordings: Path, days: int, folder: Path, picture: Path | None) -> int:
    """Play thirty days on recorded answers: a provider swaps its quantization on day 12, and is found out.

    The answers are those of a real model, asked over HTTP on this machine; only the clock is another one.
    """
    from evalgate.cli.demo import show

    return show(suite_path, recordings, days, folder, picture)


@command.command("record")
@click.option("--variant", "only", multiple=True, metavar="ID", help="Record only this variant (may be repeated).")
@click.option("--at-a-time", type=click.IntRange(min=1), default=2, show_default=True, help="Servers that run at once.")
def record(only: tuple[str, ...], at_a_time: int) -> int:
    """Ask every case of every variant and write the recordings that `make demo` replays. Resumable."""
    from evalgate.lab.record import record as ask_all
    from evalgate.lab.record import write
    from evalgate.lab.roster import catalogue, roster
    from evalgate.lab.serve import serve
    from evalgate.lab.weights import make_weights
    from evalgate.store import open_store
    from evalgate.suite import load_suites

    suites = load_suites([RECORDED])
    served, catalog_path = _prepare(only)
    variants = [variant for variant in served if variant.id in only or not only]
    endpoints = {endpoint.id: endpoint for endpoint in _endpoints(catalog_path)}
    recordings = RECORDED / "recordings"
    recordings.mkdir(exist_ok=True)

    def on_progress(variant: str, done: int, total: int) -> None:
        click.echo(f"{variant}: {done} of {total}")

    async def ask(some: Sequence[Endpoint]) -> None:
        await asyncio.gather(*(ask_all([endpoint], suites, store, on_progress) for endpoint in some))

    with open_store(LIVE_STORE) as store:
        for start in range(0, len(variants), at_a_time):
            group = variants[start : start + at_a_time]
            with serve(group, log_directory=FOLDER / "logs") as engine:
                asyncio.run(ask([endpoints[variant.id] for variant in group]))
            for variant in group:
                path = recordings / f"{variant.id}.jsonl.gz"
                click.echo(f"{path}: {write(endpoints[variant.id], suites, store, path, engine)} answers")
    recorded = [each for each in roster(make_weights(FOLDER)) if (recordings / f"{each.id}.jsonl.gz").exists()]
    Path("catalog.yaml").write_text(catalogue(recorded, recordings=recordings.as_posix()), encoding="utf-8")
    return 0


@command.command("record-border")
@click.option("--out", type=PATH, default="benchmarks/data/first-tokens.json.gz", show_default=True, help="The file.")
@click.option("--prompts", type=click.IntRange(min=1), default=1500, show_default=True, help="Candidates to ask.")
def record_border(out: Path, prompts: int) -> int:
    """Record the first tokens of many short prompts under each quantization, for the drift benchmarks."""
    from evalgate.lab.border import candidates, record_first_tokens
    from evalgate.lab.weights import make_weights

    def on_progress(serving: str, done: int, total: int) -> None:
        click.echo(f"{serving}: {done} of {total}")

    weights = make_weights(FOLDER, ("F16", "Q8_0", "Q4_0", "Q6_K"))
    record_first_tokens(out, weights, candidates(prompts), on_progress)
    click.echo(f"{out}: {prompts} prompts")
    return 0


def _prepare(only: Sequence[str]) -> tuple[list[LabVariant], Path]:
    """Make the weights, and write the catalogue of the live servers; `only` restricts who is served."""
    from evalgate.errors import InputError
    from evalgate.lab.roster import BASELINE, catalogue, roster
    from evalgate.lab.weights import make_weights

    click.echo("quantizing (once) …", err=True)
    variants = roster(make_weights(FOLDER))
    known = [variant.id for variant in variants]
    if unknown := [name for name in only if name not in known]:
        raise InputError(f"the lab has no variant {unknown[0]!r}; it has {', '.join(known)}")
    path = FOLDER / "catalog.yaml"
    path.write_text(catalogue(variants, recordings=None), encoding="utf-8")
    return [variant for variant in variants if variant.id in (BASELINE, *only) or not only], path


def _endpoints(catalog_path: Path) -> list[Endpoint]:
    from evalgate.catalog import load_catalog
    from evalgate.lab.weights import MODEL

    return list(load_catalog(catalog_path).endpoints(MODEL).values())
