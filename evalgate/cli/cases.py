"""`evalgate cases list|add`: captured traffic and its corrections become reviewed cases of a suite."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from evalgate.cli.options import PATH, store_option
from evalgate.errors import InputError

if TYPE_CHECKING:
    from evalgate.exchange import JsonValue
    from evalgate.gateway.reviewing import Candidate
    from evalgate.suite import Case

Accept = Literal["ask", "corrections", "answers"]


@click.group("cases")
def command() -> None:
    """Look at captured traffic, and make cases of it."""


@command.command("list")
@store_option
def list_(store_name: str) -> int:
    """Say how many calls were captured of each operation (`evalgate serve`, keys with --capture on)."""
    from evalgate.report.wording import safe
    from evalgate.store import open_to_read
    from evalgate.store.captures import Captures

    with open_to_read(store_name) as store:
        counts = Captures(store).counts()
    if not counts:
        click.echo("nothing was captured: that takes a key with --capture on")
    for operation, calls, corrected, undecided in counts:
        click.echo(f"{safe(operation)}: {calls} captured, {corrected} corrected, {undecided} to decide on")
    return 0


@command.command("add")
@click.argument("suite_path", metavar="SUITE", type=PATH)
@click.option("--from-traffic", is_flag=True, required=True, help="From what the gateway captured of its operation.")
@click.option(
    "--accept",
    type=click.Choice(["ask", "corrections", "answers"]),
    default="ask",
    show_default=True,
    help="ask: decide on each, here; corrections: take what was corrected; answers: take whatever was answered.",
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many new cases.")
@store_option
def add(suite_path: Path, from_traffic: bool, accept: Accept, limit: int, store_name: str) -> int:
    """Add reviewed calls to the cases of SUITE.

    A call is taken only where the suite's own prompt would have asked exactly what it asked. Its target is what was
    said in correction (POST /v1/feedback), or what a reviewer says. What the suite asks already is left out.
    """
    del from_traffic
    from evalgate.gateway.reviewing import candidates
    from evalgate.report.wording import counted
    from evalgate.store import open_store
    from evalgate.store.captures import Captures
    from evalgate.suite import load_suite
    from evalgate.suite.growth import add_cases, require_growing, that_are_new

    suite = load_suite(suite_path)
    require_growing(suite)
    if accept == "ask" and not _is_terminal():
        raise InputError("nobody is there to ask; say --accept corrections to take what was corrected")
    with open_store(store_name, make=False) as store:
        captures = Captures(store)
        found, others = candidates(suite, captures.undecided(suite.operation))
        fresh = {case.id for case in that_are_new(suite, [each.case for each in found])}
        known = [each for each in found if each.case.id not in fresh]
        taken, refused = _decided([each for each in found if each.case.id in fresh], accept, limit)
        grown = add_cases(suite, [case for _, case in taken]) if taken else suite
        captures.decide([each.captured.capture for each in [*known, *refused, *(one for one, _ in taken)]], time.time())
    click.echo(
        f"{counted(len(taken), 'case')} added to {suite.path.parent / str(suite.file.cases)}, now {len(grown.cases)}"
    )
    if known:
        click.echo(f"{counted(len(known), 'call')} left out: the suite asks that already, or nearly")
    if others:
        click.echo(f"{counted(others, 'call')} left out: not asked as the suite's prompt asks")
    return 0


def _decided(
    found: list[Candidate], accept: Accept, limit: int
) -> tuple[list[tuple[Candidate, Case]], list[Candidate]]:
    """Which become cases, and which were turned down; nothing is decided on the others."""
    taken: list[tuple[Candidate, Case]] = []
    refused: list[Candidate] = []
    for each in found:
        if len(taken) == limit:
            break
        if accept == "ask":
            choice, target = _ask(each)
            if choice == "quit":
                break
            if choice == "no":
                refused.append(each)
            if choice != "yes":
                continue
        elif each.correction is None and (accept == "corrections" or not each.answer.strip()):
            continue
        else:
            target = each.answer if each.correction is None else each.correction
        taken.append((each, each.case_with(target)))
    return taken, refused


def _ask(each: Candidate) -> tuple[Literal["yes", "no", "later", "quit"], JsonValue]:
    from evalgate.exchange import as_text
    from evalgate.report.wording import safe

    suggested = each.answer if each.correction is None else as_text(each.correction)
    click.echo(f"\nasked     {safe(as_text(each.case.input), 2000, multiline=True)}")
    click.echo(f"answered  {safe(each.answer, 2000, multiline=True)}   ({safe(each.captured.variant)})")
    if each.correction is not None:
        click.echo(f"corrected {safe(suggested, 2000, multiline=True)}")
    said = click.prompt("right? y: yes, that · n: no case · e: I write it · l: later · q: quit", default="l").strip()[
        :1
    ]
    if said == "e":
        return "yes", click.prompt("the right answer")
    if said == "y":
        return "yes", suggested if each.correction is None else each.correction
    return {"n": "no", "q": "quit"}.get(said, "later"), None  # type: ignore[return-value]  # of a Literal's words


def _is_terminal() -> bool:
    import sys

    return sys.stdin.isatty()
