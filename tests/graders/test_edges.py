"""Every grader has a table of edge cases and a property test: those that have none elsewhere, and the list of all.

Beside these, `test_any_answer` holds every grader to a score in [0, 1] for whatever a model may say.
"""

from __future__ import annotations

import importlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.exchange import Answer, JsonValue
from evalgate.graders import names
from evalgate.graders.budgets import cost, latency
from evalgate.graders.conduct import refusal
from evalgate.graders.embedding import embedding_similarity
from evalgate.graders.judge.graders import judge, pairwise
from evalgate.graders.overlap import bleu, chrf, edit_distance, rouge_l
from evalgate.graders.registry import Seen
from evalgate.graders.sandbox import SandboxError, isolation
from evalgate.graders.sandbox.grader import code
from evalgate.graders.text import regex
from evalgate.graders.tools.graders import tool_schema, tool_trigger
from evalgate.graders.user_code import _checked
from evalgate.suite import Case
from tests.conftest import catalog

HERE = "test_edges"
# grader: where its table of edge cases is, and where what holds for all answers
TESTED: dict[str, tuple[str, str, str, str]] = {
    "bleu": (HERE, "test_bleu", "test_overlap", "test_a_text_is_nearest_to_itself"),
    "chrf": (HERE, "test_chrf", "test_overlap", "test_a_text_is_nearest_to_itself"),
    "classification": (
        *("test_choice", "test_a_label_is_the_whole_answer_or_the_only_one_in_it"),
        *("test_choice", "test_an_answer_scores_for_one_label_at_most"),
    ),
    "code": (
        *("sandbox.test_code", "test_a_program_is_right_when_it_passes"),
        *(HERE, "test_a_program_passes_exactly_when_it_prints_the_output"),
    ),
    "contains": (
        *("test_text", "test_contains_compares_what_is_normalised"),
        *("test_text", "test_what_stands_anywhere_in_the_answer_is_contained"),
    ),
    "cost": (HERE, "test_cost", HERE, "test_who_spends_more_never_scores_more"),
    "edit_distance": (HERE, "test_edit_distance", "test_overlap", "test_a_text_is_nearest_to_itself"),
    "embedding_similarity": (HERE, "test_embedding_similarity", "test_overlap", "test_a_text_is_nearest_to_itself"),
    "exact": (
        "test_text",
        "test_exact_forgives_what_cannot_carry_meaning",
        "test_text",
        "test_every_text_is_exactly_itself",
    ),
    "forbidden": (
        *("test_conduct", "test_a_forbidden_pattern_must_not_be_found"),
        *("test_conduct", "test_a_forbidden_text_is_found_wherever_it_stands"),
    ),
    "instructions": (
        *("test_instructions", "test_an_instruction_is_followed_or_broken"),
        *("test_instructions", "test_any_answer_follows_an_instruction_or_does_not"),
    ),
    "json_fields": (
        *("test_structure", "test_the_score_is_the_share_of_leaves_that_are_right"),
        *("test_structure", "test_a_target_has_all_of_its_own_fields_right"),
    ),
    "json_match": (
        *("test_same", "test_the_whole_value_is_the_target"),
        *("test_same", "test_every_value_matches_itself_and_has_all_fields_right"),
    ),
    "json_schema": (
        *("test_schema", "test_an_answer_fits_or_not_and_a_soft_score_tells_json_from_none"),
        *("test_schema", "test_every_json_value_fits_the_empty_schema_and_its_own_constant"),
    ),
    "judge": (
        *("judge.test_judges", "test_what_cannot_be_read_counts_against_the_variant"),
        *(HERE, "test_whatever_a_judge_replies_is_a_score"),
    ),
    "latency": (
        *("test_budgets", "test_an_answer_must_come_in_time"),
        *(HERE, "test_who_takes_longer_never_scores_more"),
    ),
    "length": (
        *("test_budgets", "test_a_length_is_counted_in_its_unit"),
        *("test_budgets", "test_no_text_has_more_words_or_sentences_than_characters"),
    ),
    "maths": (
        *("test_maths", "test_formulas_are_compared_by_value"),
        *("test_maths", "test_fractions_are_equal_exactly_when_their_values_are"),
    ),
    "multiple_choice": (
        *("test_choice", "test_the_letter_that_is_meant_is_found"),
        *("test_choice", "test_a_letter_scores_exactly_when_it_is_the_target"),
    ),
    "numeric": (
        *("test_number", "test_a_number_is_read_as_it_is_meant"),
        *("test_number", "test_another_number_is_never_equal"),
    ),
    "pairwise": (
        *("judge.test_judges", "test_the_two_orders_are_averaged"),
        *(HERE, "test_whatever_a_judge_replies_is_a_score"),
    ),
    "pii": (
        "test_conduct",
        "test_personal_data_is_found_by_its_form",
        "test_conduct",
        "test_nothing_in_front_hides_a_find",
    ),
    "python": (
        *("test_user_code", "test_what_it_raises_ends_the_run_with_suite_case_and_grader"),
        *(HERE, "test_a_function_of_ones_own_scores_what_it_says_or_raises"),
    ),
    "refusal": ("test_conduct", "test_a_refusal_is_noticed", HERE, "test_an_answer_refuses_or_does_not"),
    "regex": (HERE, "test_regex", HERE, "test_a_pattern_that_says_a_text_finds_it_wherever_it_stands"),
    "rouge_l": (HERE, "test_rouge_l", "test_overlap", "test_a_text_is_nearest_to_itself"),
    "sql": (
        "test_sql",
        "test_what_a_query_finds_is_what_counts",
        "test_sql",
        "test_the_order_of_rows_makes_no_difference",
    ),
    "token_f1": (
        *("test_overlap", "test_words_are_counted_as_squad_does"),
        *("test_overlap", "test_a_text_is_nearest_to_itself"),
    ),
    "tool_calls": (
        *("tools.test_graders", "test_the_calls_are_those_of_the_target"),
        *("tools.test_graders", "test_the_order_of_parallel_calls_makes_no_difference"),
    ),
    "tool_schema": (HERE, "test_tool_schema", HERE, "test_a_call_is_none_where_its_json_is_broken"),
    "tool_trigger": (HERE, "test_tool_trigger", HERE, "test_a_call_is_none_where_its_json_is_broken"),
}


