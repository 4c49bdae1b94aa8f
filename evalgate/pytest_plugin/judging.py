"""One check of one suite, by the very steps of `evalgate check`; imported when the first suite is collected."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.catalog import load_catalog
from evalgate.errors import EvalgateError, Interrupted
from evalgate.gate import Board, OperationBoard, Verdict
from evalgate.plan import Contest, StoreMemory, plan
from evalgate.pytest_plugin.findings import Finding, Told
from evalgate.report import wording
from evalgate.report.wording import safe
from evalgate.suite import load_suite

if TYPE_CHECKING:
    from evalgate.collect import Stop
    from evalgate.pytest_plugin.settings import Settings

_MOST_TEXT = 4000  # characters of an error's message


def planned(settings: Settings, path: Path, *, only: Sequence[str] = (), whole: bool) -> Contest:
    """Who is asked what; raises `InputError` for all that cannot work.

    Whoever asks nothing needs it not `whole`: near-duplicates among the cases, which take long to find, name nobody.
    """
    suite = load_suite(settings.shown(path), near_duplicates=whole)
    (contest,) = plan([suite], load_catalog(settings.shown(settings.catalog)), only=only, max_cases=settings.max_cases)
    return contest


def judge(settings: Settings, path: Path, only: Sequence[str]) -> Finding:
    """Judge these variants, publish where that is wanted, and tell it; raises `Interrupted`."""
    try:
        return _judge(settings, path, only)
    except Interrupted:
        raise
    except EvalgateError as failure:
        return Finding({}, failure=message(failure))


def message(failure: EvalgateError) -> str:
    """As the command prints it; a provider's own words may be in it."""
    return f"evalgate: {safe(str(failure), _MOST_TEXT, multiline=True)}"


def _judge(settings: Settings, path: Path, only: Sequence[str]) -> Finding:
    from evalgate.check import check
    from evalgate.cli.progress import LiveProgress
    from evalgate.cli.publication import Publication
    from evalgate.cli.signers import signers_to_check
    from evalgate.cli.stopping import run_until_stopped
    from evalgate.report.traffic import Traffic
    from evalgate.store import open_store

    signers = signers_to_check(settings.publish, settings.keys, settings.key_variables, (), unsigned=False)
    publication = Publication.to(settings.stream, settings.publish, signers)
    contest = planned(settings, path, only=only, whole=True)
    with open_store(settings.store) as store:
        contests = [contest.recalling(StoreMemory(store))]
        publication.require(store)
        # what it tells is captured by pytest, which shows it beside a failure
        with LiveProgress({each.suite.operation: len(each.cases) for each in contests}) as progress:

            async def judging(stop: Stop, begin: float) -> Board:
                return await check(contests, store, os.environ, progress=progress, since=begin, stop=stop)

            board = run_until_stopped(judging, refresh=False, since=None)
        document = publication.publish(board, store)
        published, note = publication.current(store)
    traffic = Traffic(
        document, published, load_catalog(settings.shown(settings.catalog)), now=datetime.now(UTC), note=note
    )
    (judged,) = board.operations
    route = traffic.of(judged.operation)
    return Finding({verdict.variant.id: _told(board, judged, verdict, route) for verdict in judged.verdicts})


def _told(board: Board, judged: OperationBoard, verdict: Verdict, route: str) -> Told:
    return Told(
        outcome=verdict.outcome,
        unreachable=verdict.cause == "unreachable",
        failing=judged.policy.on_inconclusive == "fail",
        reason=safe(verdict.reason, 500),
        text=_text(judged, verdict, route),
        properties=_properties(board, judged, verdict),
    )


def _text(judged: OperationBoard, verdict: Verdict, route: str) -> str:
    """The gate's message, as the command prints it below its board; without colours, for it ends up in files."""
    from rich.console import Console

    from evalgate.report.terminal import render_failure

    if verdict.outcome == "green":
        return ""
    out = StringIO()
    render_failure(judged, verdict, route, Console(file=out, no_color=True, force_terminal=False))
    return out.getvalue().rstrip()


def _properties(board: Board, judged: OperationBoard, verdict: Verdict) -> tuple[tuple[str, str], ...]:
    metric, saving = verdict.worst, verdict.saving
    figures = {
        "verdict": wording.outcome(verdict),
        "cause": verdict.cause,
        "run": board.run,
        "baseline": judged.baseline.id,
        "quantization": verdict.variant.quantization,
        "metric": metric.metric,
        "baseline_score": f"{metric.baseline_score:.6g}",
        "score": f"{metric.variant_score:.6g}",
        "delta": f"{metric.delta:.6g}",
        "lower": f"{metric.interval[0]:.6g}",
        "upper": f"{metric.interval[1]:.6g}",
        "level": f"{metric.level:.6g}",
        "margin": f"{judged.policy.margin:.6g}",
        "cases": str(verdict.cases),
        "broke": str(metric.broke),
        "fixed": str(metric.fixed),
        "e_value": f"{verdict.e_value:.6g}",
        "saving": "" if saving is None else f"{saving:.6g}",
    }
    return tuple((f"evalgate.{name}", safe(value)) for name, value in figures.items() if value)
