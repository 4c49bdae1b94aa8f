"""`evalgate schema NAME`: the JSON Schemas that editors check our files with."""

from __future__ import annotations

import click
import orjson
from pydantic import BaseModel


@click.command("schema")
@click.argument("name", type=click.Choice(["suite", "catalog", "signal", "gateway", "intelligence"]))
def command(name: str) -> int:
    """Print the JSON Schema of a suite, a catalogue, the signal, the gateway's settings, or benchmark reports."""
    from evalgate.catalog import CatalogFile
    from evalgate.gateway.settings import GatewaySettings
    from evalgate.graders.reference import with_graders
    from evalgate.intelligence import ReportFile
    from evalgate.signal import SignalDocument
    from evalgate.suite import SuiteFile

    models: dict[str, type[BaseModel]] = {
        "suite": SuiteFile,
        "catalog": CatalogFile,
        "signal": SignalDocument,
        "gateway": GatewaySettings,
        "intelligence": ReportFile,
    }
    schema = models[name].model_json_schema(by_alias=True)
    if name == "suite":
        schema = with_graders(schema)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    click.echo(orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())
    return 0