def test_every_grader_has_a_table_of_edge_cases_and_a_property_test() -> None:
    assert set(TESTED) == set(names())
    for table_in, table, property_in, property_ in TESTED.values():
        marks = getattr(_test(table_in, table), "pytestmark", ())
        assert any(mark.name == "parametrize" for mark in marks), table
        assert getattr(_test(property_in, property_), "is_hypothesis_test", False), property_


def _test(module: str, name: str) -> object:
    return getattr(importlib.import_module(f"tests.graders.{module}"), name)


@pytest.mark.parametrize(
    ("pattern", "text", "score"),
    [
        ("shade", "a Shade", 0),
        ("(?i)shade", "a Shade", 1),
        ("^shade$", "shade\nmore", 0),
        ("(?m)^shade$", "first\nshade\nmore", 1),
        ("^shade$", "shade\n", 1),
        (r"\d+", "٤٢", 1),
        (r"(?a)\d+", "٤٢", 0),
        (r"\bcafé\b", "le café est", 1),
        ("a.c", "a\nc", 0),
        ("(?s)a.c", "a\nc", 1),
        (r"(\w)\1", "abccd", 1),
        (r"(?<=€)\d", "€5", 1),
        (r"\p{Lu}", "ß", 0),
        ("", "anything", None),
    ],
)
def test_regex(pattern: str, text: str, score: int | None) -> None:
    from evalgate.graders import registry

    if score is None:
        assert registry.find("regex").problem_with(pattern, {}) is not None
    else:
        assert regex(text, pattern) == score


@given(st.text(max_size=30), st.text(min_size=1, max_size=8), st.text(max_size=30))
def test_a_pattern_that_says_a_text_finds_it_wherever_it_stands(before: str, wanted: str, after: str) -> None:
    import regex as library

    assert regex(before + wanted + after, library.escape(wanted)) == 1
    assert regex(before + wanted + after, f"(?!{library.escape(wanted)})^{library.escape(wanted)}") == 0


@pytest.mark.parametrize(
    ("text", "target", "counts", "score"),
    [
        ("the cat sat", "the cat sat", "f1", 1),
        ("sat cat the", "the cat sat", "f1", 1 / 3),
        ("The CAT!", "the cat", "f1", 1),
        ("the cat sat on the mat", "the cat", "recall", 1),
        ("the cat sat on the mat", "the cat", "precision", 1 / 3),
        ("...", "the cat", "f1", 0),
        ("dog", "the cat", "f1", 0),
        ("Übung 3,5", "übung 3,5", "f1", 1),
        ("cats", "cat", "f1", 0),
        ("猫が好き", "猫", "f1", 0),
        ("b", ["a", "b"], "f1", 1),
    ],
)
def test_rouge_l(text: str, target: JsonValue, counts: str, score: float) -> None:
    assert rouge_l(text, target, counts=counts) == pytest.approx(score)  # type: ignore[arg-type]  # one of three


