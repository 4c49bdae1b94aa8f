"""Suites as texts: whatever a draft says, its file says the same and nothing else, comments included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.formats.documents import parse_yaml, read_yaml
from evalgate.starting.draft import Draft, Unsaid
from evalgate.starting.texts import cases_text, suite_text, workflow_text
from evalgate.suite import load_suite
from tests.conftest import JSON
from tests.starting.test_endpoints import NAMES

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "examples" / "ci" / ".github" / "workflows" / "evalgate.yml"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
HOSTILE = "x\n- type: exact\n\u2028- b\x85#\x1b[31m \U0001f600"


def suite_of(text: str) -> Any:
    return parse_yaml(text, Path("suite.yaml")).data


@given(
    prompt=st.lists(st.sampled_from(["\n", " ", "a: b", "#", "|", "{{ input }}", "\t", "é\u2028", "- x", "'\""])).map(
        "".join
    )
)
def test_a_prompt_stays_what_it_is_letter_by_letter(prompt: str) -> None:
    draft = Draft("op", [{"role": "user", "content": prompt}], [{"type": "exact", "value": prompt}])
    read = suite_of(suite_text(draft, "m", "b"))
    assert read["prompt"] == [{"role": "user", "content": prompt}]
    assert read["assert"] == [{"type": "exact", "value": prompt}]


@given(what=TEXT | st.just(HOSTILE), why=TEXT | st.just(HOSTILE))
def test_a_comment_ends_where_its_line_ends(what: str, why: str) -> None:
    lost = Unsaid(what, why)
    draft = Draft("op", "{{ input }}", [lost, {"type": "exact"}, lost], unsaid=[lost])
    assert suite_of(suite_text(draft, "m", "b"))["assert"] == [{"type": "exact"}]


@given(operation=NAMES, model=NAMES, baseline=NAMES, value=JSON, description=TEXT, target=JSON)
def test_whatever_it_says_loads(
    tmp_path_factory: pytest.TempPathFactory,
    operation: str,
    model: str,
    baseline: str,
    value: Any,
    description: str,
    target: Any,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    rows = [{"id": "a", "input": {"x": value, "y": 1}, "target": target, "metadata": {"z": value}}]
    draft = Draft(operation, "{{ input }}", [{"type": "exact", "value": value or "x"}], rows, description=description)
    assert "/" not in draft.name
    (folder / f"{draft.name}.yaml").write_text(suite_text(draft, model, baseline), encoding="utf-8")
    (folder / f"{draft.name}.jsonl").write_bytes(cases_text(rows))
    try:
        suite = load_suite(folder / f"{draft.name}.yaml")
    except InputError as refused:
        told = str(refused)
        assert "64 bits" in told or "surrogate" in told, told  # what no suite may say
        return
    assert (suite.operation, suite.file.model, suite.file.baseline) == (operation, model, baseline)
    assert suite.file.description == description
    assert suite.cases[0].target == target


def test_the_job_is_that_of_the_docs_for_its_key() -> None:
    told = "          ACME_KEY: ${{ secrets.ACME_KEY }} # as the catalogue names it in api_key_env\n"
    assert workflow_text(["ACME_KEY"]) == WORKFLOW.read_text().replace(told, told.partition(" #")[0] + "\n")


def test_a_job_without_keys_and_with_several_is_still_yaml(tmp_path: Path) -> None:
    for keys in ([], ["A", "B"]):
        path = tmp_path / "job.yml"
        path.write_text(workflow_text(keys))
        steps = read_yaml(path).data["jobs"]["judge"]["steps"]  # type: ignore[index]
        (judge,) = (step for step in steps if "/evalgate@" in step.get("uses", ""))
        assert judge.get("env", {}) == {key: f"${{{{ secrets.{key} }}}}" for key in keys}
