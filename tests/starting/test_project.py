"""Files into place: all of them or none, and never over what is there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.starting.draft import example
from evalgate.starting.endpoints import Way, read_way, roster
from evalgate.starting.project import Project
from evalgate.starting.texts import cases_text, catalog_text, suite_text
from tests.starting.test_endpoints import HOSTS, NAMES

WHO = roster("m", Way("https://a.example/v1"), [Way("https://b.example/v1")])
DRAFT = example("classify_ticket", [{"type": "exact"}], 0.05)
SUITE = "suites/classify_ticket.yaml"
CONTENTS = {
    "suites/classify_ticket.jsonl": cases_text(DRAFT.rows),
    SUITE: suite_text(DRAFT, "m", WHO.baseline).encode(),
    "catalog.yaml": catalog_text(WHO).encode(),
}
SCHEMA = {"schemas/suite.schema.json": b"{}"}


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_of_it_is_written(tmp_path: Path) -> None:
    written = Project(tmp_path / "new" / "one", CONTENTS, [SUITE], SCHEMA).write()
    assert tree(tmp_path / "new" / "one") == CONTENTS | SCHEMA
    assert set(written) == {*CONTENTS, *SCHEMA}


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_there_is_named_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(InputError, match=f"never overwritten; nothing was written:\n  .*{name}"):
        Project(tmp_path, CONTENTS, [SUITE], SCHEMA).write()
    assert tree(tmp_path) == {name: b"mine"}


def test_a_link_that_leads_nowhere_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").symlink_to(tmp_path / "gone.yaml")
    with pytest.raises(InputError, match="never overwritten"):
        Project(tmp_path, CONTENTS, [SUITE]).write()
    assert not (tmp_path / "gone.yaml").exists()


def test_a_schema_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "suite.schema.json").write_bytes(b"newer")
    written = Project(tmp_path, CONTENTS, [SUITE], SCHEMA).write()
    assert tree(tmp_path)["schemas/suite.schema.json"] == b"newer"
    assert set(written) == set(CONTENTS)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (SUITE, CONTENTS[SUITE].replace(b"exact", b"exakt"), "suites/classify_ticket.yaml:15:3 assert.0"),
        (SUITE, CONTENTS[SUITE].replace(b"baseline: a", b"baseline: c"), "no variant 'c' of 'm' in"),
        ("suites/classify_ticket.jsonl", b'{"id": 1}\n', "suites/classify_ticket.jsonl:1: a case needs an 'input'"),
        ("catalog.yaml", b"version: 2", "catalog.yaml:1:1 version"),
    ],
)
def test_what_would_not_load_is_not_written(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    folder = tmp_path / "a" / "b"
    with pytest.raises(InputError) as failure:
        Project(folder, {**CONTENTS, name: content}, [SUITE]).write()
    assert told in str(failure.value)
    assert ".evalgate-init-" not in str(failure.value)
    assert not (tmp_path / "a").exists()


def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path) -> None:
    (tmp_path / "suites").write_text("mine")
    with pytest.raises(InputError, match="a file, where a folder is needed"):
        Project(tmp_path, CONTENTS, [SUITE]).write()
    assert tree(tmp_path) == {"suites": b"mine"}


def test_a_file_that_comes_into_being_meanwhile_undoes_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def slow(source: Path, target: Path) -> None:
        if target.name == "catalog.yaml":
            target.write_bytes(b"somebody else's")
        link(source, target)

    monkeypatch.setattr(os, "link", slow)
    with pytest.raises(InputError, match="came into being meanwhile"):
        Project(tmp_path, CONTENTS, [SUITE], SCHEMA).write()
    assert tree(tmp_path) == {"catalog.yaml": b"somebody else's"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog.yaml"]


def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    Project(tmp_path, CONTENTS, [SUITE]).write()
    assert tree(tmp_path) == CONTENTS


@settings(max_examples=30)
@given(operation=NAMES, model=NAMES, host=HOSTS, served=st.text(min_size=1, max_size=20))
def test_whatever_names_there_are_the_files_load(
    tmp_path_factory: pytest.TempPathFactory, operation: str, model: str, host: str, served: str
) -> None:
    try:
        baseline = read_way(f"https://{host}/v1", "--baseline")
        who = roster(model, baseline, [read_way(f"as={served}", "--variant", baseline)])
    except InputError:
        return
    draft = example(operation, [{"type": "exact"}], 0.05)
    contents = {
        f"suites/{draft.name}.jsonl": cases_text(draft.rows),
        f"suites/{draft.name}.yaml": suite_text(draft, model, who.baseline).encode(),
        "catalog.yaml": catalog_text(who).encode(),
    }
    folder = tmp_path_factory.mktemp("project")
    assert set(Project(folder, contents, [f"suites/{draft.name}.yaml"]).write()) == set(contents)


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Project(tmp_path / "file" / "inner", CONTENTS, [SUITE]).write()
