"""What `evalgate validate` finds out about a suite without asking anybody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.graders.user_code import ALLOW
from evalgate.suite import load_suite
from evalgate.validate import Validation, validate
from tests.conftest import suite_file

EXACT: dict[str, object] = {"type": "exact"}
TOPICS = ["the harbour", "a lamp", "two ropes", "the night train", "an invoice", "our garden", "seven keys"]


def cases(*targets: JsonValue) -> list[dict[str, object]]:
    return [
        {"id": f"c{n}", "input": f"What about {TOPICS[n % 7]}, {n * n}?", "target": target}
        for n, target in enumerate(targets)
    ]


def validated(folder: Path, *assertions: object, **changes: object) -> Validation:
    standard: dict[str, object] = {"cases": cases(*(f"shade {n}" for n in range(100))), "gate": {"margin": 0.1}}
    return validate(load_suite(suite_file(folder, assert_=list(assertions), **standard | changes)))


def told(found: Validation, severity: str) -> list[str]:
    return [finding.told for finding in found.findings if finding.severity == severity]


def test_a_suite_whose_graders_know_right_from_wrong_is_fine(tmp_path: Path) -> None:
    found = validated(tmp_path, EXACT)
    assert not found.broken
    assert not found.warned
    [trial] = found.trials
    assert (trial.targets, trial.right, trial.confused, trial.nonsense_right) == (100, 100, 0, 0)
    assert trial.pairs == 4000
    assert (found.cases, found.units, found.tried) == (100, 100, 100)


def test_a_target_that_no_answer_can_meet_is_named(tmp_path: Path) -> None:
    targets = [*(f"shade {n}" for n in range(98)), "two\nlines", "three\nor\nmore"]
    found = validated(tmp_path, {**EXACT, "transform": "last_line"}, cases=cases(*targets))
    assert found.broken
    [error] = told(found, "error")
    assert error.startswith("2 of 100 targets do not score 1 by 'exact': ")
    assert "c98 (0)" in error
    assert "c99 (0)" in error
    assert {miss.case_id for miss in found.trials[0].misses} == {"c98", "c99"}


@pytest.mark.parametrize(
    "assertion",
    [{"type": "regex", "pattern": "(?s).*"}, {**EXACT, "threshold": 0.0}, {"type": "regex", "pattern": r"\S"}],
)
def test_a_grader_that_gives_everything_1_is_vacuous(tmp_path: Path, assertion: dict[str, object]) -> None:
    found = validated(tmp_path, assertion)
    assert found.trials[0].vacuous
    assert any("gives 1 to everything" in each for each in told(found, "error"))


def test_a_threshold_that_every_other_answer_passes_is_broken(tmp_path: Path) -> None:
    targets = [f"the colour is shade {n}" for n in range(100)]
    found = validated(tmp_path, {"type": "token_f1", "threshold": 0.5}, cases=cases(*targets))
    assert found.trials[0].confused == 1
    assert any(
        "'token_f1' gives 1 to 100 % of right answers to other questions" in each for each in told(found, "error")
    )


def test_pairs_that_are_confused_are_shown_with_their_share(tmp_path: Path) -> None:
    found = validated(tmp_path, {"type": "contains"}, cases=cases(*["ship", "shipping", "return", "lamp"] * 25))
    [trial] = found.trials
    assert trial.confused == pytest.approx(1 / 12)
    [worst] = trial.confusions
    assert (worst.expected, worst.answer, worst.score) == ("ship", "shipping", 1)
    assert any("'shipping'" in each and "passes for 'ship'" in each for each in told(found, "warning"))
    assert not found.broken


def test_cases_that_expect_the_same_are_not_confused(tmp_path: Path) -> None:
    found = validated(tmp_path, EXACT, cases=cases(*["yes", "no"] * 50))
    assert (found.trials[0].pairs, found.trials[0].confused) == (2, 0)
    assert found.classes == {"yes": 50, "no": 50}


def test_what_differs_and_is_answered_alike_is_not_confused(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}]
    wanted: list[JsonValue] = [[{"name": "get", "arguments": {"n": n}}] if n % 2 else [] for n in range(40)]
    found = validated(tmp_path, {"type": "tool_trigger"}, cases=cases(*wanted), generation={"tools": tools})
    assert found.trials[0].confused == 0
    assert found.trials[0].right == 40


def test_a_case_that_any_chatter_passes_is_named(tmp_path: Path) -> None:
    targets = ["e", *(f"shade {n}" for n in range(99))]
    found = validated(tmp_path, {"type": "contains"}, cases=cases(*targets))
    assert found.trials[0].giveaways == ("c0",)
    assert any(
        "answers that have nothing to do with it pass by 'contains', for 1 case: c0" in each
        for each in told(found, "warning")
    )


@pytest.mark.parametrize(("others", "broken"), [(3, True), (30, False)])
def test_a_constant_answer_within_the_margin_is_broken(tmp_path: Path, others: int, broken: bool) -> None:
    found = validated(tmp_path, EXACT, cases=cases(*["other"] * (100 - others), *["billing"] * others))
    assert found.constant is not None
    assert found.constant.answer == "other"
    assert found.constant.least == pytest.approx(1 - others / 100)
    assert found.broken == broken


def test_a_constant_answer_has_to_pass_every_metric_that_decides(tmp_path: Path) -> None:
    assertions = [{**EXACT, "metric": "right"}, {"type": "regex", "pattern": "^other$", "metric": "form"}]
    found = validated(tmp_path, *assertions, cases=cases(*["other"] * 60, *["billing"] * 40))
    assert found.constant is not None
    assert (found.constant.scores, found.constant.least) == ({"right": 0.6, "form": 1.0}, 0.6)


def test_targets_that_no_grader_looks_at_are_told(tmp_path: Path) -> None:
    found = validated(tmp_path, {"type": "regex", "pattern": r"^shade \d+$"})
    assert told(found, "warning") == ["100 cases have a target, and no grader looks at it"]


def test_a_suite_that_only_forbids_is_told_so(tmp_path: Path) -> None:
    plain = [{"id": f"c{n}", "input": f"What about {TOPICS[n % 7]}, {n * n}?"} for n in range(100)]
    found = validated(tmp_path, {"type": "pii"}, cases=plain)
    assert told(found, "warning") == ["no grader says what is right: all of them only forbid or limit something"]


def test_graders_that_make_no_answer_are_tried_on_those_of_others(tmp_path: Path) -> None:
    forbidden = {"type": "forbidden", "patterns": ["shade 7$"], "metric": "clean"}
    found = validated(tmp_path, forbidden, EXACT)
    assert [trial.grader for trial in found.trials] == ["forbidden", "exact"]
    assert (found.trials[0].borrowed, found.trials[0].targets, found.trials[0].right) == (True, 100, 99)
    assert told(found, "warning") == ["'forbidden' would fail the right answers to 1 of 100 cases: c7"]


def test_a_schema_that_no_target_fits_is_broken(tmp_path: Path) -> None:
    schema = {"type": "json_schema", "schema": {"required": ["total"]}, "metric": "valid"}
    found = validated(tmp_path, {"type": "json_match"}, schema, cases=cases(*({"sum": n} for n in range(100))))
    assert "'json_schema' would fail the right answers to 100 of 100 cases" in told(found, "error")[0]


def test_what_looks_at_a_whole_answer_does_not_accuse_a_part_of_one(tmp_path: Path) -> None:
    found = validated(tmp_path, {"type": "contains"}, {"type": "length", "least": 30, "metric": "long"})
    assert not found.broken
    assert not found.warned
    assert "'length' would fail" in told(found, "note")[0]


def test_judges_prices_and_times_are_said_to_be_not_tried(tmp_path: Path) -> None:
    judge = {"type": "judge", "judge": "j", "rubric": "r"}
    latency = {"type": "latency", "most_ms": 5, "metric": "fast"}
    found = validated(tmp_path, judge, latency, {**EXACT, "metric": "same"})
    assert [(trial.role, trial.targets) for trial in found.trials] == [("asked", 0), ("asked", 0), ("right", 100)]
    assert found.constant is not None
    assert not found.constant.whole
    assert not found.broken


def test_a_margin_that_the_cases_cannot_prove_is_broken_and_one_they_hardly_can_is_told(tmp_path: Path) -> None:
    few = validated(tmp_path, EXACT, gate={"margin": 0.02})
    assert "a margin of 0.02 cannot be proven with 100 cases" in told(few, "error")[0]
    assert few.least_cases is not None
    hardly = validated(tmp_path, EXACT, gate={"margin": 0.06})
    assert not hardly.broken
    assert "100 cases certify" in told(hardly, "warning")[0]
    assert hardly.smallest_margin > 0.06


def test_slices_clusters_and_near_duplicates_are_counted(tmp_path: Path) -> None:
    rows = [{**case, "metadata": {"lang": "de" if n < 20 else "en"}} for n, case in enumerate(cases(*["a", "b"] * 50))]
    rows[1] = {"id": "c1", "input": "What about  the harbour, 0?", "target": "a"}
    rows[1]["metadata"] = {"lang": "de"}
    found = validated(tmp_path, EXACT, cases=rows, slices=["metadata.lang"])
    assert found.slices == {"metadata.lang": {"en": 80, "de": 20}}
    assert (found.units, found.largest_unit) == (99, 2)
    assert any("less than 30 cases" in each and "de (20)" in each for each in told(found, "note"))
    assert any("the two count as one" in each for each in told(found, "note"))


def test_a_grader_that_raises_is_told_with_its_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOW, "1")
    (tmp_path / "own.py").write_text("def half(text, expected):\n    return {}['total']\n")
    found = validated(tmp_path, {"type": "python", "function": "own:half"}, {**EXACT, "metric": "same"})
    assert found.broken
    assert "grader 'python' failed on the answer to case" in told(found, "error")[0]


def test_all_mistakes_of_the_assertions_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        validated(
            tmp_path, {"type": "exakt"}, {"type": "numeric"}, {"type": "length"}, {"type": "regex", "pattern": "("}
        )
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert [word for line in lines for word in ("assert.0", "assert.2", "assert.3", "cases.") if word in line][:3] == [
        "assert.0",
        "assert.2",
        "assert.3",
    ]


def test_long_suites_are_tried_as_far_as_one_wants(tmp_path: Path) -> None:
    suite = load_suite(suite_file(tmp_path, cases=cases(*range(100)), gate={"margin": 0.1}))
    found = validate(suite, 10)
    assert (found.cases, found.tried, found.trials[0].targets) == (100, 10, 10)


def test_all_of_it_can_be_written_as_json(tmp_path: Path) -> None:
    found = validated(tmp_path, EXACT, prompt=[{"role": "user", "content": "{{ input }}"}])
    written = json.loads(json.dumps(found.to_json()))
    assert written["outcome"] == "fine"
    assert written["first"]["prompt"][0]["role"] == "user"
    assert written["trials"][0]["right"] == 100


def test_nonsense_is_no_right_answer_to_anything_usual(tmp_path: Path) -> None:
    numbers = validated(tmp_path, {"type": "numeric"}, cases=cases(*range(100)))
    letters = validated(tmp_path, {"type": "multiple_choice"}, cases=cases(*"ABCD" * 25))
    words = validated(tmp_path, {"type": "contains"}, cases=cases(*["yes", "no", "a city", "red"] * 25))
    assert [found.trials[0].giveaways for found in (numbers, letters, words)] == [(), (), ()]
