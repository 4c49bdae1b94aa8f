"""Loading runs, and what their frames say: the same as the board, row by row."""

from __future__ import annotations

import shutil
import sqlite3
import warnings
from pathlib import Path

import pandas as pd
import pytest

import evalgate
from evalgate.errors import InputError
from evalgate.frames import TABLES, MissingAnswersWarning, Run
from evalgate.frames.run import ALL
from tests.frames.conftest import Checked


@pytest.fixture
def copied(checked: Checked, tmp_path: Path) -> str:
    """The store once more, to do to it what a user might."""
    return str(shutil.copy(checked.store, tmp_path / "copy.db"))


def spoil(store: str, statement: str, *values: object) -> None:
    with sqlite3.connect(store) as connection:
        connection.execute(statement, values)
    connection.close()


@pytest.mark.parametrize("name", ALL)
def test_every_frame_has_the_columns_of_its_table_and_their_dtypes(run: Run, name: str) -> None:
    frame = run.frame(name)
    assert len(frame)
    assert [(column, str(dtype)) for column, dtype in frame.dtypes.items()] == [
        (column.name, column.dtype) for column in TABLES[name].columns
    ]


def test_a_verdict_is_what_the_board_says(run: Run) -> None:
    for row, verdict in zip(run.verdicts().itertuples(), run.board.operations[0].verdicts, strict=True):
        assert (row.variant, row.outcome, row.cases) == (verdict.variant.id, verdict.outcome, verdict.cases)
        assert (row.delta, row.lower, row.upper) == (verdict.worst.delta, *verdict.worst.interval)
        assert row.saving == verdict.saving


def test_the_counted_answers_are_those_that_the_verdicts_rest_on(run: Run) -> None:
    counted = run.answers().query("counted and role == 'variant'").groupby("variant").size()
    assert counted.to_dict() == run.verdicts().set_index("variant").answers.to_dict()


def test_all_that_was_asked_is_there_once(checked: Checked, run: Run) -> None:
    answers = run.answers()
    assert len(answers) == evalgate.runs(checked.store).requests[0] == answers.key.nunique()


def test_the_scores_of_the_counted_answers_make_the_score_of_the_verdict(run: Run) -> None:
    means = run.scores().query("counted and role == 'variant' and metric == 'score'").groupby("variant").score.mean()
    assert means.to_dict() == pytest.approx(run.verdicts().set_index("variant").variant_score.to_dict())


def test_a_flip_is_a_case_whose_scores_differ(run: Run) -> None:
    scores = run.scores().query("metric == 'score' and role != 'again'").set_index(["variant", "case_id"]).score
    flips = run.flips()
    assert len(flips)
    for row in flips.itertuples():
        assert scores[row.variant, row.case_id] == row.variant_score
        assert scores["full", row.case_id] == row.baseline_score
        assert row.broke == (row.variant_score < row.baseline_score)


def test_cases_stand_in_the_order_asked_and_tell_their_slices(run: Run) -> None:
    cases = run.cases().set_index("case_id")
    asked = run.answers().query("role == 'baseline'")
    assert (cases.position[asked.case_id].to_numpy() == asked.position.to_numpy()).all()
    assert set(cases.metadata) == {'{"parity": 0}', '{"parity": 1}'}


def test_costs_are_those_that_were_paid(run: Run) -> None:
    same = run.answers().query("variant == 'same'")
    assert same.cost_usd.tolist() == pytest.approx([(10 * 0.5 + 2 * 1.0) / 1e6] * len(same))


def test_a_run_is_found_by_how_its_name_begins(checked: Checked, run: Run) -> None:
    assert checked.load(run.name[:12]).name == checked.load("last").name == run.name


@pytest.mark.parametrize("name", ["nope", "", "%"])
def test_a_run_that_is_not_there_is_told_with_those_that_are(checked: Checked, run: Run, name: str) -> None:
    with pytest.raises(InputError, match=f"no run {name!r}; the newest are {run.name}"):
        checked.load(name)


def test_an_ambiguous_name_is_refused(copied: str, run: Run) -> None:
    spoil(copied, "INSERT INTO runs SELECT run || 'x', at, board FROM runs")
    with pytest.raises(InputError, match="2 runs begin with"):
        evalgate.load_run(run.name[:8], copied)


def test_no_store_says_what_to_do_and_makes_none(tmp_path: Path) -> None:
    for look in (lambda: evalgate.load_run(store=tmp_path / "none.db"), lambda: evalgate.runs(tmp_path / "none.db")):
        with pytest.raises(InputError, match="nothing was checked yet: evalgate check"):
            look()
    assert not list(tmp_path.iterdir())


def test_a_store_without_a_run_lists_none_with_the_same_dtypes(copied: str, checked: Checked) -> None:
    spoil(copied, "DELETE FROM runs")
    listed = evalgate.runs(copied)
    assert listed.empty
    pd.testing.assert_series_equal(listed.dtypes, evalgate.runs(checked.store).dtypes)
    with pytest.raises(InputError, match="no run yet"):
        evalgate.load_run(store=copied)


def test_a_board_that_nobody_can_read_is_told_as_such(copied: str) -> None:
    spoil(copied, "UPDATE runs SET board = ?", b'{"run": "x", "operations": 3}')
    with pytest.raises(InputError, match="written by a release that this one cannot read"):
        evalgate.load_run(store=copied)
    assert evalgate.runs(copied).operations.tolist() == [0]


def test_an_operation_that_was_not_judged_is_told(run: Run) -> None:
    assert run.answers("name_colour").equals(run.answers())
    with pytest.raises(InputError, match="no operation 'name_color'; did you mean 'name_colour'"):
        run.answers("name_color")


def test_a_suite_that_is_not_there_costs_only_what_needs_it(checked: Checked, tmp_path: Path) -> None:
    lost = evalgate.load_run(store=checked.store, suites=tmp_path)
    assert len(lost.verdicts())
    with pytest.raises(InputError, match="the suite of this verdict is not here"):
        lost.answers()


def test_answers_that_are_gone_are_warned_of(copied: str, checked: Checked) -> None:
    spoil(copied, "DELETE FROM answers WHERE variant = 'same'")
    run = evalgate.load_run(store=copied, suites=checked.house.path / "suites")
    gone = run.verdicts().set_index("variant").answers["same"]
    with pytest.warns(MissingAnswersWarning, match=f"{gone} of the .* missing"):
        assert "same" not in set(run.answers().variant)


def test_a_run_none_of_whose_answers_is_left_is_refused(copied: str, checked: Checked) -> None:
    spoil(copied, "UPDATE answers SET answered_at = answered_at + 1e6")  # as if all had been bought anew
    run = evalgate.load_run(store=copied, suites=checked.house.path / "suites")
    with pytest.raises(InputError, match=r"none of the .* bought anew since"):
        run.scores()


def test_a_whole_run_brings_no_warning(run: Run) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.answers()
