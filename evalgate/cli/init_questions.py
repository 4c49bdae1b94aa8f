"""The questions that `evalgate init` asks in a terminal, when it was told nothing of who is asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from evalgate.cli.init_who import LISTED, Said, models_of
from evalgate.errors import EvalgateError

if TYPE_CHECKING:
    from evalgate.starting.endpoints import Way
    from evalgate.starting.sources import Wanted


def asked(what: Wanted) -> tuple[Said, Wanted]:
    """What was answered, as the options have it; a wrong answer is asked for again."""
    from evalgate.starting.endpoints import read_way

    click.echo(
        "Two endpoints that speak OpenAI's API: your full-precision one, and a cheaper one. Keys are only named.\n"
    )
    baseline = _endpoint("Address of the full-precision endpoint, up to /v1", "--baseline", None)
    way = read_way(baseline, "--baseline")
    served = _served(way)
    model = _until_right("Its model", _one_of(served), default=served[0] if len(served) == 1 else None)
    cheaper = _endpoint("Address of the cheaper endpoint", "--variant", way)
    there = click.prompt("The model's name there", default=model, err=True)
    variant = cheaper + ("" if there == model else f",as={there}")
    if what.operation is None and not any((what.promptfoo, what.log, what.suite, what.cases)):
        from evalgate.starting.sources import OPERATION

        name = click.prompt("The operation: what your production calls are tagged with", default=OPERATION, err=True)
        what = replace(what, operation=name)
    from evalgate.starting.endpoints import as_id

    identity = as_id(model)
    return Said(identity, baseline + ("" if identity == model else f",as={model}"), [variant]), what


def _endpoint(question: str, option: str, baseline: Way | None) -> str:
    """A line as `--baseline` and `--variant` take it."""
    from evalgate.starting.endpoints import read_way

    def right(text: str) -> str:
        read_way(text, option, baseline)
        return text

    url = _until_right(question, right, default=baseline.url if baseline else None)
    known = baseline.key if baseline and url == baseline.url else ""

    def a_variable(text: str) -> str:
        return right(f"{url},key={text}" if text else url)

    line = _until_right("Environment variable that its key is in (empty: none)", a_variable, default=known or "")
    usual = "undisclosed" if baseline else "bf16"
    return _until_right("Its precision", lambda text: right(f"{line},precision={text}"), default=usual)


def _until_right(question: str, check: Callable[[str], str], default: str | None) -> str:
    while True:
        text: str = click.prompt(question, default=default, show_default=default not in (None, ""), err=True)
        try:
            return check(text.strip())
        except EvalgateError as failure:
            click.echo(f"  {failure}", err=True)


def _served(way: Way) -> list[str]:
    """What the endpoint serves, if it says so; nothing else depends on that it does."""
    if way.key is not None and not os.environ.get(way.key, "").strip():
        return []
    try:
        served = models_of(way)
    except EvalgateError:
        return []
    for name in served[:LISTED]:
        click.echo(f"  {name}", err=True)
    if len(served) > LISTED:
        click.echo(f"  … and {len(served) - LISTED} more", err=True)
    return served


def _one_of(served: list[str]) -> Callable[[str], str]:
    def known(name: str) -> str:
        from evalgate.errors import InputError
        from evalgate.formats.documents import did_you_mean

        if not name:
            raise InputError("expected the model's id")
        if served and name not in served:
            raise InputError(f"not one of them{did_you_mean(name, set(served))}")
        return name

    return known
