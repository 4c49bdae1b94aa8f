"""Every suite that is shipped: loads, can be answered rightly, tells right from wrong, and judges as it should."""

from __future__ import annotations

import asyncio
import shutil
from functools import cache
from pathlib import Path

import pytest

from evalgate.catalog import load_catalog
from evalgate.check import check
from evalgate.gate import OperationBoard
from evalgate.graders.bind import bind
from evalgate.plan import plan
from evalgate.store import open_store
from evalgate.suite import Suite, load_suite, load_suites
from evalgate.suite.files import in_folder
from tests.conftest import Loopback, catalog, variant, written
from tests.shelf.oracle import Oracle, ideal
from tests.watch.conftest import Silent

ROOT = Path(__file__).parents[2]
PATHS = {path.parent.name: path for folder in ("suites", "suites/lab") for path in in_folder(ROOT / folder)}
OWN = [path.parent.name for path in in_folder(ROOT / "suites")]
RUN = "code"  # the grader whose gradings take a process each


@cache
def suite_of(name: str) -> Suite:
    return load_suite(PATHS[name])


def sampled(suite: Suite, count: int) -> list[int]:
    """Positions of cases all over the suite; few where each is a process."""
    count = 3 if suite.assertions[0].type == RUN else count
    step = max(1, len(suite.source) // count)
    return list(range(0, len(suite.source), step))


@pytest.mark.parametrize("name", OWN)
def test_there_are_at_least_three_hundred_cases_and_no_two_are_nearly_the_same(name: str) -> None:
    suite = suite_of(name)
    assert len(suite.source) >= 300
    assert (set(suite.units), list(suite.remarks)) == ({1}, [])


@pytest.mark.parametrize("name", PATHS)
def test_the_right_answer_to_every_case_scores_one(name: str) -> None:
    suite = suite_of(name)
    grading = bind(suite)
    cases = suite.source if suite.assertions[0].type != RUN else [suite.source[n] for n in sampled(suite, 3)]
    scores = {case.id: grading.grade(ideal(suite, case), case) for case in cases}
    assert {case: score for case, score in scores.items() if set(score.values()) != {1.0}} == {}


@pytest.mark.parametrize("name", PATHS)
def test_the_right_answer_to_another_case_mostly_does_not(name: str) -> None:
    suite = suite_of(name)
    grading = bind(suite)
    chosen = sampled(suite, 60)
    asked = [suite.source[n] for n in chosen]
    given = [suite.source[(n + len(suite.source) // 2 + 1) % len(suite.source)] for n in chosen]
    pairs = [(case, other) for case, other in zip(asked, given, strict=True) if case.target != other.target]
    scores = [grading.grade(ideal(suite, other), case)["score"] for case, other in pairs]
    assert sum(score == 1 for score in scores) <= 0.1 * len(scores)
    assert len(scores) >= len(chosen) / 4


@pytest.mark.parametrize("name", PATHS)
def test_it_says_what_it_measures(name: str) -> None:
    folder = PATHS[name].parent
    readme = next(path for path in (folder / "README.md", folder.parent / "README.md") if path.exists())
    text = readme.read_text(encoding="utf-8").lower()
    assert all(word in text for word in ("licence", "cases", "margin", "graded", "not"))


def test_a_copy_asks_ones_own_model_when_two_lines_are_changed(tmp_path: Path) -> None:
    shutil.copytree(PATHS["translation"].parent, tmp_path / "mine")
    path = tmp_path / "mine" / "suite.yaml"
    text = path.read_text().replace("model: smollm2-135m-instruct", "model: toy").replace("lab-f16", "full")
    path.write_text(text)
    (contest,) = plan([load_suite(path)], catalog(tmp_path, variant(), variant("cheap")))
    assert (contest.baseline.id, list(contest.variants)) == ("full", ["cheap"])


def test_so_does_a_suite_that_extends_it_from_beside(tmp_path: Path) -> None:
    shutil.copytree(PATHS["translation"].parent, tmp_path / "translation")
    said = {"extends": "translation/suite.yaml", "operation": "mine", "model": "toy", "baseline": "full"}
    suites = load_suites([written(tmp_path, "mine.yaml", said), tmp_path / "translation"])
    assert [(suite.operation, suite.file.model, len(suite.cases)) for suite in suites] == [
        ("mine", "toy", 318),
        ("translation", "smollm2-135m-instruct", 318),
    ]


def judged(suite: Suite, folder: Path, server: Loopback, max_cases: int | None = None) -> OperationBoard:
    """What a check of the suite says of a variant that is as good as the baseline, and of one that is not."""
    entries = [variant(name, served_as=name, price={"input": 1, "output": 2}) for name in ("lab-f16", "good", "bad")]
    here = {"id": "here", "base_url": server.url, "concurrency": 16}
    models = [{"id": suite.file.model, "variants": entries}]
    path = written(folder, "catalog.yaml", {"version": 1, "providers": [here], "models": models})
    (contest,) = plan([suite], load_catalog(path), max_cases=max_cases)
    with open_store(str(folder / "store.db")) as store:
        board = asyncio.run(check([contest], store, {}, progress=Silent()))
    (operation,) = board.operations
    return operation


@pytest.mark.parametrize("name", [name for name in OWN if name != "code_with_tests"])
def test_a_variant_that_answers_rightly_is_green_and_one_that_often_does_not_is_red(
    name: str, tmp_path: Path, server: Loopback
) -> None:
    suite = suite_of(name)
    server.behave = Oracle(suite)
    board = judged(suite, tmp_path, server)
    assert {verdict.variant.id: verdict.outcome for verdict in board.verdicts} == {"good": "green", "bad": "red"}


def test_so_it_is_with_code(tmp_path: Path, server: Loopback) -> None:
    changed = {"operation": "code", "gate": {"margin": 0.45}}  # a few cases will do, for each takes a process
    path = written(tmp_path, "suite.yaml", {"extends": "shelf/suite.yaml", **changed})
    shutil.copytree(PATHS["code_with_tests"].parent, tmp_path / "shelf")
    suite = load_suite(path)
    server.behave = Oracle(suite, wrong=1.0)
    board = judged(suite, tmp_path, server, max_cases=14)
    assert {verdict.variant.id: verdict.outcome for verdict in board.verdicts} == {"good": "green", "bad": "red"}
