"""Near-duplicates: what a copied row leaves behind is found, and what a template makes is left alone."""

from __future__ import annotations

import json
import tracemalloc
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.suite import Suite, load_suite, load_suites
from evalgate.suite.likeness import Likeness, near
from tests.conftest import suite_file
from tests.suite.test_load import refusal

FRANCE = "What is the capital of France?"
PARCEL = "The parcel arrived two days late and the box was damaged, so please refund what I have paid"
SAME = [
    (FRANCE, FRANCE + " "),
    (FRANCE, "  What is the\tcapital of\u00a0France?\r\n"),
    (FRANCE, "What is the capi\u00adtal of France\u200b?"),
    (FRANCE, "what is the Capital of FRANCE"),
    (FRANCE, "What is the capital of France ?!"),
    (FRANCE, "What is teh capital of France?"),
    (FRANCE, "What is the captial of France?"),
    (FRANCE, "What is the capital of Frrance?"),
    ("1. " + FRANCE, "17. " + FRANCE),
    ("Q3: " + FRANCE, FRANCE),
    ("“Café” is open", '"Cafe\u0301" is open.'),
    ("I don't like it", "I don’t like it"),
    ("全部で いくらですか。", "全部で いくらですか"),
    (PARCEL, PARCEL.replace("damaged", "damiged")),
    (PARCEL, PARCEL.replace("arrived", "arived").replace("parcel", "pacrel")),
    (PARCEL, PARCEL.replace("two days", "twodays")),
]
OTHER = [
    ("What is 12 + 34?", "What is 12 + 35?"),
    ("What is 12 + 34?", "What is 12 - 34?"),
    ("What is 3.5 + 1?", "What is 35 + 1?"),
    ("What is -5 + 1?", "What is 5 + 1?"),
    ("What is 5! - 1?", "What is 5 - 1?"),
    ("Is x < y?", "Is x > y?"),
    ("What is 10²?", "What is 102?"),
    ("What is C?", "What is C++?"),
    ("What is C++?", "What is C#?"),
    ("Is Iran in Asia?", "Is Iraq in Asia?"),
    ("Is Austria in Europe?", "Is Australia in Europe?"),
    ("Which element has the symbol Au?", "Which element has the symbol Ag?"),
    ("Is it legal?", "Is it illegal?"),
    ("Is it moral?", "Is it amoral?"),
    ("The house is big", "The horse is big"),
    ("good phone", "bad phone"),
    ("I like it", "I do not like it"),
    ("首都は東京です", "首都は京都です"),
    ("Rate it: 4/5", "Rate it: 45"),
    (PARCEL, PARCEL.replace("two", "six")),
    (PARCEL, PARCEL.replace("late", "early")),
]


