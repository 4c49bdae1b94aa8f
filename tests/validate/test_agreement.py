"""A suite's judge, asked for real on loopback, held against what people said."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from evalgate.cli.validate import command
from evalgate.errors import InputError
from evalgate.graders import bind
from evalgate.stats.agreement import agreement
from evalgate.suite import load_suite
from evalgate.validate.agreement import judge_of, quality
from evalgate.validate.labels import Labelled, read_labels
from tests.conftest import Asked, Loopback, Sent, outcome, suite_file, variant, written

RUBRIC: dict[str, object] = {"type": "judge", "judge": "referee", "rubric": "It is a colour."}
CASES = [{"id": f"c{n}", "input": f"question {n}", "target": "red"} for n in range(60)]


def house(folder: Path, server: Loopback | None = None, *assertions: dict[str, object], **changes: object) -> Path:
    """A suite with a judge, and a catalogue that has it."""
    provider = {"id": "here", "base_url": server.url if server else "http://127.0.0.1:9/v1", "retries": 0}
    models = [
        {"id": "toy", "variants": [variant("full"), variant("cheap", served_as="cheap")]},
        {"id": "wise", "variants": [variant("referee")]},
    ]
    written(folder, "catalog.yaml", {"version": 1, "providers": [provider], "models": models})
    return suite_file(
        folder,
        **{"cases": CASES, "assert_": list(assertions or [RUBRIC]), "gate": {"margin": 0.3}, "near_duplicates": "allow"}
        | changes,
    )


def labels(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def invoked(folder: Path, *arguments: str) -> Result:
    named = ["--catalog", str(folder / "catalog.yaml"), "--store", str(folder / "e.db"), "--no-prompt"]
    files = [str(folder / "suite.yaml"), "--agreement", str(folder / "labels.jsonl")]
    return CliRunner().invoke(command, [*files, *named, *arguments], standalone_mode=False)


def judged(asked: Asked) -> str:
    """The answer that the judge is shown."""
    messages = asked.body["messages"]
    assert isinstance(messages, list)
    found = re.search(r"<<<answer (\w+)>>>\n(.*)\n<<<end", str(messages[-1]["content"]), re.DOTALL)
    assert found is not None
    return found[2]


def scored(score: int) -> Sent:
    choice = {"message": {"role": "assistant", "content": json.dumps({"score": score})}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    return Sent(json.dumps({"choices": [choice], "usage": usage}).encode())


def judging(asked: Asked) -> Sent:
    """Likes what is red."""
    return scored(int(judged(asked).startswith("red")))


ROWS: list[dict[str, object]] = [
    {"id": f"c{n}", "answer": "red" if n % 2 else "mud", "label": n % 2 if n > 5 else 1} for n in range(60)
]


def test_the_judge_is_asked_twice_bought_once_and_held_against_the_labels(tmp_path: Path, server: Loopback) -> None:
    server.behave = judging
    house(tmp_path, server)
    labels(tmp_path, *ROWS)
    told = invoked(tmp_path, "--json", str(tmp_path / "out.json"))
    assert told.return_value == 0, told.output
    found = json.loads((tmp_path / "out.json").read_text())["agreement"]
    assert found["judge"] == "referee"
    assert found["people"]["confusion"] == [
        {"label": "0", "judged": "0", "count": 27},
        {"label": "1", "judged": "0", "count": 3},
        {"label": "1", "judged": "1", "count": 30},
    ]
    assert found["people"]["observed"] == pytest.approx(57 / 60)
    assert found["sensitivity"] == pytest.approx(30 / 33)
    assert found["specificity"] == 1
    assert found["again"]["observed"] == 1
    assert len(server.asked) == 120
    assert invoked(tmp_path).return_value == 0
    assert len(server.asked) == 120
    assert "Gwet's AC1" in told.output


def test_a_judge_that_changes_its_mind_is_told_and_strict_minds(tmp_path: Path, server: Loopback) -> None:
    heard = Counter[str]()

    def wavering(asked: Asked) -> Sent:
        answer = judged(asked)
        heard[answer] += 1
        return scored(heard[answer] % 2) if answer.startswith("perhaps") else judging(asked)

    server.behave = wavering
    house(tmp_path, server)
    unsure = [{"id": f"c{n}", "answer": f"perhaps {n}", "label": 1} for n in range(10)]
    labels(tmp_path, *unsure, *ROWS[10:])
    told = invoked(tmp_path)
    assert "'referee' says something else in 17 % when it is asked again" in " ".join(told.output.split())
    assert told.return_value == 0
    assert invoked(tmp_path, "--strict").return_value == 2


def test_where_the_labels_say_what_was_judged_nobody_is_asked(tmp_path: Path) -> None:
    house(tmp_path)
    labels(tmp_path, *({**row, "judged": row["label"]} for row in ROWS))
    told = invoked(tmp_path)
    assert told.return_value == 0
    assert "both say the same  100 %" in told.output
    assert not (tmp_path / "e.db").exists()


def test_a_pairwise_judge_is_shown_both_answers(tmp_path: Path, server: Loopback) -> None:
    def nicer(asked: Asked) -> Sent:
        messages = asked.body["messages"]
        assert isinstance(messages, list)
        first = str(messages[-1]["content"]).index("red") < str(messages[-1]["content"]).index("mud")
        choice = {"message": {"content": json.dumps({"better": "A" if first else "B"})}, "finish_reason": "stop"}
        return Sent(json.dumps({"choices": [choice]}).encode())

    server.behave = nicer
    house(tmp_path, server, {**RUBRIC, "type": "pairwise"})
    rows = [
        {"id": f"c{n}", "answer": "red" if n % 2 else "mud", "baseline": "mud" if n % 2 else "red", "label": n % 2}
        for n in range(60)
    ]
    labels(tmp_path, *rows)
    told = invoked(tmp_path, "--json", str(tmp_path / "out.json"))
    assert told.return_value == 0, told.output
    found = json.loads((tmp_path / "out.json").read_text())["agreement"]
    assert found["people"]["observed"] == 1
    assert len(server.asked) == 240


def test_a_judge_that_cannot_be_reached_ends_it(tmp_path: Path, server: Loopback) -> None:
    server.behave = lambda asked: Sent(b'{"error": {"message": "no"}}', 401)
    house(tmp_path, server)
    labels(tmp_path, *ROWS)
    told = invoked(tmp_path)
    assert "judge referee: " in str(told.exception)


def test_a_spent_budget_ends_it_with_what_was_said_kept(tmp_path: Path, server: Loopback) -> None:
    server.behave = judging
    house(tmp_path, server, budget={"calls": 70})
    labels(tmp_path, *ROWS)
    assert invoked(tmp_path).return_value == 3
    assert invoked(tmp_path).return_value == 0
    assert len(server.asked) == 120


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"id": "zz", "answer": "x", "label": 1}, "labels.jsonl:1: the suite has no case 'zz'"),
        ({"id": "c1", "answer": "x"}, "labels.jsonl:1: 'label' is missing; expected id, answer and label"),
        ({"id": "c1", "answer": "x", "label": 2}, "labels.jsonl:1: label: expected a number from 0 to 1"),
        ({"id": "c1", "answer": "x", "label": "yes"}, "got 'yes'"),
        ({"id": "c1", "answer": "x", "label": 1, "lable": 1}, "unknown key 'lable'; did you mean 'label'?"),
        ({"id": "c1", "answer": "x", "label": 1, "judged": -1}, "judged: expected a number from 0 to 1"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_with_their_line(
    tmp_path: Path, row: dict[str, object], told: str
) -> None:
    suite = load_suite(house(tmp_path))
    with pytest.raises(InputError) as caught:
        read_labels(labels(tmp_path, row), suite, scale=1, pairs=False)
    assert told in str(caught.value)


def test_an_answer_that_is_labelled_twice_and_labels_half_judged_are_refused(tmp_path: Path) -> None:
    suite, row = load_suite(house(tmp_path)), {"id": "c1", "answer": "x", "label": 1}
    with pytest.raises(InputError, match=r"labels.jsonl:2: the same answer to 'c1' is labelled already \(.*:1\)"):
        read_labels(labels(tmp_path, row, {**row, "label": 0}), suite, scale=1, pairs=False)
    with pytest.raises(InputError, match="1 of 2 rows have 'judged'"):
        read_labels(labels(tmp_path, row, {**row, "id": "c2", "judged": 0}), suite, scale=1, pairs=False)
    with pytest.raises(InputError, match="no labelled answers"):
        read_labels(labels(tmp_path), suite, scale=1, pairs=False)
    with pytest.raises(InputError, match="'baseline' is missing"):
        read_labels(labels(tmp_path, row), suite, scale=1, pairs=True)


def test_a_csv_file_has_labels_as_well(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,answer,label\nc1,red,3\nc2,mud,0\n")
    found = read_labels(path, load_suite(house(tmp_path)), scale=4, pairs=False)
    assert [(each.case.id, each.answer, each.label) for each in found] == [("c1", "red", 0.75), ("c2", "mud", 0.0)]


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    suite = load_suite(house(folder))
    (folder / "labels.jsonl").write_bytes(content)
    found = outcome(lambda: read_labels(folder / "labels.jsonl", suite, scale=1, pairs=False))
    assert isinstance(found, InputError | list)


def test_a_suite_without_a_judge_or_with_several_says_so(tmp_path: Path) -> None:
    plain = load_suite(house(tmp_path, None, {"type": "exact"}))
    with pytest.raises(InputError, match="no judge that labels could be held against"):
        judge_of(plain, bind(plain), None)
    two = load_suite(house(tmp_path, None, RUBRIC, {**RUBRIC, "rubric": "It is kind.", "metric": "kind"}))
    with pytest.raises(InputError, match=r"several judges; name the metric of one with --metric \(score, kind\)"):
        judge_of(two, bind(two), None)
    assert judge_of(two, bind(two), "kind").assertion.metric == "kind"


def test_labels_are_cut_where_the_assertion_cuts_what_the_judge_says(tmp_path: Path) -> None:
    suite = load_suite(house(tmp_path, None, {**RUBRIC, "scale": 4, "threshold": 0.5}))
    case = suite.cases[0]
    rows = [Labelled(case, "a", 0.75), Labelled(case, "b", 0.25)]
    found = quality(judge_of(suite, bind(suite), None), rows, [1.0, 0.0], None)
    assert found.people.confusion == {("4", "4"): 1, ("0", "0"): 1}
    assert found.people == agreement(["4", "0"], ["4", "0"])
