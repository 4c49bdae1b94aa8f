"""IFEval's instructions: each followed once and broken once, and every mistake in them told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import JsonValue
from evalgate.graders import registry
from evalgate.graders.instruction_checks import CHECKS
from evalgate.graders.instructions import instructions

GERMAN = "Das ist ein ganz gewöhnlicher Satz über das Wetter in Deutschland, und er ist lang genug."
ENGLISH = "this is a perfectly ordinary sentence about the weather in england, and it is long enough."
TABLE: list[tuple[str, dict[str, JsonValue], str, str]] = [
    ("keywords:existence", {"keywords": ["sun", "moon"]}, "Sun and moon", "Sun"),
    ("keywords:frequency", {"keyword": "a", "frequency": 2}, "a a", "a"),
    ("keywords:frequency", {"keyword": "a", "frequency": 2, "relation": "less than"}, "a", "a a"),
    ("keywords:frequency", {"keyword": "a", "frequency": 1, "relation": "at most"}, "a", "a a"),
    ("keywords:frequency", {"keyword": "a", "frequency": 1, "relation": "exactly"}, "a", "b"),
    ("keywords:forbidden_words", {"forbidden_words": ["sun", "c++"]}, "sunny", "a Sun."),
    ("keywords:forbidden_words", {"forbidden_words": ["c++"]}, "c", "in C++ it is"),
    ("keywords:letter_frequency", {"letter": "z", "let_frequency": 2}, "Zz", "z"),
    ("keywords:letter_frequency", {"letter": "#", "let_frequency": 1, "let_relation": "less than"}, "a", "#a"),
    ("language:response_language", {"language": "de"}, GERMAN, ENGLISH),
    ("language:response_language", {"language": "de"}, GERMAN, "123"),
    ("length_constraints:number_sentences", {"num_sentences": 2}, "One. Two is 1.5!", "Only 1.5 here."),
    ("length_constraints:number_words", {"num_words": 3}, "one two three", "one two"),
    ("length_constraints:number_characters", {"num_characters": 3}, " abc ", "abcd"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb\n***", "a\n***\n***\nb"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "then"},
        'First.\n\n"Then, it was so.',
        "Then.\n\nFirst.",
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name] of [city]", "[name]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\nP. S. More", "Bye. PS"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.P.S More", "P.S. More"),
    ("detectable_content:postscript", {"postscript_marker": "N.B. (1)"}, "n.b. (1)", "nb 1"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n- b", "* a"),
    ("detectable_format:constrained_response", {}, "My answer is yes.", "Yes."),
    ("detectable_format:constrained_response", {"options": ["Ja."]}, "Ja.", "My answer is yes."),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and *b*", "*a* and * *"),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION", "num_sections": 2},
        "SECTION 1\na\nSECTION 2\nb",
        "SECTION 1\na",
    ),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "{a: 1}"),
    ("detectable_format:title", {}, "<<poem of joy>>\nla", "<< >>"),
    ("combination:two_responses", {}, "a\n******\nb", "a\n******\na"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say hi."}, "Say hi. Hi!", "Hi!"),
    ("startend:start_checker", {"start_phrase": "Dear"}, "Dear Ada", "Hello"),
    ("startend:end_checker", {"end_phrase": "Bye."}, 'He said "bye."', "Bye. And more"),
    ("startend:quotation", {}, '"a"', '"a'),
    ("change_case:capital_word_frequency", {"capital_frequency": 2}, "GO NOW, please", "Go NOW, please"),
    ("change_case:english_capital", {}, ENGLISH.upper(), ENGLISH),
    ("change_case:english_lowercase", {}, ENGLISH, ENGLISH.title()),
    ("punctuation:no_comma", {}, "a b", "a, b"),
    ("lists:no_repeated_lines", {}, "a\nb\n\n\nc", "a\nb\nA "),
]


def test_every_check_stands_in_the_table() -> None:
    assert {name for name, *_ in TABLE} == set(CHECKS)


@pytest.mark.parametrize(("name", "arguments", "followed", "broken"), TABLE)
def test_an_instruction_is_followed_or_broken(
    name: str, arguments: dict[str, JsonValue], followed: str, broken: str
) -> None:
    assert instructions(followed, {name: arguments}) == 1.0
    assert instructions(broken, {name: arguments}) == 0.0


@given(st.text(max_size=60), st.sampled_from(TABLE))
def test_any_answer_follows_an_instruction_or_does_not(
    text: str, row: tuple[str, dict[str, JsonValue], str, str]
) -> None:
    if not row[0].startswith(("language", "change_case:english")):  # takes long, and is in the table
        assert instructions(text, [{row[0]: row[1]}]) in (0.0, 1.0)


def test_all_must_be_followed_or_their_share_counts() -> None:
    checks: JsonValue = ["punctuation:no_comma", {"startend:quotation": {}}]
    assert instructions("no comma", checks) == 0.0
    assert instructions("no comma", checks, counts="share") == 0.5
    assert instructions('"none"', checks) == 1.0


def test_the_data_set_is_read_as_it_is_published() -> None:
    row: JsonValue = {
        "instruction_id_list": ["punctuation:no_comma", "detectable_format:number_highlighted_sections"],
        "kwargs": [{"num_highlights": None}, {"num_highlights": 3, "relation": None}],
    }
    assert instructions("*a* *b* *c*", row) == 1.0
    assert instructions("*a*, *b* *c*", row) == 0.0


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (None, "no target"),
        ("x", "expected a list of checks"),
        ([], "expected 1 to 100 checks"),
        ({}, "expected 1 to 100 checks"),
        (["punctuation:no_coma"], "did you mean 'punctuation:no_comma'?"),
        ([5], "no check 5"),
        ([{"punctuation:no_comma": 5}], "expected a mapping of its arguments"),
        ({"startend:end_checker": {}}, "needs 'end_phrase'"),
        ({"startend:end_checker": {"end_phrase": ""}}, "end_phrase: String should have at least 1"),
        ({"startend:end_checker": {"end": "a"}}, "no argument 'end'"),
        ({"length_constraints:number_words": {"num_words": -1}}, "greater than or equal to 0"),
        ({"length_constraints:number_words": {"num_words": 1, "relation": "around"}}, "relation: Input should be"),
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": []}, "as many 'kwargs'"),
    ],
)
def test_checks_that_cannot_work_are_refused(target: JsonValue, told: str) -> None:
    assert told in str(registry.find("instructions").problem_with(target, {}))


def test_the_reference_names_every_check() -> None:
    assert all(f"`{name}`" in str(instructions.__doc__) for name in CHECKS)