def alike(one: str, other: str, targets: tuple[str | None, str | None] = ("yes", "yes"), rare: bool = False) -> bool:
    first, second = (Likeness.of(text, target) for text, target in zip((one, other), targets, strict=True))
    assert near(first, second, rare=rare) == near(second, first, rare=rare)
    return near(first, second, rare=rare)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_copy_is_a_near_duplicate(one: str, other: str) -> None:
    assert alike(one, other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_another_question_is_none(one: str, other: str) -> None:
    assert not alike(one, other)


@given(st.text(max_size=30))
def test_a_text_is_like_itself_with_other_white_space(text: str) -> None:
    assert alike(text, "\n" + text.replace(" ", "\u3000 ") + "\t", ("a", "b"))


@given(st.text(max_size=20), st.text(max_size=20))
def test_texts_with_other_digits_or_signs_are_never_alike(one: str, other: str) -> None:
    def kept(text: str) -> list[str]:
        return [character for character in text if character in "0123456789+-<>=#%$&*/\\|~^"]

    numbered = "x" + one, "x" + other  # no number of a list item in front
    assert kept(one) == kept(other) or not alike(*numbered)


def test_one_word_is_a_paraphrase_only_with_a_target_that_hardly_another_case_has() -> None:
    quick = PARCEL.replace("damaged", "broken")
    assert alike(PARCEL, quick, rare=True)
    assert not alike(PARCEL, quick)
    anna = "The tall man who lives next door to Anna is old"
    assert not alike(anna, anna.replace("Anna", "Emil"), rare=True)


def test_with_another_target_only_white_space_and_invisible_characters_are_no_difference() -> None:
    assert alike(FRANCE, FRANCE + "\n", ("a", "b"))
    assert not alike("it is here.", "It is here.", ("wrong", "right"))
    assert alike("it is here.", "It is here.", (None, "right"))


def suite(folder: Path, inputs: list[str], targets: list[str] | None = None, **changes: object) -> Suite:
    cases = [{"id": f"c{n}", "input": text, "target": targets[n] if targets else "x"} for n, text in enumerate(inputs)]
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    listed = load_suite(suite_file(folder, cases=cases, **changes))
    loaded = load_suite(suite_file(folder, cases="cases.jsonl", **changes))
    assert ([case.id for case in listed.cases], listed.units) == ([case.id for case in loaded.cases], loaded.units)
    return loaded


@pytest.mark.parametrize(("one", "other"), SAME)
@pytest.mark.parametrize("template", ["{{ input }}", "Answer at once.\n\nQ: What is up?\nQ: {{ input }}\nA:"])
def test_a_copy_among_others_counts_with_the_first_as_one(tmp_path: Path, one: str, other: str, template: str) -> None:
    others = [f"Something else entirely, namely number {n}" for n in range(20)]
    loaded = suite(tmp_path, [*others, one, other], prompt=template)
    assert sorted(loaded.units) == [1] * 20 + [2]
    assert loaded.remarks == ["'c21' asks nearly what 'c20' asks: the two count as one"]


def test_copies_of_copies_are_one_unit(tmp_path: Path) -> None:
    loaded = suite(tmp_path, [FRANCE, FRANCE + " ", FRANCE.lower(), "What is teh capital of france", "What else?"])
    assert sorted(loaded.units) == [1, 4]
    assert loaded.remarks[0].startswith("3 cases ask nearly what another asks, and count with it as one: ")


def test_a_crowd_of_copies_is_one_unit(tmp_path: Path) -> None:
    loaded = suite(tmp_path, [FRANCE + " " * n for n in range(200)])
    assert loaded.units == [200]


def test_a_cluster_and_a_copy_of_one_of_its_cases_are_one_unit(tmp_path: Path) -> None:
    cases = [{"id": f"c{n}", "input": f"text {n} of all", "metadata": {"page": n // 2}} for n in range(8)]
    cases[7]["input"] = "Text 0 of all!"
    loaded = load_suite(suite_file(tmp_path, cases=cases, cluster_by="metadata.page"))
    assert sorted(loaded.units) == [2, 2, 4]
    ids = [case.id for case in loaded.cases]
    assert {"c0", "c1", "c6", "c7"} in [set(ids[start : start + 4]) for start in (0, 2, 4)]


def test_a_suite_may_refuse_them_or_not_look(tmp_path: Path) -> None:
    cases = [{"id": "a", "input": FRANCE}, {"id": "b", "input": "What else?"}, {"id": "c", "input": FRANCE.upper()}]
    told = refusal(tmp_path, cases=cases, near_duplicates="refuse")
    assert "cases.2: case 'c' asks nearly what 'a' asks (suite.yaml:1:76 cases.0)" in told
    assert "near_duplicates: cluster" in told
    allowed = load_suite(suite_file(tmp_path, cases=cases, near_duplicates="allow"))
    assert (allowed.units, list(allowed.remarks)) == ([1, 1, 1], [])


def test_what_is_done_with_them_does_not_change_the_hash(tmp_path: Path) -> None:
    inputs = [FRANCE, FRANCE.upper(), "What else?", "Who else?"]
    hashes = {suite(tmp_path, inputs, near_duplicates=each).hash for each in ("cluster", "allow")}
    assert len(hashes) == 1


def test_without_near_duplicates_nothing_is_said(tmp_path: Path) -> None:
    assert suite(tmp_path, ["one", "two"]).remarks == []


NAMES = ["France", "Spain", "Iran", "Iraq", "Austria", "Australia", "Niger", "Nigeria", "Mali", "Malta", "Slovakia"]
TEMPLATES = {
    "questions": [f"What is the {what} of {name}?" for what, name in product(["capital", "currency"], NAMES)],
    "sums": [f"What is {a} + {b}?" for a, b in product(range(9, 14), repeat=2)],
    "letters": [f"Does the word {word} have the letter {letter}?" for word, letter in product(["cat", "car"], "abcd")],
    "code": [f"What does `x {sign} y` do?" for sign in ["+", "-", "==", "!=", "<", "<=", ">", "&&", "||", "|"]],
    "reviews": [f"The {thing} is {how}." for thing, how in product(["lamp", "lap", "lamb"], ["fine", "fun", "bad"])],
    "words": ["good", "god", "gold", "bad", "bed", "great", "treat", "fine", "find", "house", "mouse", "horse"],
    "orders": [
        f"Please send {n} {what} to Monica in Porto. Our shop is closed tomorrow."
        for n, what in product([2, 3, 12], ["carpets", "candles", "silver candles", "ropes"])
    ],
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_a_template_makes_is_left_alone(tmp_path: Path, name: str) -> None:
    inputs = TEMPLATES[name]
    for targets in (["yes", "no"] * len(inputs), [f"t{n}" for n in range(len(inputs))]):
        assert set(suite(tmp_path, inputs, targets).units) == {1}


def test_so_are_the_suites_of_this_repository() -> None:
    for loaded in load_suites([Path(__file__).parents[2] / "suites" / "lab"]):
        assert (set(loaded.units), list(loaded.remarks)) == ({1}, [])


def test_looking_for_them_takes_little_memory(tmp_path: Path) -> None:
    def load(count: int) -> int:
        rows = ({"id": f"c{n}", "input": f"{n * 7919 % 10007} " + "word " * 200} for n in range(count))
        (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
        tracemalloc.start()
        load_suite(suite_file(tmp_path, cases="cases.jsonl", assert_=[{"type": "exact", "value": "x"}]))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    load(10)
    assert load(6_000) - load(1_000) < 5_000 * 200
