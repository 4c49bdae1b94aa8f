"""`evalgate emit envoy|agentgateway`: the configuration of another gateway, made from the signal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH, catalog_option
from evalgate.cli.signers import source_options
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.router import Decision


@click.group("emit")
def command() -> None:
    """Write the configuration of another gateway from the signal."""


@command.command("envoy")
@source_options
@catalog_option
@click.option("--gateway", required=True, metavar="NAME", help="The Gateway that the routes belong to.")
@click.option("--name", default="evalgate", show_default=True, help="What the resources' names begin with.")
@click.option("--namespace", default="default", show_default=True, help="Where they, and the backends, are.")
@click.option(
    "--crd", "crd_path", type=PATH, metavar="FILE", help="Check them against the cluster's definition (YAML)."
)
def envoy(
    source: str,
    trusted: tuple[Path, ...],
    stream: str,
    token_env: str | None,
    catalog_path: Path,
    gateway: str,
    name: str,
    namespace: str,
    crd_path: Path | None,
) -> int:
    """Print AIGatewayRoutes of Envoy AI Gateway: a rule for each operation, and the baseline for all else."""
    import yaml

    from evalgate.integrations.envoy import as_yaml, require_valid, routes

    decisions = _decisions(source, trusted, stream, token_env, catalog_path)
    resources = routes(decisions, gateway=gateway, name=name, namespace=namespace)
    if crd_path is not None:
        try:
            crd = yaml.safe_load(crd_path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
            raise InputError(f"{crd_path}: cannot be read: {failure}") from None
        require_valid(resources, crd, str(crd_path))
    click.echo(as_yaml(resources), nl=False)
    return 0


@command.command("agentgateway")
@source_options
@catalog_option
@click.option("--port", type=click.IntRange(1, 65535), help="Where it listens; default: its gateway called `default`.")
@click.option("--schema", "schema_path", type=PATH, metavar="FILE", help="Check it against its schema/config.json.")
def agentgateway(
    source: str,
    trusted: tuple[Path, ...],
    stream: str,
    token_env: str | None,
    catalog_path: Path,
    port: int | None,
    schema_path: Path | None,
) -> int:
    """Print the `llm` part of agentgateway's configuration: each operation's conditions, the baseline for all else."""
    import orjson

    from evalgate.integrations.agentgateway import as_yaml, configuration, require_valid

    decisions = _decisions(source, trusted, stream, token_env, catalog_path)
    llm = configuration(decisions, port=port)
    if schema_path is not None:
        try:
            schema = orjson.loads(schema_path.read_bytes())
        except (OSError, orjson.JSONDecodeError) as failure:
            raise InputError(f"{schema_path}: cannot be read: {failure}") from None
        require_valid(llm, schema, str(schema_path))
    click.echo(as_yaml(llm, max((each.seq or 0 for each in decisions), default=0)), nl=False)
    return 0


def _decisions(
    source: str, trusted: tuple[Path, ...], stream: str, token_env: str | None, catalog_path: Path
) -> list[Decision]:
    """What the standard tier does with each operation of a signal that is believed."""
    from evalgate.catalog import load_catalog
    from evalgate.cli.signal.source import believed
    from evalgate.router import Call, RoutingTable, choose

    document = believed(source, trusted, stream, token_env)
    table, now = RoutingTable(document, load_catalog(catalog_path)), datetime.now(UTC)
    pairs = sorted({(entry.operation, entry.model) for entry in document.entries})
    return [choose(Call(operation, model), table, now=now) for operation, model in pairs]
