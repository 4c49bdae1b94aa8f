"""Shares of a reference: known values, and what holds for every text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.graders import registry
from evalgate.graders.embedding import embedding_similarity
from evalgate.graders.overlap import MAX_COMPARED, bleu, chrf, edit_distance, rouge_l, token_f1

GRADERS = [token_f1, rouge_l, edit_distance, bleu, chrf, embedding_similarity]
WORDS = st.lists(st.sampled_from(["cat", "dog", "sat", "on", "mat", "7", "Straße"]), min_size=1, max_size=8)
TEXTS = WORDS.map(" ".join)


@pytest.mark.parametrize("grader", GRADERS, ids=lambda each: each.__name__)
@given(TEXTS, TEXTS)
def test_a_text_is_nearest_to_itself(grader, text: str, other: str) -> None:  # type: ignore[no-untyped-def]
    assert grader(text, text) == pytest.approx(1.0)
    assert 0.0 <= grader(text, other) <= grader(text, [other, text]) + 1e-9


@pytest.mark.parametrize("grader", GRADERS, ids=lambda each: each.__name__)
def test_only_the_beginning_of_a_long_answer_is_compared(grader) -> None:  # type: ignore[no-untyped-def]
    long = "cat " * MAX_COMPARED
    assert grader(long, "cat") == grader(long[:MAX_COMPARED], "cat")


@pytest.mark.parametrize("name", ["token_f1", "rouge_l", "edit_distance", "bleu", "chrf", "embedding_similarity"])
@pytest.mark.parametrize("target", [None, "", " ", [], ["a", ""], 5, {"a": "b"}])
def test_a_target_without_a_text_is_refused(name: str, target: object) -> None:
    assert registry.find(name).problem_with(target, {}) is not None  # type: ignore[arg-type]


def test_a_target_of_which_no_word_is_left_is_refused() -> None:
    assert "no word is left" in str(registry.find("token_f1").problem_with("The.", {}))
    assert registry.find("rouge_l").problem_with("?!", {}) is not None


@pytest.mark.parametrize(
    ("text", "target", "score"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1.0),
        ("in Paris", "Paris", 2 / 3),
        ("Paris Paris", "Paris", 2 / 3),
        ("Rome", "Paris", 0.0),
        ("the", "Paris", 0.0),
        ("an apple", ["a pear", "the apple"], 1.0),
        ("-5", "5", 1.0),
    ],
)
def test_words_are_counted_as_squad_does(text: str, target: object, score: float) -> None:
    assert token_f1(text, target) == pytest.approx(score)


def test_the_longest_common_sequence_is_counted_as_in_rouge() -> None:
    said, wanted = "The quick brown dog jumps on the log.", "The quick brown fox jumps over the lazy dog"
    assert rouge_l(said, wanted, counts="precision") == pytest.approx(5 / 8)
    assert rouge_l(said, wanted, counts="recall") == pytest.approx(5 / 9)
    assert rouge_l(said, wanted) == pytest.approx(10 / 17)
    assert rouge_l("...", wanted) == 0.0
    assert rouge_l("b a", "a b") == pytest.approx(0.5)


def test_edits_are_counted_in_characters_or_words() -> None:
    assert edit_distance("kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert edit_distance("**Paris.**", "paris") == 1.0
    assert edit_distance("Paris", "paris", normalise="none") == pytest.approx(0.8)
    assert edit_distance("the cat sat", "the dog sat", unit="words") == pytest.approx(2 / 3)
    assert edit_distance("", "abc") == 0.0


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    import sacrebleu

    said, wanted = "the cat is on the mat", ["there is a cat on the mat", "the cat sits on the mat"]
    assert bleu(said, wanted) == pytest.approx(sacrebleu.sentence_bleu(said, wanted).score / 100)
    assert chrf(said, wanted) == pytest.approx(sacrebleu.sentence_chrf(said, wanted).score / 100)
    assert chrf(said, wanted, word_order=2) == pytest.approx(
        sacrebleu.sentence_chrf(said, wanted, word_order=2).score / 100
    )
    assert bleu("猫坐在垫子上", "猫坐在垫子上", tokenize="zh") == pytest.approx(1.0)
    assert bleu("猫在垫子上", "猫坐在垫子上", tokenize="char") > bleu("猫在垫子上", "猫坐在垫子上")


def test_meaning_is_nearer_than_another_topic() -> None:
    near, far = (
        embedding_similarity(text, "My invoice is wrong") for text in ("There is a billing error", "Go hiking")
    )
    assert 0.0 <= far < near < 1.0
    assert embedding_similarity("man bites dog", "dog bites man") == pytest.approx(1.0)
    assert embedding_similarity("\u200b", "a") < 1.0