@pytest.mark.parametrize(
    ("text", "target", "options", "score"),
    [
        ("kitten", "sitting", {}, 4 / 7),
        ("Paris.", "paris", {}, 1),
        ("Paris", "paris", {"normalise": "none"}, 0.8),
        ("abc", "xyz", {}, 0),
        ("a b c", "a c", {"unit": "words"}, 2 / 3),
        ("", "abc", {}, 0),
        ("café", "cafe\u0301", {}, 1),
        ("-5", "5", {}, 0.5),
        ("near", ["far away", "nea"], {}, 0.75),
    ],
)
def test_edit_distance(text: str, target: JsonValue, options: dict[str, str], score: float) -> None:
    assert edit_distance(text, target, **options) == pytest.approx(score)  # type: ignore[arg-type]  # known words


@pytest.mark.parametrize(
    ("text", "target", "options", "low", "high"),
    [
        ("the cat sat on the mat", "the cat sat on the mat", {}, 1, 1),
        ("Hello", "Hello", {}, 1, 1),
        ("hello", "Hello", {}, 0, 0.01),
        ("hello", "Hello", {"ignore_case": True}, 1, 1),
        ("the the the the", "the cat sat", {}, 0, 0.3),
        ("dog", "the cat sat on the mat", {}, 0, 0.01),
        ("the cat", "the cat sat on the mat", {}, 0.05, 0.5),
        ("the cat sat", ["a dog ran", "the cat sat"], {}, 1, 1),
        ("猫 坐", "猫坐", {"tokenize": "zh"}, 1, 1),
        ("   the  cat ", "the cat", {}, 1, 1),
    ],
)
def test_bleu(text: str, target: JsonValue, options: dict[str, object], low: float, high: float) -> None:
    assert low - 1e-9 <= bleu(text, target, **options) <= high + 1e-9  # type: ignore[arg-type]  # known options


@pytest.mark.parametrize(
    ("text", "target", "options", "low", "high"),
    [
        ("Grüße", "Grüße", {}, 1, 1),
        ("grüße", "Grüße", {}, 0.3, 0.99),
        ("grüße", "Grüße", {"ignore_case": True}, 1, 1),
        ("the cat", "thecat", {}, 1, 1),
        ("the cat", "thecat", {"word_order": 2}, 0, 0.99),
        ("dog", "xyz", {}, 0, 0.01),
        ("猫坐在垫子上", "猫坐在垫子上", {}, 1, 1),
        ("e\u0301t\u00e9", "\u00e9t\u00e9", {}, 1, 1),
        ("b", ["a", "b"], {}, 1, 1),
    ],
)
def test_chrf(text: str, target: JsonValue, options: dict[str, object], low: float, high: float) -> None:
    assert low - 1e-9 <= chrf(text, target, **options) <= high + 1e-9  # type: ignore[arg-type]  # known options


@pytest.mark.parametrize(
    ("text", "target", "low", "high"),
    [
        ("My invoice is wrong", "My invoice is wrong", 1, 1),
        ("dog bites man", "man bites dog", 0.99, 1),
        ("There is a billing error", "My invoice is wrong", 0.15, 0.95),
        ("We hiked in the mountains", "My invoice is wrong", 0, 0.15),
        ("\u200b", "My invoice is wrong", 0, 0.4),
        ("hiking", ["My invoice is wrong", "hiking"], 1, 1),
        ("\ud800", "My invoice is wrong", 0, 0.4),
    ],
)
def test_embedding_similarity(text: str, target: JsonValue, low: float, high: float) -> None:
    assert low <= embedding_similarity(text, target) <= high


CASE = Case("c", "", None)


@pytest.mark.parametrize(
    ("tokens", "priced", "most", "score"),
    [
        ((1, 2), True, 5e-6, 1),
        ((2, 2), True, 5e-6, 0),
        ((0, 0), True, 1e-9, 1),
        ((None, 2), True, 1.0, 0),
        ((1, None), True, 1.0, 0),
        ((1, 2), False, 1.0, 0),
    ],
)
def test_cost(
    tmp_path_factory: pytest.TempPathFactory,
    tokens: tuple[int | None, int | None],
    priced: bool,
    most: float,
    score: int,
) -> None:
    endpoint = catalog(tmp_path_factory.mktemp("priced")).endpoints("toy")["full"] if priced else None
    assert cost("a", None, most_usd=most, seen=Seen(Answer("a", "stop", *tokens), CASE, endpoint)) == score


@given(st.lists(st.integers(0, 1_000_000), min_size=2, max_size=2), st.floats(1e-9, 10))
def test_who_spends_more_never_scores_more(
    tmp_path_factory: pytest.TempPathFactory, tokens: list[int], most: float
) -> None:
    endpoint = catalog(tmp_path_factory.getbasetemp()).endpoints("toy")["full"]
    less, more = (
        cost("a", None, most_usd=most, seen=Seen(Answer("a", "stop", each, each), CASE, endpoint))
        for each in sorted(tokens)
    )
    assert less >= more


