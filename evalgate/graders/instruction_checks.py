"""The checks of the grader `instructions`: IFEval's twenty-five by their names (Zhou et al. 2023), and a few more.

Each takes an answer and says whether it was followed. They do what the published ones do, with three differences:
keywords are literal texts and not patterns, sentences are counted without a trained model, and an answer whose language
cannot be told does not count as one in the right language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from evalgate.graders.budgets import sentences
from evalgate.graders.json_text import MISSING, parse_json

Number = Annotated[int, Field(ge=0, le=1_000_000)]
Several = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=1000)]
Relation = Literal["less than", "at least", "at most", "exactly"]
Said = Annotated[str, Field(min_length=1)]
Letter = Annotated[str, Field(min_length=1, max_length=1)]
Check = Callable[..., bool]

CHECKS: dict[str, Check] = {}
MAX_LANGUAGE = 20_000  # characters by which a language is told
_WORD = re.compile(r"\w+")
_CAPITAL = re.compile(r"\w+(?:[-'’]\w+)*+")


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under the name that suites use."""

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


def _holds(count: int, relation: Relation, wanted: int) -> bool:
    if relation == "exactly":
        return count == wanted
    if relation == "at least":
        return count >= wanted
    return count <= wanted if relation == "at most" else count < wanted


@check("keywords:existence")
def _existence(text: str, *, keywords: Several) -> bool:
    lower = text.lower()
    return all(keyword.lower() in lower for keyword in keywords)


@check("keywords:frequency")
def _frequency(text: str, *, keyword: Said, frequency: Number, relation: Relation = "at least") -> bool:
    return _holds(text.lower().count(keyword.strip().lower()), relation, frequency)


@check("keywords:forbidden_words")
def _forbidden_words(text: str, *, forbidden_words: Several) -> bool:
    words = "|".join(re.escape(word) for word in forbidden_words)
    return re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE) is None


@check("keywords:letter_frequency")
def _letter_frequency(text: str, *, letter: Letter, let_frequency: Number, let_relation: Relation = "at least") -> bool:
    return _holds(text.lower().count(letter.lower()), let_relation, let_frequency)


@check("language:response_language")
def _response_language(text: str, *, language: Annotated[str, Field(pattern="^[a-z]{2}$")]) -> bool:
    return language_of(text) == language


def language_of(text: str) -> str | None:
    """The language of a text as ISO 639-1, by py3langid; None for one without letters."""
    if not any(character.isalpha() for character in text[:MAX_LANGUAGE]):
        return None
    import py3langid  # its model takes a second to load, at the first text

    return str(py3langid.classify(text[:MAX_LANGUAGE])[0])


@check("length_constraints:number_sentences")
def _number_sentences(text: str, *, num_sentences: Number, relation: Relation = "at least") -> bool:
    return _holds(sentences(text), relation, num_sentences)


@check("length_constraints:number_words")
def _number_words(text: str, *, num_words: Number, relation: Relation = "at least") -> bool:
    return _holds(sum(1 for _ in _WORD.finditer(text)), relation, num_words)


@check("length_constraints:number_characters")
def _number_characters(text: str, *, num_characters: Number, relation: Relation = "at most") -> bool:
    return _holds(len(text.strip()), relation, num_characters)


@check("length_constraints:number_paragraphs")
def _number_paragraphs(text: str, *, num_paragraphs: Number) -> bool:
    """Parted by `***`."""
    parts = [part.strip() for part in text.split("***")]
    return all(parts[1:-1]) and sum(map(bool, parts)) == num_paragraphs


@check("length_constraints:nth_paragraph_first_word")
def _nth_paragraph_first_word(
    text: str, *, num_paragraphs: Number, nth_paragraph: Annotated[int, Field(ge=1, le=1_000_000)], first_word: Said
) -> bool:
    """Parted by blank lines."""
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    if len(parts) != num_paragraphs or nth_paragraph > num_paragraphs:
        return False
    word = re.split(r"[.,?!'\"]", parts[nth_paragraph - 1].split()[0].lstrip("'\""), maxsplit=1)[0]
    return word.lower() == first_word.lower()


