"""Suites that exist, copied: what comes along, what cannot, and that nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.starting.ready_made import copy_of


def suite(path: Path, cases: str = "c.jsonl", more: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"operation: theirs\nmodel: m\nbaseline: b\ncases: {cases}\nassert: [{{type: exact}}]\n{more}")
    (path.parent / "c.jsonl").write_text("{}")
    return path


def test_a_suite_among_others_brings_the_files_that_it_names(tmp_path: Path) -> None:
    path = suite(tmp_path / "a.yaml", more="extends: base.yaml\n")
    (tmp_path / "base.yaml").write_text("examples: {template: file://t.txt}\n")
    (tmp_path / "t.txt").write_text("x")
    (tmp_path / "other.jsonl").write_text("not named")
    (tmp_path / "mine.py").write_text("def score(): ...")
    path.write_text(path.read_text() + "description: mine.py:score\n")
    assert set(copy_of(path, None).files) == {f"theirs/{name}" for name in ("c.jsonl", "base.yaml", "t.txt", "mine.py")}


def test_a_suite_in_a_folder_of_its_own_brings_all_of_it(tmp_path: Path) -> None:
    suite(tmp_path / "s" / "suite.yaml")
    for name in ("README.md", "img/a.png", ".git/config", "__pycache__/x.pyc", "recordings/big.gz"):
        (tmp_path / "s" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "s" / name).write_text("x")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "s" / "link").symlink_to(tmp_path / "secret")
    draft = copy_of(tmp_path / "s", "ours")
    assert set(draft.files) == {"ours/c.jsonl", "ours/README.md", "ours/img/a.png"}
    assert draft.file == "ours/suite.yaml"


@pytest.mark.parametrize("name", ["../outside.jsonl", "link.jsonl"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.jsonl").write_text("{}")
    path = suite(tmp_path / "s" / "a.yaml", cases=name)
    (tmp_path / "s" / "link.jsonl").symlink_to(tmp_path / "outside.jsonl")
    with pytest.raises(InputError, match="is outside of its folder"):
        copy_of(path, None)


def test_a_folder_with_several_names_them(tmp_path: Path) -> None:
    suite(tmp_path / "a.yaml")
    suite(tmp_path / "b.yaml")
    with pytest.raises(InputError, match=r"has several suites \(a.yaml, b.yaml\)"):
        copy_of(tmp_path, None)


@pytest.mark.parametrize(
    ("text", "told"), [("[1]", "not a suite"), ("model: m", "say it: --operation NAME"), ("a: [", "malformed YAML")]
)
def test_what_is_no_suite_says_so(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "suite.yaml").write_text(text)
    with pytest.raises(InputError, match=told):
        copy_of(tmp_path, None)
