"""`evalgate run SUITE --variant ID`: collect and grade without a verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalgate.cli.cluster import OnCluster, on_cluster, ray_options
from evalgate.cli.options import PATH, catalog_option, since_options, store_option

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from evalgate.catalog import Endpoint
    from evalgate.cluster.messages import Needs
    from evalgate.collect import Crew, Stop
    from evalgate.exchange import AnswerKind
    from evalgate.graders import Grading
    from evalgate.graders.classes import Classes
    from evalgate.run import RunResult
    from evalgate.suite import Suite


MOST_REASONS, REASON = 5, 200  # how many reasons are told, and how many characters of each
MOST_OF_LABEL = 40  # characters
_KINDS: Mapping[AnswerKind, str] = {  # beside a text, and what failed
    "empty": "empty",
    "cut_in_reasoning": "cut off while reasoning",
    "tool_calls": "tool calls without text",
    "refused": "refused",
    "filtered": "filtered",
}


def _shard(context: click.Context, parameter: click.Parameter, value: str | None) -> slice:
    """`2/8`: every eighth case, from the second on; the parts are disjoint, and together they are everything."""
    if value is None:
        return slice(None)
    if match := re.fullmatch(r"([1-9]\d{0,8})/([1-9]\d{0,8})", value):
        part, parts = int(match[1]), int(match[2])
        if part <= parts:
            return slice(part - 1, None, parts)
    message = f"expected I/N with 1 <= I <= N, such as 2/8, got {value!r}"
    raise click.BadParameter(message, context, parameter)


@click.command("run", cls=OnCluster)
@click.argument("suite", type=PATH)
@click.option("--variant", "variant", required=True, metavar="ID", help="Who is asked.")
@catalog_option
@store_option
@click.option("--max-cases", type=click.IntRange(min=1), help="At most so many cases, in the order a check asks them.")
@click.option("--out", "out_path", type=PATH, metavar="FILE", help="Write id, metric and score of each case as JSONL.")
@click.option("--json", "json_path", metavar="FILE|-", help="Write the summary as JSON; - is stdout.")
@click.option("--shard", callback=_shard, metavar="I/N", help="Ask only the I-th of N parts of the cases.")
@click.option("--retry-failed", is_flag=True, help="Ask again what was turned down or filtered, and only that.")
@click.option("-q", "--quiet", is_flag=True, help="No progress; the result only.")
@click.option("--batch", is_flag=True, help="Ask through batch APIs, where variants have one: cheaper, within a day.")
@since_options
@ray_options
def command(
    suite: Path,
    variant: str,
    catalog_path: Path,
    store_name: str,
    max_cases: int | None,
    out_path: Path | None,
    json_path: str | None,
    shard: slice,
    retry_failed: bool,
    quiet: bool,
    batch: bool,
    refresh: bool,
    since: float | None,
    ray_address: str | None,
    ray_workers: int | None,
) -> int:
    """Let one variant answer SUITE and grade it, without a verdict (what other tools call an eval).

    Exit code 0 when every case was answered, 3 when the suite's budget is spent, 4 when some were not answered.
    `evalgate compare` reads what --out writes; `evalgate merge` brings the stores of several shards together.
    """
    import os

    import orjson

    from evalgate.catalog import load_catalog
    from evalgate.cli.batch_mode import batch_mode
    from evalgate.cli.output import write_json
    from evalgate.cli.run_progress import RunProgress
    from evalgate.cli.stopping import run_until_stopped
    from evalgate.collect import Budget, BudgetSpentError
    from evalgate.errors import InputError
    from evalgate.formats.documents import did_you_mean
    from evalgate.formats.files import atomic_file
    from evalgate.plan import grading_of
    from evalgate.run import run
    from evalgate.store import open_store
    from evalgate.suite import load_suite

    # near-duplicates decide which cases are the first ones, and nothing else of what is told here
    loaded = load_suite(suite, near_duplicates=max_cases is not None)
    endpoints = (catalog := load_catalog(catalog_path)).endpoints(loaded.file.model)
    if variant not in endpoints:
        raise InputError(f"{catalog_path}: no variant {variant!r}{did_you_mean(variant, set(endpoints))}")
    cases = loaded.cases[:max_cases][shard]
    if not cases:
        raise InputError(f"--shard: fewer cases ({len(loaded.cases[:max_cases])}) than shards: this one has none")
    endpoint = endpoints[variant]
    grading = grading_of(loaded, catalog, judged=[endpoint])
    answers = len(cases) * loaded.file.repeats
    with (
        open_store(store_name) as store,
        on_cluster(ray_address, ray_workers, store=store_name, catalog=catalog_path, batch=batch) as fleet,
        RunProgress(loaded.operation, endpoint, answers, quiet=quiet) as progress,
    ):
        batching = batch_mode([endpoint], store, batch=batch, quiet=quiet)

        async def collect(stop: Stop, begin: float) -> RunResult:
            if fleet is None:
                return await ask(stop, begin)
            needs = _needs(loaded, grading, endpoint)
            async with fleet.begun(needs, stop, progress.troubled, since=begin, retry_failed=retry_failed) as work:
                return await ask(stop, begin, work.crew(loaded.path, store))

        async def ask(stop: Stop, begin: float, crew: AbstractAsyncContextManager[Crew] | None = None) -> RunResult:
            return await run(
                loaded,
                grading,
                endpoint,
                store,
                os.environ,
                cases=cases,
                on_answer=progress.answered,
                since=begin,
                stop=stop,
                batching=batching,
                retry_failed=retry_failed,
                on_trouble=progress.troubled,
                crew=crew,
            )

        try:
            result = run_until_stopped(collect, refresh=refresh, since=since)
        except BudgetSpentError:
            spent = f"the budget of {Budget.of(loaded)} is spent; what was answered is kept"
            click.echo(f"evalgate: {spent}. With a larger one the same command goes on", err=True)
            return 3
    if out_path is not None:
        try:
            with atomic_file(out_path) as out:
                out.writelines(orjson.dumps(row) + b"\n" for row in result.rows())
        except OSError as failure:
            raise InputError(f"--out {out_path}: cannot be written: {failure.strerror}") from None
    if json_path is not None:
        write_json(_summary(result), json_path)
    if json_path != "-":
        _print(result)
    return 4 if result.usage.failed else 0


def _needs(suite: Suite, grading: Grading, endpoint: Endpoint) -> Needs:
    """Who is asked what: for the processes of a cluster to see that they can."""
    asked = [([endpoint], request) for request in suite.kinds_of_requests()]
    return asked + [([judge], request) for judge, request in grading.example_requests(suite.cases[0])]


def _summary(result: RunResult) -> dict[str, object]:
    """What `--json` writes."""
    from dataclasses import asdict
    from statistics import fmean

    means = {metric: fmean(scores) for metric, scores in result.scores.items()}
    summary = {"operation": result.operation, "variant": asdict(result.variant), "cases": len(result.cases)}
    summary |= {"scores": means, "usage": asdict(result.usage), "requests": result.requests}
    failures = [asdict(group) for group in result.failures]
    if result.classes:
        summary["classes"] = {metric: classes.rows() for metric, classes in result.classes.items()}
    return summary | {"kinds": dict(result.usage.kinds), "failures": failures}


def _print(result: RunResult) -> None:
    from statistics import fmean

    from evalgate.report.wording import ESTIMATED, ESTIMATED_NOTE, percent, safe

    usage = result.usage
    head = f"{safe(result.operation)} · {safe(result.variant.id)}"
    click.echo(f"{head}: {len(result.cases)} cases, {result.requests} requests sent")
    for metric, scores in result.scores.items():
        click.echo(f"  {safe(metric)} {fmean(scores):.4f}")
        if classes := result.classes.get(metric):
            _print_classes(classes)
    cost = "tokens and cost unknown"
    if usage.input_tokens is not None and usage.output_tokens is not None:
        about = ESTIMATED if usage.tokens == "estimated" else ""
        cost = (
            f"{about}{usage.input_tokens:.0f} + {usage.output_tokens:.0f} tokens and {usage.cost_usd:.6f} USD an answer"
        )
    click.echo(f"  {cost}, median {usage.latency_ms_p50:.0f} ms, {percent(usage.truncated)} truncated")
    if usage.tokens == "estimated":
        click.echo(f"  {ESTIMATED_NOTE}")
    silent = [f"{count} {words}" for kind, words in _KINDS.items() if (count := result.usage.kinds.get(kind, 0))]
    if silent:
        click.echo(f"  of {usage.answers} answers: {', '.join(silent)}")
    if usage.failed:
        _print_failures(result)


def _print_classes(classes: Classes) -> None:
    """Each label on a line, the most frequent one first."""
    from evalgate.report.wording import safe

    def share(value: float | None) -> str:
        return "–" if value is None else f"{value:.3f}"

    report = classes.report()
    width = max(len(safe(each.label, MOST_OF_LABEL)) for each in report)
    for each in report:
        told = f"precision {share(each.precision)}  recall {share(each.recall)}  {each.cases} cases"
        click.echo(f"    {safe(each.label, MOST_OF_LABEL).ljust(width)}  {told}")
    if classes.unlabelled:
        click.echo(f"    {classes.unlabelled} answers give no label, or several")


def _print_failures(result: RunResult) -> None:
    """Why answers failed, the most frequent reason first, and which command asks which of them again."""
    from evalgate.report.wording import safe

    usage = result.usage
    click.echo(f"  {usage.failed} of {usage.answers} answers failed and score 0:")
    for group in result.failures[:MOST_REASONS]:
        click.echo(f"    {group.count} x {safe(group.reason, REASON)}")
    if rest := sum(group.count for group in result.failures[MOST_REASONS:]):
        click.echo(f"    {rest} for other reasons")
    kept = sum(group.count for group in result.failures if group.kept)
    if usage.failed > kept:
        click.echo(f"  {usage.failed - kept} are not kept: the same command asks them again")
    if kept:
        click.echo(f"  {kept} are kept and not asked again: --retry-failed asks only those, --refresh everything")
