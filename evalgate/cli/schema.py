"""`evalgate schema NAME`: the JSON Schemas that editors check our files with."""

from __future__ import annotations

import click
import orjson
from pydantic import BaseModel

NAMES = ("suite", "catalog", "signal", "gateway", "intelligence")


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES))
def command(name: str) -> int:
    """Print the JSON Schema of a suite, a catalogue, the signal, the gateway's settings, or benchmark reports."""
    click.echo(schema_text(name), nl=False)
    return 0


def schema_text(name: str) -> str:
    """The JSON Schema called `name`, as its file has it."""
    schema = _model(name).model_json_schema(by_alias=True)
    if name == "suite":
        from evalgate.graders.reference import with_graders

        schema = with_graders(schema)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE).decode()


def _model(name: str) -> type[BaseModel]:
    from evalgate.catalog import CatalogFile
    from evalgate.gateway.settings import GatewaySettings
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
    return models[name]