@check("detectable_content:number_placeholders")
def _number_placeholders(text: str, *, num_placeholders: Number) -> bool:
    """Such as [address]."""
    return len(re.findall(r"\[[^\[\]\n]*\]", text)) >= num_placeholders


@check("detectable_content:postscript")
def _postscript(text: str, *, postscript_marker: Said = "P.S.") -> bool:
    letters = [letter for letter in postscript_marker.strip().lower() if letter not in ". "]
    if letters in (["p", "s"], ["p", "p", "s"]):
        pattern = r"\.\s?".join(letters) + ("" if len(letters) == 3 else r"\.")
    else:
        pattern = re.escape(postscript_marker.strip().lower())
    return re.search(pattern, text.lower()) is not None


@check("detectable_format:number_bullet_lists")
def _number_bullets(text: str, *, num_bullets: Number) -> bool:
    """Exactly so many lines that begin with `*` or `-`."""
    return len(re.findall(r"^[ \t]*(?:\*[^*\n]|-)", text, re.MULTILINE)) == num_bullets


@check("detectable_format:constrained_response")
def _constrained_response(text: str, *, options: Several | None = None) -> bool:
    return any(option in text for option in options or ("My answer is yes.", "My answer is no.", "My answer is maybe."))


@check("detectable_format:number_highlighted_sections")
def _number_highlights(text: str, *, num_highlights: Number) -> bool:
    """Such as *this*, or **this**."""
    once = sum(1 for found in re.findall(r"\*[^\n*]*\*", text) if found.strip("*").strip())
    twice = sum(1 for found in re.findall(r"\*\*[^\n*]*\*\*", text) if found.strip("*").strip())
    return once + twice >= num_highlights


@check("detectable_format:multiple_sections")
def _multiple_sections(text: str, *, section_spliter: Said, num_sections: Number) -> bool:
    return len(re.findall(rf"{re.escape(section_spliter.strip())}\s?\d", text)) >= num_sections


@check("detectable_format:json_format")
def _json_format(text: str) -> bool:
    return parse_json(text) is not MISSING


@check("detectable_format:title")
def _title(text: str) -> bool:
    """Such as <<poem of joy>>."""
    return any(found.strip("<> ") for found in re.findall(r"<<[^\n<>]+>>", text))


@check("combination:two_responses")
def _two_responses(text: str) -> bool:
    """Parted by ******."""
    parts = [part.strip() for part in text.split("******")]
    given = [part for part in parts if part]
    return all(parts[1:-1]) and len(given) == 2 and given[0] != given[1]


@check("combination:repeat_prompt")
def _repeat_prompt(text: str, *, prompt_to_repeat: Said) -> bool:
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


@check("startend:start_checker")
def _start(text: str, *, start_phrase: Said) -> bool:
    return text.strip().strip('"').lower().startswith(start_phrase.strip().lower())


@check("startend:end_checker")
def _end(text: str, *, end_phrase: Said) -> bool:
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


@check("startend:quotation")
def _quotation(text: str) -> bool:
    bare = text.strip()
    return len(bare) > 1 and bare[0] == bare[-1] == '"'


@check("change_case:capital_word_frequency")
def _capital_words(text: str, *, capital_frequency: Number, capital_relation: Relation = "at least") -> bool:
    count = sum(1 for word in _CAPITAL.findall(text) if word.isupper())
    return _holds(count, capital_relation, capital_frequency)


@check("change_case:english_capital")
def _english_capital(text: str) -> bool:
    # the model has seen few texts in capitals, and takes them for other languages
    return text.isupper() and language_of(text.lower()) == "en"


@check("change_case:english_lowercase")
def _english_lowercase(text: str) -> bool:
    return text.islower() and language_of(text) == "en"


@check("punctuation:no_comma")
def _no_comma(text: str) -> bool:
    return "," not in text


@check("lists:no_repeated_lines")
def _no_repeated_lines(text: str) -> bool:
    lines = Counter(line.strip().lower() for line in text.splitlines() if line.strip())
    return max(lines.values(), default=0) < 2
