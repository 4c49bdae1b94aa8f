"""`evalgate validate SUITE --agreement LABELS`: the suite's judge held against people."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.catalog import load_catalog
from evalgate.cli.board_lookup import earlier_boards
from evalgate.cli.stopping import run_until_stopped
from evalgate.cli.tell import tell
from evalgate.cli.troubles import TroubleLines
from evalgate.graders import bind
from evalgate.plan import grading_of
from evalgate.store import open_store
from evalgate.suite import Suite, load_suite
from evalgate.validate.agreement import JudgeQuality, asked, judge_of, quality, scale_of
from evalgate.validate.labels import Labelled, read_labels

if TYPE_CHECKING:
    from evalgate.collect import Stop, Trouble
    from evalgate.stats.agreement import Agreement


def held_against_labels(
    path: Path, labels: Path, metric: str | None, catalog_path: Path, store_name: str
) -> JudgeQuality:
    """Ask the judge, or take what the labels say that it said.

    Raises `InputError` for whatever cannot be used, `ProviderError` and `BudgetSpentError`; what was answered is kept.
    """
    suite = load_suite(path)
    bound = judge_of(suite, bind(suite), metric)
    labelled = read_labels(labels, suite, scale=scale_of(bound), pairs=bound.grader.compares)
    judged, again = [each.judged for each in labelled if each.judged is not None], None
    if not judged:
        judged, again = _ask(suite, labelled, metric, catalog_path, store_name)
    return quality(bound, labelled, judged, again, earlier_boards(store_name).get(suite.operation, ()))


def _ask(
    suite: Suite, labelled: list[Labelled], metric: str | None, catalog_path: Path, store_name: str
) -> tuple[list[float], Agreement]:
    catalog = load_catalog(catalog_path)
    endpoints = catalog.endpoints(suite.file.model)
    names = {suite.file.baseline, *(suite.file.variants or endpoints)}
    grading = grading_of(suite, catalog, judged=[endpoint for name, endpoint in endpoints.items() if name in names])
    bound, lines = judge_of(suite, grading, metric), TroubleLines()

    def on_trouble(trouble: Trouble) -> None:
        if line := lines.line(trouble):
            tell(line)

    with open_store(store_name) as store:

        async def ask(stop: Stop, since: float) -> tuple[list[float], Agreement]:
            return await asked(
                suite, grading, bound, labelled, store, os.environ, stop=stop, since=since, on_trouble=on_trouble
            )

        return run_until_stopped(ask, refresh=False, since=None)
