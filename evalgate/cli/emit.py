"""`evalgate emit envoy`: the configuration of another gateway, made from the signal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from evalgate.cli.options import PATH, catalog_option
from evalgate.cli.signers import source_options
from evalgate.errors import InputError


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

    from evalgate.catalog import load_catalog
    from evalgate.cli.signal.source import believed
    from evalgate.integrations.envoy import as_yaml, require_valid, routes
    from evalgate.router import RoutingTable, choose
    from evalgate.router.call import Call

    document = believed(source, trusted, stream, token_env)
    table, now = RoutingTable(document, load_catalog(catalog_path)), datetime.now(UTC)
    pairs = sorted({(entry.operation, entry.model) for entry in document.entries})
    resources = routes(
        [choose(Call(operation, model), table, now=now) for operation, model in pairs],
        gateway=gateway,
        name=name,
        namespace=namespace,
    )
    if crd_path is not None:
        try:
            crd = yaml.safe_load(crd_path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
            raise InputError(f"{crd_path}: cannot be read: {failure}") from None
        require_valid(resources, crd, str(crd_path))
    click.echo(as_yaml(resources), nl=False)
    return 0