@given(st.lists(st.floats(0.001, 1e9), min_size=2, max_size=2), st.floats(0.001, 1e9))
def test_who_takes_longer_never_scores_more(taken: list[float], most: float) -> None:
    quick, slow = (
        latency("a", None, most_ms=most, seen=Seen(Answer("a", "stop", latency_ms=each), CASE))
        for each in sorted(taken)
    )
    assert quick >= slow
    assert quick == (min(taken) <= most)


@given(st.text(max_size=80) | st.sampled_from(["I can't help with that.", "Sure: 5", "I'm sorry, but no"]))
def test_an_answer_refuses_or_does_not(text: str) -> None:
    declines, answers = (refusal(text, wanted, seen=Seen(Answer(text, "stop"), CASE)) for wanted in (True, False))
    assert declines + answers == (1 if text.strip() else 0)


def calling(*arguments: str, name: str = "get") -> Answer:
    made: list[JsonValue] = [{"function": {"name": name, "arguments": each}} for each in arguments]
    return Answer("", "tool_calls", details={"tool_calls": made}) if made else Answer("Hello", "stop")


TOOLS: dict[str, JsonValue] = {"get": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}}


@pytest.mark.parametrize(
    ("answer", "without_call", "score"),
    [
        (calling('{"n": 1}'), 0, 1),
        (calling('{"n": 1.0}'), 0, 1),
        (calling('{"n": "1"}'), 0, 0),
        (calling("{}"), 0, 0),
        (calling('{"n": 1'), 0, 0),
        (calling(""), 0, 0),
        (calling("[1]"), 0, 0),
        (calling('{"n": 1}', '{"n": "1"}'), 0, 0),
        (calling('{"n": 1, "more": 2}'), 0, 1),
        (calling('{"n": 1}', name="got"), 0, 0),
        (calling(), 0, 0),
        (calling(), 1, 1),
    ],
)
def test_tool_schema(answer: Answer, without_call: int, score: int) -> None:
    seen = Seen(answer, CASE)
    assert tool_schema("", None, TOOLS, seen=seen, without_call=without_call) == score  # type: ignore[arg-type]  # 0, 1


@pytest.mark.parametrize(
    ("answer", "wanted", "score"),
    [
        (calling("{}"), True, 1),
        (calling("{}"), False, 0),
        (calling(), True, 0),
        (calling(), False, 1),
        (calling(), [], 1),
        (calling("{}"), {"name": "get"}, 1),
        (calling("no json"), True, 1),
        (Answer("", "tool_calls"), True, 0),
        (Answer("", "stop", details={"tool_calls": "no list"}), False, 1),
    ],
)
def test_tool_trigger(answer: Answer, wanted: JsonValue, score: int) -> None:
    assert tool_trigger(answer.text, wanted, seen=Seen(answer, CASE)) == score


@given(st.text(max_size=20))
def test_a_call_is_none_where_its_json_is_broken(arguments: str) -> None:
    seen = Seen(calling(arguments), CASE)
    try:
        fits = isinstance(given_n := json.loads(arguments), dict) and type(given_n.get("n")) in (int, float)
    except ValueError:
        fits = False
    assert tool_schema("", None, TOOLS, seen=seen) <= float(fits)
    assert tool_trigger("", True, seen=seen) == 1


@settings(max_examples=8)
@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_a_program_passes_exactly_when_it_prints_the_output(said: int, wanted: int) -> None:
    try:
        held = isolation()
    except SandboxError as failure:
        pytest.skip(str(failure))
    target: JsonValue = {"cases": [{"input": "", "output": str(wanted)}]}
    assert code(f"print({said})", target, held) == float(said == wanted)
    assert code(f"print({wanted})", target, held) == 1


@given(st.floats() | st.booleans() | st.integers(-1, 2) | st.none())
def test_a_function_of_ones_own_scores_what_it_says_or_raises(value: object) -> None:
    score = _checked("own:f", lambda text, expected: value, {}, sees=False)
    if isinstance(value, int | float) and 0 <= value <= 1:
        assert score("a", None, seen=Seen(Answer("a", "stop"), CASE)) == float(value)
    else:
        with pytest.raises(ValueError, match="expected a number in 0 to 1"):
            score("a", None, seen=Seen(Answer("a", "stop"), CASE))


@given(st.text(max_size=40) | st.sampled_from(['{"score": 1}', '{"score": 9}', '{"better": "A"}', '{"better": "C"}']))
def test_whatever_a_judge_replies_is_a_score(reply: str) -> None:
    replies = (Answer(reply, "stop"), Answer(reply, "stop"))
    seen = Seen(Answer("red", "stop"), CASE, None, Answer("blue", "stop"), replies=replies)
    assert judge("red", None, seen=seen, judge="j", rubric="r", scale=4) in (0, 0.25, 0.5, 0.75, 1)
    assert pairwise("red", None, seen=seen, judge="j", rubric="r") in (0, 0.25, 0.5, 0.75, 1)
