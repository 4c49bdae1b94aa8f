"""`evalgate batches`: what was handed in to batch APIs and is not fetched yet, and what clients still wait for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from evalgate.cli.options import catalog_option, store_option


@click.command("batches")
@catalog_option
@store_option
@click.option("--cancel", is_flag=True, help="Cancel them; what is answered by then is paid, and can still be fetched.")
def command(catalog_path: Path, store_name: str, cancel: bool) -> int:
    """List the batches that are open at providers; the command that handed them in, run again, fetches them.

    Then those that clients handed in to the gateway and that are not over: it works them off by itself.
    """
    import asyncio
    import os

    from evalgate.catalog import Endpoint, load_catalog
    from evalgate.cli.tell import tell
    from evalgate.collect import Stop, Workbench, cancel_batches
    from evalgate.errors import MissingStoreError
    from evalgate.providers import connect_batch
    from evalgate.report.wording import safe
    from evalgate.store import jobs, open_store
    from evalgate.store.batches import items_of, open_batches

    catalog = load_catalog(catalog_path)
    by_config = {each.config: each for variants in catalog.models.values() for each in variants.values()}

    async def cancel_all(endpoint: Endpoint) -> list[str]:
        client = connect_batch(endpoint.provider, os.environ)
        try:
            bench = Workbench(store, Stop())
            return await cancel_batches(endpoint, client, bench, on_notice=tell)
        finally:
            await client.close()

    try:
        store = open_store(store_name, make=False)
    except MissingStoreError:
        click.echo("no batches are open")
        return 0
    with store:
        found = open_batches(store)
        for batch in found:
            who = by_config[batch.config].id if batch.config in by_config else "a variant that is not in the catalogue"
            when = datetime.fromtimestamp(batch.submitted_at, UTC).isoformat(timespec="minutes")
            questions = len(items_of(store, batch.name))
            click.echo(f"{safe(batch.name)}  {safe(batch.provider)}  {safe(who)}  {questions:,} questions  {when}")
        clients = jobs.in_status(store, "validating", "in_progress", "finalizing", "cancelling")
        for job in clients:
            total, done, failed = jobs.counts(store, job)
            when = datetime.fromtimestamp(job.created_at, UTC).isoformat(timespec="minutes")
            shown = f"{safe(job.job)}  of {safe(job.owner)}" if job.owner else safe(job.job)
            click.echo(f"{shown}  {job.status}  {done:,} of {total:,} requests, {failed:,} failed  {when}")
        if not found and not clients:
            click.echo("no batches are open")
        if cancel:
            for config in dict.fromkeys(batch.config for batch in found if batch.config in by_config):
                for name in asyncio.run(cancel_all(by_config[config])):
                    click.echo(f"cancelled: {safe(name)}")
    return 0
