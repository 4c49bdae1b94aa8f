"""JSONL and CSV with `id, score`: what is read, what is refused, and that the message names the line."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.integrations.scores import ScoreTable, read_scores


@pytest.fixture
def read(tmp_path):
    def reader(content: str | bytes, name: str = "run.jsonl", metric: str | None = None) -> ScoreTable:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_scores(path, metric=metric)

    return reader


def test_jsonl_with_nothing_but_id_and_score(read):
    table = read('{"id": "a", "score": 1}\n{"id": "b", "score": 0.25}\n')
    assert table.tool == "jsonl"
    assert table.metrics == {"score": {"a": 1.0, "b": 0.25}}
    assert table.repeats == {"a": 1, "b": 1}
    assert table.cluster is None
    assert table.cost is None


def test_csv_with_nothing_but_id_and_score(read):
    table = read("id,score\na,1\nb,0.25\n", "run.csv")
    assert table.tool == "csv"
    assert table.metrics == {"score": {"a": 1.0, "b": 0.25}}


def test_the_content_decides_and_not_the_ending(read):
    assert read("id,score\na,1\n", "run.jsonl").tool == "csv"
    assert read('{"id": "a", "score": 1}\n', "run.csv").tool == "jsonl"
    assert read('{"id": "a", "score": 1}', "run.eval").tool == "jsonl"


def test_all_columns(read):
    rows = [
        {"id": 7, "score": True, "metric": "accuracy", "cluster": "s1", "cost": 0.5, "other": [1]},
        {"id": 7, "score": 0.5, "metric": "f1", "cluster": "s1", "cost": 0.5},
        {"id": "8", "score": False, "metric": "accuracy", "cluster": 2, "cost": 0.25},
        {"id": "8", "score": None, "metric": "f1", "error": "timeout"},
    ]
    table = read("\n".join(map(json.dumps, rows)))
    assert table.metrics == {"accuracy": {"7": 1.0, "8": 0.0}, "f1": {"7": 0.5, "8": 0.0}}
    assert table.cluster == {"7": "s1", "8": "2"}
    assert table.cost == 0.75  # the cost of an answer counts once, whatever the number of its metrics
    assert table.errors == {"8": "timeout"}


def test_csv_with_byte_order_mark_quotes_and_line_breaks_in_a_cell(read):
    table = read(b'\xef\xbb\xbf"id","score","cost"\r\n"a, ""b""\r\nc", 0.5 ,1e-3\r\n\r\nd,TRUE,0\r\n', "run.csv")
    assert table.metrics == {"score": {'a, "b"\r\nc': 0.5, "d": 1.0}}
    assert table.cost == pytest.approx(0.001)


def test_a_csv_cell_may_be_as_long_as_an_answer(read):
    table = read(f'id,answer,score\na,{"x" * 200_000},1\nb,"{"y, " * 100_000}",0\n', "run.csv")
    assert table.metrics == {"score": {"a": 1.0, "b": 0.0}}


def test_jsonl_with_byte_order_mark_and_blank_lines(read):
    assert read(b'\xef\xbb\xbf\n{"id": "a", "score": 1}\r\n\n  \n{"id": "b", "score": 0}').metrics["score"] == {
        "a": 1.0,
        "b": 0.0,
    }


@pytest.mark.parametrize("column", ["repeat", "epoch"])
def test_repeats_are_averaged_and_counted(read, column):
    rows = [{"id": "a", "score": score, column: index} for index, score in enumerate((1, 0, 0.2))]
    table = read("\n".join(map(json.dumps, rows)))
    assert table.metrics["score"] == {"a": pytest.approx(0.4)}
    assert table.repeats == {"a": 3}


def test_the_mean_of_repeats_does_not_depend_on_their_order(read):
    rows = [
        json.dumps({"id": "a", "score": score, "repeat": index}) for index, score in enumerate((0.1, 0.2, 0.7, 0.3))
    ]
    assert read("\n".join(rows)).metrics == read("\n".join(reversed(rows))).metrics


def test_a_cost_that_is_not_known_for_every_answer_is_not_known(read):
    assert read('{"id": "a", "score": 1, "cost": 1}\n{"id": "b", "score": 1}\n').cost is None


@pytest.mark.parametrize(
    ("score", "told"),
    [
        ("NaN", "nan"),
        ("Infinity", "inf"),
        ("1e999", "inf"),
        ("-0.1", "-0.1"),
        ("1.0000001", "1.0000001"),
        ("9" * 400, "9999"),
        ("123456789012345678901234567890", "1234"),
        ('"0.5"', "'0.5'"),
        ('"C"', "'C'"),
        ("[1]", "a list"),
        ("{}", "an object"),
    ],
)
def test_a_score_that_is_no_number_between_0_and_1_is_refused_with_its_line(read, score, told):
    with pytest.raises(InputError) as raised:
        read(f'{{"id": "a", "score": 1}}\n{{"id": "b", "score": {score}}}\n')
    assert f"run.jsonl:2 score: received {told}" in str(raised.value)
    assert "expected a number in [0, 1]" in str(raised.value)


@pytest.mark.parametrize("score", ["nan", "inf", "1_0", "0,5", "50%", "٠", "C", "0x1", "1e999", "--1", "2"])
def test_a_cell_that_is_no_number_between_0_and_1_is_refused_with_its_line(read, score):
    with pytest.raises(InputError, match=r"run.csv:3 score: received .*, expected a number in \[0, 1\]"):
        read(f'id,score\na,1\nb,"{score}"\n', "run.csv")


def test_a_digit_bomb_is_refused(read):
    with pytest.raises(InputError, match=r"run.jsonl:2: malformed JSON: a number has thousands of digits"):
        read('{"id": "a", "score": 1}\n{"id": "b", "score": ' + "9" * 100_000 + "}")


def test_another_metric_may_be_out_of_range_when_one_is_asked_for(read):
    content = "id,metric,score\na,accuracy,1\na,seconds,12\n"
    assert read(content, "run.csv", metric="accuracy").metrics == {"accuracy": {"a": 1.0}}
    with pytest.raises(InputError, match=r"run.csv:3 seconds: received 12.*; name another with --metric: accuracy"):
        read(content, "run.csv", metric="seconds")


def test_a_missing_metric_is_an_error_with_the_nearest_and_with_all(read):
    with pytest.raises(InputError, match=r"received 'acuracy'; did you mean 'accuracy'. The run has accuracy, f1"):
        read("id,metric,score\na,accuracy,1\na,f1,1\n", "run.csv", metric="acuracy")
    with pytest.raises(InputError, match="received 'xyz'; expected one of accuracy, f1"):
        read("id,metric,score\na,accuracy,1\na,f1,1\n", "run.csv", metric="xyz")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"id": "a", "score": 1}\n{"id": "a", "score": 1}', "run.jsonl:2: duplicate id 'a'; first at "),
        ('{"id": 1, "score": 1}\n{"id": "1", "score": 0}', "run.jsonl:2: duplicate id '1'"),
        ("id,score\na,1\nb,1\na,1\n", "run.jsonl:4: duplicate id 'a'; first at "),
        (
            '{"id": "a", "score": 1, "repeat": 2}\n{"id": "a", "score": 1, "repeat": 2}',
            "run.jsonl:2: duplicate id 'a', repeat '2'",
        ),
        ('{"id": "a", "score": 1, "score": 0}', "run.jsonl:1: duplicate key 'score'"),
        ("id,score,score\na,1,0\n", "run.jsonl:1 score: duplicate column"),
        ('{"score": 1}', "run.jsonl:1 id: missing; expected the stable id of the case"),
        ('{"id": null, "score": 1}', "run.jsonl:1 id: missing"),
        ('{"id": "", "score": 1}', "run.jsonl:1 id: received an empty text"),
        ('{"id": 1.5, "score": 1}', "run.jsonl:1 id: received 1.5, expected a text or a whole number"),
        ('{"id": true, "score": 1}', "run.jsonl:1 id: received True"),
        ('{"id": ["a"], "score": 1}', "run.jsonl:1 id: received a list"),
        ('{"id": "\\ud800", "score": 1}', "expected valid Unicode"),
        ('{"id": "a"}', "run.jsonl:1 score: missing; expected a number in [0, 1]"),
        ('{"id": "a", "scroe": 1}', "did you mean 'scroe'"),
        ('{"id": "a", "score": 1, "cost": -1}', "run.jsonl:1 cost: received -1"),
        ('{"id": "a", "score": 1, "cost": NaN}', "run.jsonl:1 cost: received nan"),
        ('{"id": "a", "score": 1, "cost": true}', "run.jsonl:1 cost: received True"),
        ('{"id": "a", "score": 1, "cluster": 1.5}', "run.jsonl:1 cluster: received 1.5"),
        ('{"id": "a", "score": 1, "metric": ""}', "run.jsonl:1 metric: received an empty text"),
        ('{"id": "a", "score": 1, "error": 3}', "run.jsonl:1 error: received 3"),
        ('{"id": "a", "score": 1, "error": "timeout"}', "an answer that failed scores 0"),
        ('{"id": "a", "score": 1, "repeat": 1, "epoch": 1}', "received both `repeat` and `epoch`"),
        ('{"id": "a", "score": 1}\n{"id": "b", "score"', "run.jsonl:2: malformed JSON at column"),
        ('{"id": "a", "score": 1}\n[1]', "run.jsonl:2: received a list, expected an object"),
        ('{"id": "a", "score": 1', "run.jsonl:1: malformed JSON"),
        ('[{"id": "a", "score": 1}]', "received a JSON array, expected one object a line"),
        ("id,score\n", "holds no cases"),
        ("name,score\na,1\n", "run.jsonl:1 id: missing; expected a header with `id` and `score`"),
        ("id;score\na;1\n", "separate the columns with commas"),
        ("id,score\na\n", "run.jsonl:2: received 1 cells, expected 2"),
        ("id,score\n,1\n", "run.jsonl:2 id: missing"),
        ("id,score\na,\n", "run.jsonl:2 score: missing"),
        ('id,score\n"a,1\n', "malformed CSV"),
        ("", "is empty"),
        ("\n \n", "holds only blank lines"),
        (b"id,score\na,1\n\xff,1\n", "run.jsonl:3: not UTF-8 at byte 0; save the file as UTF-8"),
        ("id,score\na,1\n".encode("utf-16"), "not UTF-8"),
        (
            '{"id": "a", "score": 1, "cluster": "x"}\n{"id": "b", "score": 1}',
            "cluster: case 'b' has none, others have",
        ),
        (
            '{"id": "a", "score": 1, "cluster": "x", "epoch": 1}\n{"id": "a", "score": 1, "cluster": "y", "epoch": 2}',
            "run.jsonl:2 cluster: received 'y', but case 'a' is in 'x'",
        ),
        (
            '{"id": "a", "score": 1, "metric": "x", "cost": 1}\n{"id": "a", "score": 1, "metric": "y", "cost": 2}',
            "run.jsonl:2 cost: received 2.0, but 1.0",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(read, content, told):
    with pytest.raises(InputError) as raised:
        read(content)
    assert told in str(raised.value)


def test_the_line_is_that_on_which_a_quoted_row_begins(read):
    with pytest.raises(InputError, match=r"run.csv:4 score: received 7"):
        read('id,score\n"a\nb",1\nc,7\n', "run.csv")


def test_hostile_ids_are_only_strings(read):
    ids = ["../../etc/passwd", "=cmd()", "__class__", "{0.__class__}", "\x1b[2J", "' OR 1=1", "%s%n", "x" * 5000]
    table = read("\n".join(json.dumps({"id": one, "score": 1}) for one in ids))
    assert list(table.metrics["score"]) == ids


def test_control_characters_of_an_id_do_not_reach_the_terminal(read):
    rows = json.dumps({"id": "\x1b[2J" + "x" * 5000, "score": 1})
    with pytest.raises(InputError) as raised:
        read(f"{rows}\n{rows}")
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 500


IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SCORES = st.one_of(st.floats(0, 1), st.booleans(), st.sampled_from([0, 1]))
SCORED = st.dictionaries(IDS, SCORES, min_size=1, max_size=20)


@given(SCORED)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_as_jsonl_is_read_back(tmp_path, scored):
    path = tmp_path / "run.jsonl"
    path.write_text("".join(json.dumps({"id": one, "score": score}) + "\n" for one, score in scored.items()))
    assert read_scores(path).metrics == {"score": {one: float(score) for one, score in scored.items()}}


@given(SCORED)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_as_csv_is_read_back(tmp_path, scored):
    scored = {one: score for one, score in scored.items() if one.strip()}
    if not scored:
        return
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "score"), *scored.items()])
    path: Path = tmp_path / "run.csv"
    path.write_bytes(text.getvalue().encode())
    table = read_scores(path)
    assert table.metrics == {"score": {one: float(score) for one, score in scored.items()}}
    assert all(math.copysign(1, score) == 1 for score in table.metrics["score"].values())  # no -0.0
