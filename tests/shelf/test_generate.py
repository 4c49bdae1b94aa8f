"""The program that writes the cases of the ready-made suites."""

from __future__ import annotations

import pytest

from suites import generate
from suites.distinct import distinct, jaccard, words


@pytest.mark.parametrize("name", generate.found())
def test_the_cases_are_those_that_their_generator_writes(name: str) -> None:
    assert generate.main([name, "--check"]) == 0


def test_cases_that_have_drifted_apart_are_told_and_left_alone(tmp_path, monkeypatch, capsys) -> None:
    folder = tmp_path / "one_two"
    folder.mkdir()
    (folder / "suite.yaml").write_text("")
    (folder / "generate.py").write_text("def cases():\n    yield {'input': 'a', 'target': 'b'}\n")
    monkeypatch.setattr(generate, "HERE", tmp_path)
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    (folder / "cases.jsonl").write_text("mine\n")
    assert generate.main(["--check"]) == 1
    assert "out of date: one_two" in capsys.readouterr().err
    assert (folder / "cases.jsonl").read_text() == "mine\n"


def test_an_unknown_suite_is_refused(capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        generate.main(["add_number"])
    assert stopped.value.code == 2
    assert "no suite 'add_number'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"id": "a", "input": "x", "targets": "y"}], "a: unknown or missing keys"),
        ([{"id": "a", "target": "y"}], "a: unknown or missing keys"),
        ([{"id": "a", "input": "x"}, {"id": "a", "input": "y"}], "a: id twice"),
        ([{"id": "a", "input": {"x": 1, "y": 2}}, {"id": "b", "input": {"y": 2, "x": 1}}], "question twice"),
    ],
)
def test_what_no_set_of_cases_may_have_is_found(rows, told) -> None:
    assert len(found := generate.problems(rows)) == 1
    assert told in found[0]


def test_jaccard_is_the_share_of_common_words() -> None:
    assert jaccard(words("The cat sat."), words("the CAT ran")) == 0.5


def test_texts_that_are_too_much_alike_are_passed_over() -> None:
    texts = iter(["one two three four five", "one two three four six", "a b c"])
    rows = distinct(lambda _: {"input": next(texts)}, 2)
    assert [row["input"] for row in rows] == ["one two three four five", "a b c"]


def test_sources_with_too_few_words_are_told() -> None:
    with pytest.raises(ValueError, match="only 1 of 2"):
        distinct(lambda _: {"input": "the same"}, 2)
