"""`evalgate merge STORE… --store TARGET`: bring the stores of several shards together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evalgate.cli.options import store_option

if TYPE_CHECKING:
    from evalgate.store import Store
    from evalgate.store.merge import Merged


@click.command("merge")
@click.argument("sources", nargs=-1, required=True, metavar="STORE…")
@store_option
def command(sources: tuple[str, ...], store_name: str) -> int:
    """Copy all answers, scores and runs of each STORE into the one of --store, which is made if need be.

    For shards that ran on several machines with a store each, or from SQLite to PostgreSQL; a check of the whole then
    asks nothing again. A known answer is left alone, unless the other one is newer. Virtual keys, what they spent, and
    what watching remembers come along; published signals, telemetry, and files and batches of the gateway's clients do
    not. It may be interrupted and repeated; a STORE is only read.
    """
    from evalgate.store import open_store, open_to_read
    from evalgate.store.merge import merge, require_another

    for name in sources:  # all of them, before anything is made or copied
        open_to_read(name).__exit__()
    with open_store(store_name) as target:
        for name in sources:
            with open_to_read(name) as source:
                require_another(source, target)
        for name in sources:
            with open_to_read(name) as source:
                _print(source, merge(source, target))
    return 0


def _print(source: Store, merged: Merged) -> None:
    from evalgate.report.store import batches
    from evalgate.report.wording import counted, safe

    answers = f"{counted(merged.new, 'answer')} new, {merged.known:,} known, {merged.newer:,} newer than what was there"
    runs = f" · {counted(merged.runs, 'run')}" if merged.runs else ""
    click.echo(f"{safe(source.name, 300)}: {answers}{runs}")
    for count, what in ((merged.keys, "virtual key"), (merged.watched, "watched operation")):
        if count:
            click.echo(f"  {counted(count, what)}")
    for name in merged.foreign:
        click.echo(f"  key {safe(name)} stays here, with what it spent: --store has another key of its name or secret")
    for name in merged.apart:
        click.echo(f"  watching of {safe(name)} stays here: --store has watched it too, and two histories make no one")
    if merged.batches:
        advice = "keep this store: the command that handed them in fetches them, and then merge it again"
        click.echo(f"  {batches(merged.batches)} not fetched yet; {advice}")
