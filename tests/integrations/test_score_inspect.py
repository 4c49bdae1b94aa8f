"""Inspect AI logs: what real ones rarely hold, and what they must not hold."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.integrations.scores import ScoreTable, pair, read_scores

MODEL = "openai/m"


def sample(case: object, value: object, epoch: int = 1, **fields: object) -> dict[str, Any]:
    scores = {} if value is None else {"match": {"value": value}}
    return {"id": case, "epoch": epoch, "input": f"ask {case}", "target": "t", "scores": scores, **fields}


def header(**fields: object) -> dict[str, Any]:
    return {"version": 2, "status": "success", "eval": {"model": MODEL}, **fields}


@pytest.fixture(params=["eval", "json"])
def read(request, tmp_path):
    """Write a log in either of the two formats, and read it."""

    def reader(samples: list[dict[str, Any]], name: str = "run", **fields: object) -> ScoreTable:
        path: Path = tmp_path / f"{name}.{request.param}"
        if request.param == "json":
            path.write_text(json.dumps(header(samples=samples, **fields), indent=2))
        else:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as log:
                for index, one in enumerate(samples):
                    log.writestr(f"samples/{index}_epoch_{one.get('epoch')}.json", json.dumps(one))
                log.writestr("header.json", json.dumps(header(**fields)))
        return read_scores(path)

    return reader


@pytest.mark.parametrize(
    ("value", "score"),
    [("C", 1), ("I", 0), ("P", 0.5), ("N", 0), (True, 1), (False, 0), (0.25, 0.25), (1, 1), ("yes", 1), ("False", 0)],
)
def test_grades_are_read_as_inspect_reads_them(read, value, score):
    assert read([sample("a", value)]).metrics == {"match": {"a": score}}


@pytest.mark.parametrize(
    ("value", "score"),
    [("0.5", 0.5), ("1", 1), ("0", 0), (" 1.0\n", 1), (".25", 0.25), ("1e-2", 0.01), ("-0", 0), ("+1.", 1), ("C ", 1)],
)
def test_a_score_may_be_written_as_a_text(read, value, score):
    assert read([sample("a", value)]).metrics == {"match": {"a": score}}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), "received NaN, Inspect's mark of an answer that could not be scored"),
        (float("inf"), "received inf"),
        (7, "received 7"),
        ("1.5", "received 1.5"),
        ("nan", "received 'nan', expected a grade"),
        ("1_0", "received '1_0', expected a grade"),
        ("٠", "expected a grade"),
        ("", "expected a grade"),
        ("A", "received 'A', expected a grade (C, P, I, N)"),
        ([1, 0], "received a list"),
        (None, "none of its 1 cases has a score"),
    ],
)
def test_a_value_that_is_no_score_is_refused_with_its_place(read, value, told):
    with pytest.raises(InputError) as raised:
        read([sample("a", value)])
    assert told in str(raised.value)
    if value is not None:
        assert "samples[0] match:" in str(raised.value) or ":samples/0_epoch_1.json match:" in str(raised.value)


def test_a_sample_that_one_scorer_skipped_makes_that_metric_unusable(read):
    both = {"match": {"value": "C"}, "f1": {"value": 0.5}}
    table = read([sample("a", None, scores=both), sample("b", "C")])
    assert list(table.metrics) == ["match"]
    with pytest.raises(InputError, match="f1: case 'b' was not scored on it"):
        pair(table, table, "f1")


def test_epochs_are_averaged_and_a_failed_one_counts_as_0(read):
    table = read([sample("a", "C", 1), sample("a", "C", 2), sample("a", None, 3, error={"message": "boom\n\x1b[1m"})])
    assert table.metrics["match"] == {"a": pytest.approx(2 / 3)}
    assert table.repeats == {"a": 3}
    assert table.errors == {"a": "boom ?[1m"}


def test_a_sample_twice_is_an_error(read):
    with pytest.raises(InputError, match=r"duplicate id 'a', repeat '1'; first at .*; was the same run written twice"):
        read([sample("a", "C"), sample("a", "I")])


def test_a_failed_sample_twice_is_an_error(read):
    with pytest.raises(InputError, match="duplicate id 'a'"):
        read([sample("b", "C"), sample("a", None, error={"message": "x"}), sample("a", None, error={"message": "x"})])


@pytest.mark.parametrize("status", ["started", "cancelled", "error", None])
def test_only_a_finished_run_is_compared(read, status):
    with pytest.raises(
        InputError, match=r"status: received .*, expected 'success'; finish it with `inspect eval-retry`"
    ):
        read([sample("a", "C")], status=status)


def test_an_invalidated_log_is_refused(read):
    with pytest.raises(InputError, match="invalidated"):
        read([sample("a", "C")], invalidated=True)
    with pytest.raises(InputError, match="invalidation: this sample was invalidated"):
        read([sample("a", "C", invalidation={"author": "x"})])


def test_a_log_that_lost_samples_is_refused(read):
    with pytest.raises(InputError, match=r"results.total_samples: received 1 samples, expected 2"):
        read([sample("a", "C")], results={"total_samples": 2})


def test_a_run_that_stopped_early_may_hold_fewer(read):
    assert read([sample("a", "C")], results={"total_samples": 2, "early_stopping": {"x": 1}}).repeats == {"a": 1}


def test_a_log_without_samples_is_refused(read):
    with pytest.raises(InputError, match="holds no cases"):
        read([])


def test_a_header_without_samples_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(header()))
    with pytest.raises(InputError, match="samples: missing; expected a log with its samples, not only its header"):
        read_scores(tmp_path / "run.json")


def test_the_cost_is_that_of_the_model_and_not_of_its_graders(read):
    usage = {MODEL: {"total_cost": 0.25}, "openai/judge": {"total_cost": 9}}
    assert read([sample("a", "C", model_usage=usage), sample("b", "C", model_usage=usage)]).cost == 0.5


def test_answers_cut_at_the_token_limit_are_told(read):
    cut = {"choices": [{"stop_reason": "max_tokens"}]}
    table = read([sample("a", "C", output=cut), sample("b", "C", output={"choices": []})])
    assert table.truncated == {"a"}


def test_another_question_under_the_same_id_is_an_error(read):
    baseline = read([sample(1, "C"), sample(2, "C")], "baseline")
    shuffled = read([sample(1, "C", input="ask 2"), sample(2, "C", input="ask 1")], "variant")
    with pytest.raises(InputError, match=r"2 of 2 cases were not asked the same .*: '1', '2'"):
        pair(baseline, shuffled)
    assert pair(baseline, shuffled, check_requests=False).ids == ("1", "2")


def test_another_target_is_another_question(read):
    with pytest.raises(InputError, match="not asked the same"):
        pair(read([sample(1, "C")], "baseline"), read([sample(1, "C", target="other")], "variant"))


def test_the_random_ids_of_messages_do_not_make_another_question(read):
    def chat(random_id: str) -> list[dict[str, str]]:
        return [{"id": random_id, "role": "user", "content": "ask"}]

    paired = pair(
        read([sample(1, "C", input=chat("x1"))], "baseline"), read([sample(1, "I", input=chat("y2"))], "variant")
    )
    assert paired.differences == (-1.0,)


def test_the_order_of_the_samples_does_not_matter(read):
    samples = [sample(index, "C" if index % 3 else "I") for index in range(12)]
    assert read(samples, "a").metrics == read(samples[::-1], "b").metrics


@pytest.mark.parametrize(
    "broken",
    [
        {"id": None},
        {"id": ""},
        {"id": 1.5},
        {"epoch": None},
        {"scores": [1]},
        {"scores": {"match": 1}},
        {"scores": {"match": {}}},
        {"scores": {"": {"value": 1}}},
        {"metadata": {"cluster": []}},
        {"model_usage": {MODEL: {"total_cost": "much"}}},
        {"model_usage": {MODEL: {"total_cost": -1}}},
    ],
)
def test_a_broken_sample_is_an_error_with_its_place(read, broken):
    with pytest.raises(InputError, match=r"samples\[0\] |samples/0_epoch_.*\.json "):
        read([sample("a", "C") | broken])


CASES = st.one_of(st.integers(0, 50), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))
VALUES = st.one_of(st.floats(0, 1), st.booleans(), st.sampled_from("CIPN"))


@given(st.dictionaries(CASES.map(str), st.lists(VALUES, min_size=1, max_size=3), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_what_is_written_is_read_back(read, scored):
    grades = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
    samples = [sample(case, value, epoch) for case, values in scored.items() for epoch, value in enumerate(values)]
    table = read(samples)
    expected = {case: [grades.get(value, value) for value in values] for case, values in scored.items()}
    assert table.metrics["match"] == {
        case: pytest.approx(sum(values) / len(values)) for case, values in expected.items()
    }
    assert table.repeats == {case: len(values) for case, values in scored.items()}
