"""`evalgate route OPERATION`: which variant a tier would take now, and why not the others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH, catalog_option
from evalgate.cli.signers import source_options
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.router import Call, RoutingTable

LARGEST_BODY = 64 * 1024 * 1024


@click.command("route")
@click.argument("operations", nargs=-1, metavar="[OPERATION]…")
@source_options
@catalog_option
@click.option("--tier", type=click.Choice(["realtime", "standard", "batch"]), help="The tier; default: standard.")
@click.option("--model", metavar="ID", help="The model, for an operation that no suite judges.")
@click.option("--request", "request_path", type=PATH, metavar="FILE", help="Choose for this request body (JSON).")
@click.option("--strategy", type=click.Choice(["cheapest", "weighted"]), default="cheapest", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw that --strategy weighted makes.")
@click.option("--explain", is_flag=True, help="Say what the choice rests on, and who is asked next when it fails.")
@click.option("--json", "as_json", is_flag=True, help="Print the decisions as JSON.")
def command(
    operations: tuple[str, ...],
    source: str,
    trusted: tuple[Path, ...],
    stream: str,
    token_env: str | None,
    catalog_path: Path,
    tier: str | None,
    model: str | None,
    request_path: Path | None,
    strategy: str,
    seed: int,
    explain: bool,
    as_json: bool,
) -> int:
    """Say which variant would take the calls of each OPERATION (default: all in the signal), and why.

    Exit code 0: somebody takes every call, 1: the limits of a call (price, data policy) forbid everybody.
    """
    from evalgate.catalog import load_catalog
    from evalgate.cli.signal.source import believed
    from evalgate.report.layout import console_for_output
    from evalgate.report.route import decision_json, render_decision
    from evalgate.router import Preferences, RoutingTable, choose

    table = RoutingTable(believed(source, trusted, stream, token_env), load_catalog(catalog_path))
    calls = [_as_asked(call, tier, model) for call in _calls(operations, request_path, table)]
    preferences = Preferences(strategy="weighted" if strategy == "weighted" else "cheapest")
    now = datetime.now(UTC)
    decisions = [choose(call, table, now=now, seed=seed, preferences=preferences) for call in calls]
    if as_json:
        click.echo(decision_json(decisions))
    else:
        console = console_for_output()
        for decision in decisions:
            render_decision(decision, console, details=explain)
    return 0 if all(decision.order for decision in decisions) else 1


def _calls(operations: tuple[str, ...], request_path: Path | None, table: RoutingTable) -> list[Call]:
    """The calls to choose for: a request's, for each operation that is named, or one of each operation."""
    from evalgate.router import Call, call_of

    if request_path is None:
        return [Call(operation) for operation in operations or table.operations]
    call = call_of(_body(request_path))
    return [replace(call, operation=operation) for operation in operations] or [call]


def _as_asked(call: Call, tier: str | None, model: str | None) -> Call:
    from evalgate.router import TIERS

    chosen = next((each for each in TIERS if each == tier), call.tier)
    return replace(call, tier=chosen, model=model or call.model)


def _body(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > LARGEST_BODY:
            raise InputError(f"{path}: larger than {LARGEST_BODY >> 20} MiB; not a request body")
        body = json.loads(path.read_bytes())
    except OSError as failure:
        raise InputError(f"{path}: cannot be read: {failure.strerror}") from None
    except (ValueError, RecursionError) as failure:
        raise InputError(f"{path}: not JSON: {failure}") from None
    if not isinstance(body, dict):
        raise InputError(f"{path}: expected a JSON object such as the body of /v1/chat/completions")
    return body
