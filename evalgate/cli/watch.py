"""`evalgate watch [OPERATION…]`: keep every green proven, day by day, and withdraw it in time."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.cluster import OnCluster, on_cluster, ray_options
from evalgate.cli.options import PATH, catalog_option, duration, store_option, suite_paths
from evalgate.cli.signers import signers_to_check, signing_options, stream_option

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from evalgate.catalog import Catalog
    from evalgate.cli.watch_output import Lines
    from evalgate.cluster import Fleet
    from evalgate.cluster.work import Work
    from evalgate.collect import Stop
    from evalgate.plan import Contest
    from evalgate.store import Store
    from evalgate.watch import House, Outcome
    from evalgate.watch.telling import Telling


@click.command("watch", cls=OnCluster)
@click.argument("operations", nargs=-1, metavar="[OPERATION]…")
@click.option("--suites", "suites", multiple=True, type=PATH, metavar="PATH", help="Suites; default: folder 'suites'.")
@catalog_option
@store_option
@click.option("--every", callback=duration, metavar="DURATION", help="Go on for ever, looking at this interval.")
@click.option("--once", is_flag=True, help="Look once (the default): for cron, a Kubernetes CronJob, a CI schedule.")
@click.option("--cases-per-day", type=click.IntRange(min=1), help="Instead of the suite's gate.watch.cases_per_day.")
@click.option("--no-recertify", is_flag=True, help="Only order the certification after an alarm; do not carry it out.")
@click.option("--publish", multiple=True, metavar="PLACE", help="Publish the signal: a file, postgresql://… or s3://….")
@stream_option
@signing_options
@ray_options
@click.option("--json", "json_path", metavar="FILE|-", help="Write what became of each operation as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what was withdrawn, and who could not be asked.")
def command(
    operations: tuple[str, ...],
    suites: tuple[Path, ...],
    catalog_path: Path,
    store_name: str,
    every: timedelta | None,
    once: bool,
    cases_per_day: int | None,
    no_recertify: bool,
    publish: tuple[str, ...],
    stream: str,
    keys: tuple[Path, ...],
    key_variables: tuple[str, ...],
    trusted: tuple[Path, ...],
    unsigned: bool,
    ray_address: str | None,
    ray_workers: int | None,
    json_path: str | None,
    quiet: bool,
) -> int:
    """Keep the greens of each OPERATION (default: all) proven: a few cases a day, beside fresh answers of the baseline.

    A second call on the same day asks nothing again, and one that was killed goes on. Exit code 0: nothing was
    withdrawn, 1: a variant was proven worse, 2: usage or configuration, 3: one was suspended and is not back, 4:
    somebody could not be asked, or the infrastructure failed.
    """
    from evalgate.catalog import load_catalog
    from evalgate.cli.publication import Publication
    from evalgate.cli.stopping import run_until_stopped
    from evalgate.cli.tell import tell
    from evalgate.cli.watch_output import Lines, exit_code, promise, write_outcomes
    from evalgate.errors import InfrastructureError, InputError
    from evalgate.plan import StoreMemory
    from evalgate.store import open_store

    if every is not None and once:
        raise InputError("--every goes on for ever, and --once does not: say one of them")
    contests = _contests(operations, suite_paths(suites), load_catalog(catalog_path), cases_per_day)
    publication = Publication.to(
        stream, publish, signers_to_check(publish, keys, key_variables, trusted, unsigned=unsigned)
    )
    lines = Lines(quiet=quiet, apart=json_path == "-")
    if not quiet:
        for contest in contests:
            tell(promise(contest))

    async def look(stop: Stop, begin: float) -> list[Outcome]:
        from evalgate.watch import watch

        del begin
        with open_store(store_name) as store:
            publication.require(store)
            recalled = [contest.recalling(StoreMemory(store)) for contest in contests]
            telling = publication.telling(store, time.time)
            if fleet is None:
                return await watch(recalled, _house(store, telling, lines, stop, no_recertify))
            async with _work(fleet, recalled, stop) as work:
                return await watch(recalled, _house(store, telling, lines, stop, no_recertify, work))

    async def go_on(stop: Stop, begin: float) -> list[Outcome]:
        while True:
            try:
                outcomes = await look(stop, begin)
            except InfrastructureError as failure:  # it may be mended by the next look
                tell(f"evalgate: {failure}")
            else:
                if json_path is not None:
                    write_outcomes(outcomes, json_path)
            assert every is not None
            await stop.sleep(every.total_seconds())

    with on_cluster(ray_address, ray_workers, store=store_name, catalog=catalog_path) as fleet:
        outcomes = run_until_stopped(look if every is None else go_on, refresh=False, since=None)
    if json_path is not None:
        write_outcomes(outcomes, json_path)
    return exit_code(outcomes)


def _contests(
    operations: Sequence[str], paths: Sequence[Path], catalog: Catalog, cases_per_day: int | None
) -> list[Contest]:
    from evalgate.errors import InputError
    from evalgate.formats.documents import did_you_mean
    from evalgate.plan import plan
    from evalgate.suite import load_suites

    suites = load_suites(paths)
    known = {suite.operation for suite in suites}
    for name in operations:
        if name not in known:
            raise InputError(f"no suite for operation {name!r}{did_you_mean(name, known)}")
    chosen = [suite for suite in suites if suite.operation in operations or not operations]
    if cases_per_day is not None:
        chosen = [suite.watched_with(cases_per_day) for suite in chosen]
    return plan(chosen, catalog)


def _work(fleet: Fleet, contests: Sequence[Contest], stop: Stop) -> AbstractAsyncContextManager[Work]:
    """Who asks on a cluster; of single attempts that fail nobody is told here."""
    from evalgate.cluster import needs_of

    return fleet.begun(needs_of(contests), stop, lambda trouble: None)


def _house(
    store: Store, telling: Telling, lines: Lines, stop: Stop, no_recertify: bool, work: Work | None = None
) -> House:
    from evalgate.check import check
    from evalgate.cli.progress import LiveProgress
    from evalgate.gate import Board
    from evalgate.watch import House

    async def certify(contest: Contest, since: float) -> Board:
        with LiveProgress({contest.suite.operation: len(contest.cases)}, quiet=True) as progress:
            hear = None if work is None else work.hear_here(store, since=since)
            return await check([contest], store, os.environ, progress=progress, since=since, stop=stop, hear=hear)

    return House(
        store=store,
        environment=os.environ,
        telling=telling,
        progress=lines,
        now=time.time,
        stop=stop,
        certify=None if no_recertify else certify,
        crew=None if work is None else partial(work.crew, Path(), store),
    )
