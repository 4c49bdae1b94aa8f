"""`evalgate lab gateway`: the gateway on recorded answers, with traffic."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH

if TYPE_CHECKING:
    from evalgate.lab.traffic import Tally

FOLDER = Path(".evalgate/gateway")
FAILING = "lab-q4_0"  # the cheapest variant that is green for one of the operations


@click.command("gateway")
@click.option("--seconds", type=click.FloatRange(min=1, max=3600), default=25.0, show_default=True, help="Of traffic.")
@click.option("--rate", type=click.FloatRange(min=1, max=1000), default=30.0, show_default=True, help="Calls a second.")
@click.option("--port", type=click.IntRange(1024, 65533), default=8940, show_default=True, help="And the next two.")
@click.option("--stay/--no-stay", default=None, help="Go on serving until Ctrl-C; default: in a terminal.")
@click.option("--catalog", "recorded", type=PATH, default="catalog.yaml", show_default=True, help="Recorded variants.")
@click.option("--picture", type=PATH, metavar="FILE", help="Take a picture of the model's page (playwright, Chromium).")
def gateway(seconds: float, rate: float, port: int, stay: bool | None, recorded: Path, picture: Path | None) -> int:
    """Serve recorded answers as providers, prove the variants, and send traffic through the gateway. No key, no model.

    While the traffic flows, one provider fails for a while.
    """
    from evalgate.lab.showcase import PACE, Showcase, evalgate
    from evalgate.lab.traffic import send
    from evalgate.suite import load_suites

    FOLDER.mkdir(parents=True, exist_ok=True)
    case = Showcase(FOLDER, port)
    catalog, settings = case.write_catalog(recorded), case.write_settings()
    key, signal, store = FOLDER / "signal.key", FOLDER / "signal.json", FOLDER / "evalgate.db"
    if not key.exists():
        evalgate("signal", "keygen", "--out", key, log=FOLDER / "keygen.log")
    providers = ("evalgate.lab.replayed", "--catalog", str(recorded), "--port", str(port + 1))
    served = ("evalgate", "serve", "--config", str(settings))
    with case.running("providers", providers, port + 1, "/served"):
        click.echo("proving the variants …")
        judge = ("check", "suites/lab", "--catalog", catalog, "--store", store, "--publish", signal, "--key", key)
        code, said = evalgate(*judge, "--quiet", log=FOLDER / "check.log")
        if code not in (0, 1, 3):
            click.echo(said, err=True)
            return code
        click.echo(next((line for line in said.splitlines() if " verdicts · " in line), ""))
        case.post(f"/pace?factor={PACE}")
        with case.running("gateway", served, port, "/readyz"):
            click.echo(f"\n{round(seconds * rate)} calls to {case.url} …")
            moments = [(seconds / 5, lambda: case.post(f"/{FAILING}/down?seconds={seconds / 6}"))]
            suites = load_suites([Path("suites/lab")])
            with _progress(round(seconds * rate)) as on_call:
                sending = send(case.url, suites, seconds=seconds, rate=rate, on_call=on_call, moments=moments)
                tallies = asyncio.run(sending)
            _show(tallies)
            click.echo(f"model pages: {case.url}/models/")
            if picture is not None:
                from evalgate.lab.picture import take_picture

                take_picture(f"{case.url}/models/{suites[0].file.model}", picture)
            if sys.stdin.isatty() if stay is None else stay:
                if sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
                    click.launch(f"{case.url}/models/")
                click.echo("serving until Ctrl-C")
                with contextlib.suppress(KeyboardInterrupt):
                    while True:
                        time.sleep(3600)
    return 0


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[int, int], None]]:
    """Shows how far it is: a bar in a terminal, a line now and then elsewhere."""
    from rich.progress import Progress

    from evalgate.cli.tell import tell, telling_console

    console = telling_console()
    if not console.is_terminal:
        step = max(total // 4, 1)
        yield lambda done, total: tell(f"  {done} of {total}") if done % step == 0 else None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("calls", total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(tallies: Sequence[Tally]) -> None:
    from rich.text import Text

    from evalgate.report.layout import columns, console_for_output, print_line, widths_of
    from evalgate.report.wording import ILLUSTRATIVE_NOTE, percent, safe

    head = ("operation", "calls", "failed", "rescued", "saved", "p50 ms", "served by")
    rows = [[Text(cell, "dim") for cell in head]]
    for each in tallies:
        who = ", ".join(f"{safe(name)} {count}" for name, count in each.served.most_common())
        numbers = (str(each.calls), str(each.failed), str(each.rescued), f"{percent(each.saved)} *", f"{each.p50:.0f}")
        rows.append([Text(safe(each.operation)), *map(Text, numbers), Text(who)])
    widths, console = widths_of(rows), console_for_output()
    print_line(console, Text())
    for row in rows:
        print_line(console, Text("  ") + columns(row, widths, [False, True, True, True, True, True, False]))
    print_line(
        console, Text(f"  {ILLUSTRATIVE_NOTE}; saved: of the baseline's cost, calls of the standard tier", "dim")
    )
    print_line(console, Text())
