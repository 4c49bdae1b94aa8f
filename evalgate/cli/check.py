"""`evalgate check [SUITE…]`: judge every variant, print the board, publish the signal."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.options import PATH, catalog_option, since_options, store_option, suite_paths
from evalgate.cli.signers import signers_to_check, signing_options, stream_option

if TYPE_CHECKING:
    from evalgate.collect import Stop
    from evalgate.gate import Board


@click.command("check")
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
    quiet: bool,
) -> int:
    """Judge every variant of a model against its baseline, operation by operation.

    SUITES are suite files or folders of them; default: the folder 'suites'. Exit code 0: every variant is green, 1: at
    least one is red, 2: usage or configuration, 3: at least one is inconclusive, 4: the infrastructure failed.
    """
    from evalgate.catalog import load_catalog
    from evalgate.check import check
    from evalgate.cli.batch_mode import batch_mode
    from evalgate.cli.output import write_json
    from evalgate.cli.progress import LiveProgress
    from evalgate.cli.publication import Publication
    from evalgate.cli.show_board import show_board, write_report
    from evalgate.cli.stopping import run_until_stopped
    from evalgate.cli.tell import tell
    from evalgate.plan import StoreMemory, plan
    from evalgate.plan.forecast import forecast
    from evalgate.report.forecast import summary
    from evalgate.report.traffic import Traffic
    from evalgate.report.wording import safe
    from evalgate.store import open_store
    from evalgate.suite import load_suites

    catalog = load_catalog(catalog_path)
    loaded = load_suites(suite_paths(suites))
    signers = signers_to_check(publish, keys, key_variables, trusted, unsigned=unsigned)
    publication = Publication.to(stream, publish, signers)
    planned = plan(loaded, catalog, only=only, max_cases=max_cases)
    with open_store(store_name) as store:
        contests = [contest.recalling(StoreMemory(store)) for contest in planned]
        cases = {contest.suite.operation: len(contest.cases) for contest in contests}
        publication.require(store)
        if not quiet:
            for contest in contests:
                for remark in (*contest.suite.remarks, *contest.grading.remarks):
                    tell(f"{safe(str(contest.suite.path))}: {remark}")
            tell(summary([forecast(contest) for contest in contests]))
        everybody = {endpoint.id: endpoint for contest in contests for endpoint in contest.endpoints}
        batching = batch_mode(list(everybody.values()), store, batch=batch, quiet=quiet)
        with LiveProgress(cases, quiet=quiet) as progress:

            async def judge(stop: Stop, begin: float) -> Board:
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

            board = run_until_stopped(judge, refresh=refresh, since=since)
        document = publication.publish(board, store)
        published, note = publication.current(store)
        if report_path is not None:
            write_report(board, report_path, loaded, store)
    if json_path is not None:
        write_json(board.to_json(), json_path)
    if json_path != "-":
        show_board(board, Traffic(document, published, catalog, now=datetime.now(UTC), note=note))
        for place in publication.places:
            click.echo(f"signal: {place.name}")
        if report_path is not None:
            click.echo(f"report: {report_path}")
    sys.stdout.flush()
    verdicts = [verdict for operation in board.operations for verdict in operation.verdicts]
    for reason in dict.fromkeys(verdict.reason for verdict in verdicts if verdict.cause == "unreachable"):
        click.echo(f"evalgate: {safe(reason, 500)}", err=True)
    return board.exit_code
