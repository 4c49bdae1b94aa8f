"""The suites of the hub on rows of our own in the shape of the originals: columns, prompts and graders fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from evalgate.exchange import Answer
from evalgate.graders.bind import bind
from evalgate.suite import Suite, load_suite
from evalgate.suite.files import in_folder

HUB = Path(__file__).parents[2] / "suites" / "hub"
NAMES = [path.parent.name for path in in_folder(HUB)]
FILES_OF_THEIR_OWN = {"bfcl"}  # no rows that columns could name: test_bfcl
NOTHING = {"num_words": None, "relation": None, "keywords": None}
CLOSE = """\
import numpy as np

def is_floats(x) -> bool:
    if isinstance(x, (list, tuple)):
        return all(isinstance(i, float) for i in x)
    return isinstance(x, float)

def assertion(out, exp, atol):
    if atol == 0 and is_floats(exp):
        atol = 1e-6
    if out != exp and atol != 0:
        assert np.allclose(out, exp, rtol=1e-07, atol=atol)
    else:
        assert out == exp

def check(candidate):
    for given, right in zip({inputs}, {results}):
        assertion(candidate(*given), right, 0)
"""
FUNCTION = "def double(n):\n    '''Return twice n.'''\n"
# rows in the format of the data set, and for each an answer that is right
ROWS: Mapping[str, list[tuple[dict[str, object], str]]] = {
    "gsm8k": [
        (
            {"question": "A box holds 6 eggs. How many are in 4?", "answer": "6 * 4 = <<6*4=24>>24 eggs.\n#### 24"},
            "Four times six.\nAnswer: 24",
        ),
        (
            {"question": "1,200 seats, 150 empty. How many taken?", "answer": "1200 - 150.\n#### 1,050"},
            "1200 - 150 = 1050\nAnswer: 1050",
        ),
    ],
    "ifeval": [
        (
            {
                "key": 1000,
                "prompt": "Write about tea without commas and use the word leaf.",
                "instruction_id_list": ["punctuation:no_comma", "keywords:existence"],
                "kwargs": [NOTHING, {**NOTHING, "keywords": ["leaf"]}],
            },
            "A leaf of tea floats.",
        ),
        (
            {
                "key": 1001,
                "prompt": "Say something in at least seven words.",
                "instruction_id_list": ["length_constraints:number_words"],
                "kwargs": [{**NOTHING, "num_words": 7, "relation": "at least"}],
            },
            "This has, as you see, seven words.",
        ),
    ],
    "mmlu_pro": [
        (
            {
                "question_id": 70,
                "question": "Which of these is a metal?",
                "options": ["iron", "oak", "wool"],
                "answer": "A",
                "answer_index": 0,
                "cot_content": "",
                "category": "chemistry",
                "src": "own",
            },
            "Iron is one.\nAnswer: A",
        ),
        (
            {
                "question_id": 71,
                "question": "How many sides has a square?",
                "options": [str(n) for n in range(1, 11)],
                "answer": "D",
                "answer_index": 3,
                "cot_content": "",
                "category": "math",
                "src": "own",
            },
            "Answer: D",
        ),
    ],
    "humaneval": [
        (
            {
                "task_id": "Own/0",
                "prompt": FUNCTION,
                "entry_point": "double",
                "canonical_solution": "    return 2 * n\n",
                "test": "def check(candidate):\n    assert candidate(4) == 8\n    assert candidate(-1) == -2\n",
            },
            f"```python\n{FUNCTION}    return 2 * n\n```",
        ),
        (
            {
                "task_id": "Own/1",
                "prompt": "def first(text):\n    '''Return the first letter.'''\n",
                "entry_point": "first",
                "canonical_solution": "    return text[0]\n",
                "test": "def check(candidate):\n    assert candidate('abc') == 'a'\n",
            },
            "def first(text):\n    return text[0]",
        ),
    ],
    "humaneval_plus": [
        (
            {
                "task_id": "Own/0",
                "prompt": "def third(n):\n    '''Return a third of n.'''\n",
                "entry_point": "third",
                "canonical_solution": "    return n / 3\n",
                "test": CLOSE.replace("{inputs}", "[[1], [-3]]").replace("{results}", "[0.3333333333, -1.0]"),
            },
            "```python\ndef third(n):\n    return n * (1 / 3)\n```",
        ),
        (
            {
                "task_id": "Own/1",
                "prompt": "def halves(all):\n    '''Return the half of each.'''\n",
                "entry_point": "halves",
                "canonical_solution": "    return [n / 2 for n in all]\n",
                "test": CLOSE.replace("{inputs}", "[[[1, 3]], [[]]]").replace("{results}", "[[0.5, 1.5], []]"),
            },
            "import numpy\n\ndef halves(all):\n    return list(numpy.array(all) / 2)",
        ),
    ],
}


def local(name: str, folder: Path) -> Suite:
    """The suite with its rows in a file, which is all that its README says to change."""
    shutil.copy(HUB / name / "suite.yaml", folder)
    content = yaml.safe_load((folder / "suite.yaml").read_text())
    kept = {key: value for key, value in content["dataset"].items() if key in {"columns", "without"}}
    content["dataset"] = {"path": "rows.jsonl", **kept}
    (folder / "suite.yaml").write_text(yaml.safe_dump(content))
    rows = [row for row, _ in ROWS[name]]
    rows += [rows[0] | {column: value, "prompt": "x"} for column, value in kept.get("without", {}).items()]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return load_suite(folder / "suite.yaml")


def test_every_suite_of_the_hub_is_tried() -> None:
    assert set(NAMES) == ROWS.keys() | FILES_OF_THEIR_OWN


@pytest.mark.parametrize("name", ROWS)
def test_right_answers_score_one_and_those_to_the_other_row_do_not(name: str, tmp_path: Path) -> None:
    suite = local(name, tmp_path)
    grading = bind(suite)
    right = [answer for _, answer in ROWS[name]]
    for case, own, other in zip(suite.source, right, reversed(right), strict=True):
        assert grading.grade(Answer(own, "stop"), case)["score"] == 1
        assert grading.grade(Answer(other, "stop"), case)["score"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_its_commit_is_pinned_and_it_is_read_from_the_hub(name: str) -> None:
    dataset = yaml.safe_load((HUB / name / "suite.yaml").read_text())["dataset"]
    assert len(dataset["revision"]) == 40
    assert dataset["path"].count("/") == 1


def test_the_case_of_human_eval_plus_that_nothing_passes_is_left_out(tmp_path: Path) -> None:
    suite = local("humaneval_plus", tmp_path)
    assert "HumanEval/32" in (tmp_path / "rows.jsonl").read_text()
    assert sorted(case.id for case in suite.cases) == ["Own/0", "Own/1"]


def test_the_options_of_a_question_stand_behind_their_letters(tmp_path: Path) -> None:
    suite = local("mmlu_pro", tmp_path)
    prompt = suite.request(suite.source[0]).prompt
    assert not isinstance(prompt, str)
    assert prompt[0].content == (
        "Which of these is a metal?\n\nA) iron\nB) oak\nC) wool\n\n"
        'Think it through, and end with a line "Answer: " and the letter.'
    )
