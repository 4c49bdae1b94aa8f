from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.exchange import Answer
from evalgate.gate import Flip, OperationBoard, Verdict
from evalgate.report.side_by_side import Pair, both_shown, cases_that, render_pairs
from evalgate.store import Bought, Store, open_store
from evalgate.suite import Suite, load_suite
from tests.report.board_factory import operation_board
from tests.report.conftest import Recorder

SUITE = """
operation: capitals
model: m
baseline: full
cases:
  - {id: one, input: France, target: Paris}
  - {id: two, input: Spain, target: Madrid}
  - {id: three, input: Italy, target: Rome}
prompt: |-
  Q: Portugal
  A: Lisbon

  Q: {{ input }}
  A:
assert: [{type: exact}]
gate: {margin: 0.05}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    (tmp_path / "capitals.yaml").write_text(SUITE)
    return load_suite(tmp_path / "capitals.yaml")


@pytest.fixture
def store(tmp_path: Path, suite: Suite) -> Iterator[Store]:
    """Both sides answered everything but the variant's third answer, which is missing."""
    requests = {case.id: suite.request(case).hash for case in suite.cases}
    texts = {
        "sha256:lab-f16": {"one": "Paris", "two": "Barcelona", "three": "Rome"},
        "sha256:lab-q8_0": {"one": "Lyon", "two": "Madrid"},
    }
    bought = [
        Bought(requests[case], config, 0, "v", Decimal(0), Answer(text, "stop"))
        for config, answers in texts.items()
        for case, text in answers.items()
    ]
    with open_store(str(tmp_path / "store.db")) as opened:
        opened.add(bought)
        yield opened


@pytest.fixture
def judged(suite: Suite) -> tuple[OperationBoard, Verdict]:
    board = replace(operation_board("recall_fact"), suite_hash=suite.hash)
    flips = (Flip("one", "score", 1.0, 0.0), Flip("two", "score", 0.0, 1.0), Flip("three", "score", 1.0, 0.0))
    return board, replace(board.verdicts[0], flips=flips)


def test_the_cases_that_broke_come_with_both_answers(
    judged: tuple[OperationBoard, Verdict], suite: Suite, store: Store
) -> None:
    one, three = cases_that("broke", *judged, suite, store)

    assert (one.case_id, one.input, one.target) == ("one", "France", "Paris")
    assert one.baseline_answer is not None
    assert one.variant_answer is not None
    assert (one.baseline_answer.text, one.variant_answer.text) == ("Paris", "Lyon")
    assert one.prompt_tail == "…Q: France\nA:"
    assert three.variant_answer is None


@pytest.mark.parametrize(
    ("which", "expected"),
    [("broke", ["one", "three"]), ("fixed", ["two"]), ("flipped", ["one", "two", "three"])],
)
def test_broke_fixed_and_flipped(
    which: str, expected: list[str], judged: tuple[OperationBoard, Verdict], suite: Suite, store: Store
) -> None:
    pairs = cases_that(which, *judged, suite, store)  # type: ignore[arg-type]

    assert [pair.case_id for pair in pairs] == expected


def test_a_suite_that_changed_since_the_run_is_refused(
    judged: tuple[OperationBoard, Verdict], suite: Suite, store: Store
) -> None:
    board, verdict = judged
    older = replace(board, suite_hash="sha256:older")

    with pytest.raises(
        InputError, match=r"capitals.yaml: changed since the run .* run: evalgate check .*capitals.yaml"
    ):
        cases_that("broke", older, verdict, suite, store)


def pair(**changes: object) -> Pair:
    known = Pair(
        "inv-1",
        {"a": 1},
        {"total": 1204.5},
        "…A:",
        "score",
        1.0,
        0.0,
        Answer("total 1204.50", "stop"),
        Answer("total 120.45", "stop"),
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def shown(*pairs: Pair, width: int = 80, limit: int = 9) -> str:
    recorder = Recorder(width)
    render_pairs(pairs, recorder.console, limit)
    return recorder.text


def test_the_answers_stand_beside_each_other_below_the_target() -> None:
    lines = shown(pair()).splitlines()

    assert lines[0] == "inv-1  broke  score 1 → 0"
    assert [line.split()[0] for line in lines[1:3]] == ["asked", "target"]
    assert '{"total": 1204.5}' in lines[2]
    assert [part.strip() for part in lines[4].split("│")] == ["total 1204.50", "total 120.45"]


def test_long_answers_wrap_within_their_half() -> None:
    long = pair(baseline_answer=Answer("word " * 60, "stop"), variant_answer=Answer("y" * 300, "stop"))

    lines = [line for line in shown(long, width=60).splitlines() if "│" in line]

    assert len({line.index("│") for line in lines}) == 1
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize(
    ("answer", "remark"),
    [
        (None, "[not in the store]"),
        (Answer("", "stop"), "[empty answer]"),
        (Answer("", "error", error="HTTP 503"), "[no answer: HTTP 503]"),
        (Answer("cut", "length"), "[cut off at the token limit]"),
        (Answer("x" * 9_000, "stop"), "[9,000 characters in all]"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(answer: Answer | None, remark: str) -> None:
    assert remark in shown(pair(variant_answer=answer))


def test_beyond_the_limit_cases_are_counted() -> None:
    assert "… and 3 more cases" in shown(*[pair()] * 5, limit=2)


def test_the_words_that_differ_are_marked() -> None:
    ours, theirs = both_shown(pair())

    assert "".join(text for text, _ in ours.pieces) == "total 1204.50"
    assert [text for text, differs in ours.pieces if differs] == ["1204", "50"]
    assert [text for text, differs in theirs.pieces if differs] == ["120", "45"]


def test_answers_that_share_nothing_are_not_marked_all_over() -> None:
    ours, theirs = both_shown(pair(variant_answer=Answer("I cannot help with that request, sorry", "stop")))

    assert not any(differs for _, differs in (*ours.pieces, *theirs.pieces))
