"""`evalgate schema NAME`: the JSON Schemas that editors check our files with, and the same for people."""

from __future__ import annotations

from typing import Any

import click
import orjson
from pydantic import BaseModel

NAMES = ("suite", "catalog", "signal", "gateway", "intelligence")
PAGES = {  # those of files that people write by hand: the page's title, and where to read on
    "suite": ("Suites, key by key", "[suites.md](suites.md) tells how the keys go together."),
    "catalog": ("The catalogue, key by key", "[catalog.md](catalog.md) tells how imports fill it."),
    "gateway": ("gateway.yaml, key by key", "[gateway.md](gateway.md) tells what the gateway does."),
}


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES))
@click.option("--markdown", is_flag=True, help="Every key as a table: docs/suite-reference.md and its like.")
def command(name: str, markdown: bool) -> int:
    """Print the JSON Schema of a suite, a catalogue, the signal, the gateway's settings, or benchmark reports."""
    if not markdown:
        click.echo(schema_text(name), nl=False)
        return 0
    from evalgate.errors import InputError
    from evalgate.report.schema import as_markdown

    if name not in PAGES:
        raise InputError(f"--markdown: there is no page of {name}; expected one of {', '.join(PAGES)}")
    title, note = PAGES[name]
    click.echo(as_markdown(name, title, _schema(name), note), nl=False)
    return 0


def schema_text(name: str) -> str:
    """The JSON Schema called `name`, as its file has it."""
    schema = _schema(name)
    if name == "suite":  # what is missing may be in the suite that is extended
        schema["anyOf"] = [{"required": schema.pop("required")}, {"required": ["extends"]}]
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE).decode()


def _schema(name: str) -> dict[str, Any]:
    schema = _model(name).model_json_schema(by_alias=True)
    if name == "suite":
        from evalgate.graders.reference import with_graders

        schema = with_graders(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


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
