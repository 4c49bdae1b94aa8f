"""`evalgate check [SUITE…]`: judge every variant, print the board, publish the signal."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.ci_outputs import Outputs, ci_options
from evalgate.cli.cluster import OnCluster, on_cluster, ray_options
from evalgate.cli.exit_policy import choosing_options, failing_options
from evalgate.cli.options import PATH, catalog_option, since_options, store_option, suite_paths
from evalgate.cli.progress_forms import Form, progress_option
from evalgate.cli.signers import keyring, signers_to_check, signing_options, stream_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evalgate.catalog import Endpoint
    from evalgate.check import Progress
    from evalgate.cluster import Fleet
    from evalgate.collect import Stop
    from evalgate.gate import Board, FailOn, Kind
    from evalgate.plan import Contest
    from evalgate.report.ci import Since
    from evalgate.store import Store


@click.command("check", cls=OnCluster)
@click.argument("suites", nargs=-1, type=PATH)
@catalog_option
@store_option
@click.option("--publish", multiple=True, metavar="PLACE", help="Publish the signal: a file, postgresql://… or s3://….")
@stream_option
@signing_options
@click.option("--report", "report_path", type=PATH, metavar="FILE", help="Write the HTML report here.")
@click.option("--json", "json_path", type=str, metavar="FILE|-", help="Write the board as JSON; - is stdout.")
@click.option("--variant", "only", multiple=True, metavar="ID", help="Judge only this variant (may be repeated).")
@click.option("--max-cases", type=click.IntRange(min=1), help="Ask at most so many cases of each suite.")
@click.option("--batch", is_flag=True, help="Ask through batch APIs, where variants have one: cheaper, within a day.")
@click.option("--retry-failed", is_flag=True, help="Ask again what was refused, filtered or failed; nothing else.")
@since_options
@ray_options
@ci_options
@failing_options
@choosing_options
@progress_option
@click.option("-q", "--quiet", is_flag=True, help="No progress; the board only.")
def command(
    suites: tuple[Path, ...],
    catalog_path: Path,
    store_name: str,
    publish: tuple[str, ...],
    stream: str,
    keys: tuple[Path, ...],
    key_variables: tuple[str, ...],
    trusted: tuple[Path, ...],
    unsigned: bool,
    report_path: Path | None,
    json_path: str | None,
    only: tuple[str, ...],
    max_cases: int | None,
    batch: bool,
    retry_failed: bool,
    refresh: bool,
    since: float | None,
    ray_address: str | None,
    ray_workers: int | None,
    junit_path: Path | None,
    summary_path: Path | None,
    comment_path: Path | None,
    github: bool,
    kinds: frozenset[Kind] | None,
    baseline_run: str | None,
    changed_only: bool,
    base: str | None,
    progress_form: Form,
    quiet: bool,
) -> int:
    """Judge every variant of a model against its baseline, operation by operation.

    SUITES are suite files or folders of them; default: the folder 'suites'. Exit code 0: every variant is green, 1: at
    least one is red, 2: usage or configuration, 3: at least one is inconclusive, 4: the infrastructure failed. With
    --fail-on and --baseline-run, only what they name counts for 1 and 3.
    """
    from evalgate.catalog import load_catalog
    from evalgate.check import check
    from evalgate.cli.batch_mode import batch_mode
    from evalgate.cli.exit_policy import only_changed, published_before, require_use_of_base
    from evalgate.cli.progress_forms import Told
    from evalgate.cli.publication import Publication
    from evalgate.cli.show_board import changed, show_board, tell_unreachable, write_report
    from evalgate.cli.stopping import run_until_stopped
    from evalgate.gate import Board, FailOn
    from evalgate.plan import StoreMemory, plan
    from evalgate.report.traffic import Traffic
    from evalgate.store import open_store
    from evalgate.suite import load_suites

    require_use_of_base(base, changed_only=changed_only)
    outputs = Outputs.to(junit_path, summary_path, comment_path, github=github, stdout_is_taken=json_path == "-")
    told = Told(progress_form, quiet=quiet)
    catalog = load_catalog(catalog_path)
    loaded = load_suites(suite_paths(suites))
    # whom to believe counts for --baseline-run too, where nothing is published
    believed = trusted if publish or baseline_run is None else ()
    signers = signers_to_check(publish, keys, key_variables, believed, unsigned=unsigned)
    publication = Publication.to(stream, publish, signers)
    fail_on = FailOn(kinds, published_before(baseline_run, stream, signers.keyring or keyring(trusted)))
    if changed_only and not (loaded := only_changed(loaded, catalog, base)):
        return _write(Board("", time.time(), 0, ()), json_path, outputs, fail_on)
    planned = plan(loaded, catalog, only=only, max_cases=max_cases)
    with (
        open_store(store_name) as store,
        outputs.quoted(),
        on_cluster(
            ray_address, ray_workers, store=store_name, catalog=catalog_path, batch=batch, max_cases=max_cases
        ) as fleet,
    ):
        contests = [contest.recalling(StoreMemory(store)) for contest in planned]
        publication.require(store)
        told.planned(contests)
        batching = batch_mode(_everybody(contests), store, batch=batch, quiet=quiet)
        cases = {contest.suite.operation: len(contest.cases) for contest in contests}

        async def judge(stop: Stop, begin: float) -> Board:
            if fleet is not None:
                return await _on_fleet(fleet, contests, store, progress, stop, begin, retry_failed=retry_failed)
            return await check(
                contests,
                store,
                os.environ,
                progress=progress,
                since=begin,
                stop=stop,
                batching=batching,
                retry_failed=retry_failed,
            )

        with outputs.told_of_failure({contest.suite.operation: list(contest.variants) for contest in contests}):
            with told.progress(cases) as progress:
                board = run_until_stopped(judge, refresh=refresh, since=since)
            document = publication.publish(board, store)
        published, note = publication.current(store)
        traffic = Traffic(document, published, catalog, now=datetime.now(UTC), note=note)
        if report_path is not None:
            report_path = write_report(board, report_path, loaded, store, catalog_path, stream)
        code = _write(
            board, json_path, outputs, fail_on, traffic.of, changed(board, store) if outputs.in_words else None
        )
        if json_path != "-":
            show_board(board, traffic)
            for place in publication.places:
                click.echo(f"signal: {place.name}")
            if report_path is not None:
                click.echo(f"report: {report_path}")
        sys.stdout.flush()
        tell_unreachable(board)
    told.finished(board, code)
    return code


def _everybody(contests: Sequence[Contest]) -> list[Endpoint]:
    return list({endpoint.id: endpoint for contest in contests for endpoint in contest.endpoints}.values())


async def _on_fleet(
    fleet: Fleet,
    contests: Sequence[Contest],
    store: Store,
    progress: Progress,
    stop: Stop,
    since: float,
    *,
    retry_failed: bool,
) -> Board:
    """The same on a cluster."""
    from evalgate.check import check
    from evalgate.cluster import needs_of

    needs, told = needs_of(contests), progress.troubled
    async with fleet.begun(needs, stop, told, since=since, retry_failed=retry_failed) as work:
        return await check(contests, store, {}, progress=progress, hear=work.hear)


def _write(
    board: Board,
    json_path: str | None,
    outputs: Outputs,
    fail_on: FailOn,
    route: Callable[[str], str] = str,
    since: Since = None,
) -> int:
    """The files that were asked for; returns the exit code."""
    from evalgate.cli.output import write_json

    outputs.write(board, fail_on, route, since)
    if json_path is not None:
        write_json(board.to_json(), json_path)
    return fail_on.exit_code(board)
