"""Graders that say how near a text is to a reference: a share, not right or wrong.

The expectation is one reference or a list of them, of which the best fit counts. Answers are hostile: of a longer one,
the first `MAX_COMPARED` characters are compared, which is more than any reference that a person has written.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable
from typing import Literal

from evalgate.exchange import JsonValue
from evalgate.graders import ideal
from evalgate.graders.expectations import texts
from evalgate.graders.normalise import Normalisation, flattened, normalised
from evalgate.graders.registry import grader

MAX_COMPARED = 20_000  # characters

Counts = Literal["f1", "precision", "recall"]

_PUNCTUATION = {ord(mark): None for mark in string.punctuation}
_ARTICLE = re.compile(r"\b(a|an|the)\b")
_WORD = re.compile(r"\w+")


def best(text: str, expected: JsonValue, nearness: Callable[[str, str], float]) -> float:
    """How near `text` is to the reference that it is nearest to, in [0, 1]."""
    references = expected if isinstance(expected, list) else [expected]
    return max(nearness(text[:MAX_COMPARED], str(each)[:MAX_COMPARED]) for each in references)


def _squad_tokens(text: str) -> list[str]:
    return _ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _a_text_with_words(expected: JsonValue) -> str | None:
    if problem := texts(expected):
        return problem
    several = expected if isinstance(expected, list) else [expected]
    empty = next((each for each in several if not _squad_tokens(str(each))), None)
    return None if empty is None else f"no word is left of {str(empty)[:60]!r}, so nothing could be compared as target"


@grader("token_f1", expects=_a_text_with_words, ideal=ideal.first_of)
def token_f1(text: str, expected: JsonValue) -> float:
    """F1 of the words that answer and target share, as SQuAD counts them; of several targets, the nearest counts.

    Normalised as the official script does (Rajpurkar et al. 2016): lower case, without ASCII punctuation and without
    `a`, `an`, `the`; words are what white space parts, and count as often as they occur. That removes signs and points
    from numbers (`-5` is `5`, `1.5` is `15`): use `numeric` for those. Chinese and Japanese have no white space: a
    sentence is one word, so use `chrf`.
    """
    said = Counter(_squad_tokens(text[:MAX_COMPARED]))

    def nearness(_: str, reference: str) -> float:
        wanted = Counter(_squad_tokens(reference))
        shared = (said & wanted).total()
        return 2 * shared / (said.total() + wanted.total())

    return best(text, expected, nearness)


def _some_words(expected: JsonValue) -> str | None:
    if problem := texts(expected):
        return problem
    several = expected if isinstance(expected, list) else [expected]
    return None if all(_WORD.search(str(each)) for each in several) else "expected a text with words as target"


@grader("rouge_l", expects=_some_words, ideal=ideal.first_of)
def rouge_l(text: str, expected: JsonValue, *, counts: Counts = "f1") -> float:
    """ROUGE-L (Lin 2004): the longest sequence of words, not necessarily side by side, that both have.

    `counts`: its share of the answer's words (`precision`), of the target's (`recall`), or F1 of both. Words are runs
    of letters and digits of any script, in lower case and not stemmed; of several targets, the nearest counts. On
    English text this is `rougeL` of the package rouge-score.
    """
    from rapidfuzz.distance import LCSseq

    def nearness(text: str, reference: str) -> float:
        said, wanted = (_WORD.findall(each.lower()) for each in (text, reference))
        if not said:
            return 0.0
        shared = LCSseq.similarity(said, wanted)
        if counts == "f1":
            return 2 * shared / (len(said) + len(wanted))
        return shared / len(said if counts == "precision" else wanted)

    return best(text, expected, nearness)


@grader("edit_distance", expects=texts, ideal=ideal.first_of)
def edit_distance(
    text: str,
    expected: JsonValue,
    *,
    unit: Literal["characters", "words"] = "characters",
    normalise: Normalisation = "default",
    ignore_case: bool | None = None,
) -> float:
    """1 minus the Levenshtein distance over the length of the longer text: 1 when both are the same, 0 when nothing is.

    `unit: words` counts words instead of characters, which is 1 minus the word error rate where the target is the
    longer text. Both are normalised as for `exact`; of several targets, the nearest counts.
    """
    from rapidfuzz.distance import Levenshtein

    def nearness(text: str, reference: str) -> float:
        said, wanted = (normalised(each, normalise, ignore_case) for each in (text, reference))
        if unit == "words":
            return Levenshtein.normalized_similarity(said.split(), wanted.split())
        return Levenshtein.normalized_similarity(said, wanted)

    return best(text, expected, nearness)


@grader("bleu", expects=texts, ideal=ideal.first_of)
def bleu(
    text: str,
    expected: JsonValue,
    *,
    tokenize: Literal["13a", "intl", "char", "zh", "none"] = "13a",
    ignore_case: bool = False,
) -> float:
    """Sentence BLEU as sacrebleu has it (Post 2018), over 100; all targets are references of one sentence.

    Smoothed exponentially, with no more orders of n-grams than the answer has. `tokenize` is one of sacrebleu's: `13a`
    for languages with white space, `zh` for Chinese, `char` for Japanese. It is the mean of sentences that the gate
    compares, not BLEU of the whole corpus, which has no score per case.
    """
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize=tokenize, lowercase=ignore_case, effective_order=True)
    return _of_sentence(metric.sentence_score, text, expected)


@grader("chrf", expects=texts, ideal=ideal.first_of)
def chrf(text: str, expected: JsonValue, *, word_order: Literal[0, 1, 2] = 0, ignore_case: bool = False) -> float:
    """Sentence chrF as sacrebleu has it (Popović 2015), over 100; of several targets, the nearest counts.

    F2 of character n-grams up to 6, without white space; `word_order: 2` is chrF++. Needs no tokeniser, so it works
    for every script.
    """
    from sacrebleu.metrics.chrf import CHRF

    return _of_sentence(CHRF(word_order=word_order, lowercase=ignore_case).sentence_score, text, expected)


def _of_sentence(score: Callable[[str, list[str]], object], text: str, expected: JsonValue) -> float:
    references = [str(each)[:MAX_COMPARED] for each in (expected if isinstance(expected, list) else [expected])]
    found = score(flattened(text[:MAX_COMPARED], "strict"), [flattened(each, "strict") for each in references])
    return min(1.0, float(found.score) / 100)  # type: ignore[attr-defined]  # its scores have no common type
