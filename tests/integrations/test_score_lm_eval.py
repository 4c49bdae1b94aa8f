"""lm-evaluation-harness samples: identity by content, filters, and what is refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.integrations.scores import ScoreTable, pair, read_scores


def doc_hash(doc: object) -> str:
    return hashlib.sha256(json.dumps(doc, indent=2, ensure_ascii=False).encode()).hexdigest()


def line(position: int, question: str, score: object = 1.0, **fields: object) -> dict[str, Any]:
    doc = {"question": question}
    row = {
        "doc_id": position,
        "doc": doc,
        "target": "t",
        "arguments": {},
        "resps": [["r"]],
        "filtered_resps": ["r"],
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": doc_hash(doc),
        "prompt_hash": hashlib.sha256(question.encode()).hexdigest(),
        "target_hash": hashlib.sha256(b"t").hexdigest(),
        "acc": score,
    }
    return {key: value for key, value in (row | fields).items() if value is not ...}


@pytest.fixture
def read(tmp_path):
    def reader(rows: list[dict[str, Any]], name: str = "samples.jsonl", metric: str | None = None) -> ScoreTable:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return read_scores(path, metric=metric)

    return reader


def test_a_case_is_its_document_and_not_its_place_in_the_split(read):
    baseline = read([line(0, "x", 1), line(1, "y", 0)], "baseline.jsonl")
    variant = read([line(0, "y", 1), line(1, "x", 1)], "variant.jsonl")  # another shuffle: the doc_ids lie
    paired = pair(baseline, variant)
    by_case = dict(zip(paired.ids, paired.differences, strict=True))
    assert by_case == {doc_hash({"question": "x"})[:16]: 0.0, doc_hash({"question": "y"})[:16]: 1.0}


def test_another_document_under_the_same_doc_id_does_not_pair(read):
    with pytest.raises(
        InputError, match=r"do not pair by id; 1 of 2 ids only in .* cases are identified by the content"
    ) as raised:
        pair(read([line(0, "x"), line(1, "y")], "b.jsonl"), read([line(0, "x"), line(1, "z")], "v.jsonl"))
    assert doc_hash({"question": "y"})[:16] in str(raised.value)


def test_an_own_id_of_the_document_stands_before_the_hash(read):
    row = line(0, "x", doc={"id": "q7"}, doc_hash="0123456789abcdef" * 4)
    assert list(read([row]).repeats) == ["q7@0123456789abcdef"]


def test_versions_that_write_no_hash_get_the_same_ids(read):
    assert read([line(0, "x", doc_hash=...)], "old.jsonl").repeats == read([line(0, "x")], "new.jsonl").repeats


def test_versions_that_list_no_metrics_are_read(read):
    table = read([line(0, "x", metrics=..., filter=..., bleu=["a", "b"])])
    assert table.metrics.keys() == {"acc"}


def test_another_prompt_for_the_same_document_is_an_error(read):
    with pytest.raises(InputError, match="1 of 1 cases were not asked the same"):
        pair(read([line(0, "x")], "b.jsonl"), read([line(0, "x", prompt_hash="f" * 64)], "v.jsonl"))


def test_the_metric_of_the_only_filter_is_found_by_its_short_name(read):
    table = read([line(0, "x", filter="strict-match")], metric="acc")
    assert table.metrics.keys() == {"acc,strict-match"}


def test_two_metrics_of_one_line_are_two_metrics(read):
    table = read([line(0, "x", metrics=["acc", "acc_norm"], acc_norm=0.0)])
    assert {metric: list(cases.values()) for metric, cases in table.metrics.items()} == {"acc": [1], "acc_norm": [0]}


def test_booleans_of_numpy_are_read(read):
    assert list(read([line(0, "x", "True"), line(1, "y", "False")]).metrics["acc"].values()) == [1.0, 0.0]


def test_a_document_that_only_one_filter_saw_makes_the_other_unusable(read):
    rows = [line(0, "x", filter="a"), line(1, "y", filter="a"), line(0, "x", filter="b")]
    with pytest.raises(InputError, match="was not scored on it"):
        read(rows, metric="acc,b")


def test_a_file_that_was_appended_to_is_an_error(read):
    with pytest.raises(
        InputError, match=r"samples.jsonl:2: duplicate id .*, repeat '0'; first at .*:1; was the same run"
    ):
        read([line(0, "x"), line(0, "x")])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"acc": 999}, "samples.jsonl:2 acc: received 999, expected a number in [0, 1]"),
        ({"acc": float("nan")}, "samples.jsonl:2 acc: received nan"),
        ({"acc": [1]}, "samples.jsonl:2 acc: received a list"),
        ({"acc": ...}, "samples.jsonl:2 'acc': missing, though `metrics` names it"),
        ({"metrics": []}, "samples.jsonl:2 metrics: none"),
        ({"metrics": [["acc"]]}, "samples.jsonl:2 metrics: received a list"),
        ({"doc_id": None}, "samples.jsonl:2 doc_id: received null"),
        ({"doc_id": ...}, "samples.jsonl:2 doc_id: missing"),
        ({"doc_hash": 1.5}, "samples.jsonl:2 doc_hash: received 1.5"),
        ({"doc_hash": ..., "doc": "\ud800"}, "samples.jsonl:2 doc: cannot be hashed"),
        ({"filter": None}, "samples.jsonl:2 filter: received null"),
    ],
)
def test_a_broken_line_is_an_error_with_its_place(read, fields, told):
    with pytest.raises(InputError) as raised:
        read([line(0, "x"), line(1, "y", **fields)])
    assert told in str(raised.value)


def test_a_line_cut_short_is_an_error(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps(line(0, "x")) + "\n" + json.dumps(line(1, "y"))[:100])
    with pytest.raises(InputError, match=r"samples.jsonl:2: malformed JSON .* is the file complete"):
        read_scores(path)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.one_of(st.floats(0, 1), st.booleans()),
        min_size=1,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read_back(read, scored):
    table = read([line(index, question, score) for index, (question, score) in enumerate(scored.items())])
    assert table.metrics["acc"] == {doc_hash({"question": one})[:16]: float(score) for one, score in scored.items()}
