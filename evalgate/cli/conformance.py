"""`evalgate conformance`: does a router keep the contract of the signal? Asks the router itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.conformance import Finding, Rule, Settings, World


@click.command("conformance")
@click.option("--prepare", type=PATH, metavar="DIR", help="Make keys, catalogue and addresses for a router under test.")
@click.option("--port", type=int, default=9400, show_default=True, help="With --prepare: this one and the three after.")
@click.option("--router", metavar="URL", help="The router to test, started with what --prepare made.")
@click.option("--dir", "folder", type=PATH, default="conformance", show_default=True, help="The prepared folder.")
@click.option("--model", help="The router's name for the model under test.  [default: conformance/model]")
@click.option("--api-key-env", metavar="VARIABLE", help="Holds the key that the router asks its callers for.")
@click.option("--rule", "only", multiple=True, metavar="ID", help="Play only this rule (may be repeated).")
@click.option("--within", type=click.FloatRange(0.05, 600), default=5.0, show_default=True, help="Seconds to obey in.")
@click.option("--settle", type=click.FloatRange(0.05, 3600), default=60.0, show_default=True, help="… to recover in.")
@click.option(
    "--calls", type=click.IntRange(4, 10_000), default=20, show_default=True, help="For each thing forbidden."
)
@click.option(
    "--timeout", type=click.FloatRange(0.1, 3600), default=60.0, show_default=True, help="Seconds for a call."
)
@click.option("--bypass", multiple=True, metavar="NAME", help="Another name that reaches a variant (may be repeated).")
@click.option("--restart", metavar="COMMAND", help="Restarts the router; returns when that is done.")
@click.option("--json", "json_target", metavar="FILE", help="Write the findings as JSON; - for stdout.")
@click.option("--list", "listing", is_flag=True, help="Print the rules; ask nothing.")
def command(
    prepare: Path | None,
    port: int,
    router: str | None,
    folder: Path,
    model: str | None,
    api_key_env: str | None,
    only: tuple[str, ...],
    within: float,
    settle: float,
    calls: int,
    timeout: float,
    bypass: tuple[str, ...],
    restart: str | None,
    json_target: str | None,
    listing: bool,
) -> int:
    """Play signal states and failures to a router, and report each rule of the contract as kept or broken.

    Exit codes: 0 all rules kept; 1 one is broken; 3 one could not be shown, or is kept at needless cost.
    """
    from evalgate.conformance import MODEL, Outcome, Pace, Settings, World

    rules = _rules(only)
    if listing:
        for rule in rules:
            click.echo(f"{rule.id:26} {rule.text}")
        return 0
    if prepare is not None:
        _tell(World.prepare(prepare, port))
        return 0
    if router is None:
        raise click.UsageError("give --router URL, or --prepare DIR first; --list prints the rules")
    pace = Pace(within, settle, calls)
    settings = Settings(router, model or MODEL, _key(api_key_env), timeout, pace, restart, bypass)
    findings = _play(World.load(folder), settings, rules, json_target)
    outcomes = {finding.outcome for finding in findings}
    if Outcome.BROKEN in outcomes:
        return 1
    return 3 if outcomes & {Outcome.CAUTIOUS, Outcome.NOT_SHOWN} or outcomes == {Outcome.NOT_TRIED} else 0


def _play(world: World, settings: Settings, rules: list[Rule], json_target: str | None) -> list[Finding]:
    import asyncio

    from evalgate.cli.output import write_json
    from evalgate.conformance import run
    from evalgate.report.conformance import findings_json, render_finding, render_summary
    from evalgate.report.layout import console_for_output

    console = console_for_output()

    def on_finding(finding: Finding) -> None:
        if json_target != "-":
            render_finding(finding, console)

    findings = asyncio.run(run(world, settings, rules, on_finding))
    if json_target is not None:
        write_json(findings_json(findings), json_target)
    if json_target != "-":
        render_summary(findings, console)
    return findings


def _rules(only: tuple[str, ...]) -> list[Rule]:
    from evalgate.conformance import RULES
    from evalgate.formats.documents import did_you_mean

    known = {rule.id: rule for rule in RULES}
    for name in only:
        if name not in known:
            raise InputError(f"--rule {name}: no such rule{did_you_mean(name, set(known))}; --list prints them")
    return [rule for rule in RULES if rule.id in only or not only]


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise InputError(f"--api-key-env: ${variable} is not set")
    return key


def _tell(world: World) -> None:
    from evalgate.conformance import MODEL, UPSTREAMS

    click.echo(f"prepared {world.folder}; start the router with:\n")
    click.echo(f"  signal     {world.signal_url}")
    click.echo(f"             or the file {world.signal_file}")
    click.echo(f"  keys       {world.keys} (the public keys to trust)")
    click.echo(f"  catalogue  {world.folder / 'catalog.yaml'}")
    click.echo(f"  model      {MODEL}, served by:")
    for name in UPSTREAMS:
        click.echo(f"    {name:9}  {world.base_url(name)}")
    click.echo(f"\nthen: evalgate conformance --router URL --dir {world.folder}")
