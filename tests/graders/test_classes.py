"""Precision and recall of each label, from counts."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import Answer
from evalgate.graders import bind
from evalgate.graders.classes import Classes
from evalgate.suite import load_suite
from tests.conftest import suite_file

PAIRS = [("spam", "spam"), ("spam", "ham"), ("spam", None), ("ham", "ham"), ("ham", "ham")]


def counted(pairs: list[tuple[str, str | None]]) -> Classes:
    classes = Classes()
    for target, said in pairs:
        classes.add(target, said)
    return classes


def test_each_label_has_its_precision_and_recall() -> None:
    spam, ham = counted(PAIRS).report()
    assert (spam.label, spam.cases, spam.precision, spam.recall, spam.f1) == ("spam", 3, 1.0, 1 / 3, 0.5)
    assert (ham.label, ham.cases, ham.precision, ham.recall, ham.f1) == ("ham", 2, 2 / 3, 1.0, 0.8)
    assert counted(PAIRS).unlabelled == 1


def test_a_share_of_nothing_is_none() -> None:
    never_said, never_target = counted([("a", "b")]).report()
    assert (never_said.precision, never_said.recall, never_said.f1) == (None, 0.0, 0.0)
    assert (never_target.precision, never_target.recall, never_target.f1) == (0.0, None, 0.0)
    assert counted([]).report() == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["a", "b", "d", None]))))
def test_every_answer_is_counted_once(pairs: list[tuple[str, str | None]]) -> None:
    classes = counted(pairs)
    assert sum(each.cases for each in classes.report()) == len(pairs)
    assert sum(each.said for each in classes.report()) + classes.unlabelled == len(pairs)
    assert sum(each.right for each in classes.report()) == sum(target == said for target, said in pairs)


def test_labels_are_read_as_they_are_graded_and_a_failed_answer_gives_none(tmp_path: Path) -> None:
    assertion = {"type": "classification", "labels": ["shade 0", "shade 1", "shade 2"], "transform": "last_line"}
    suite = load_suite(suite_file(tmp_path, assert_=[{"type": "exact"}, {**assertion, "metric": "label"}]))
    grading, case = bind(suite), next(case for case in suite.cases if case.id == "c1")
    assert list(grading.labels(Answer("So:\nShade 2.", "stop"), case)) == [("label", "shade 1", "shade 2")]
    assert list(grading.labels(Answer("", "error", error="reset"), case)) == [("label", "shade 1", None)]
