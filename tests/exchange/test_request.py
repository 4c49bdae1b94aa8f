"""The hash of a request proves that baseline and variant were asked the same."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.exchange import Answer, Message, Request
from evalgate.formats.canonical import canonical, digest
from tests.conftest import JSON

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PARTS = st.lists(TEXT.map(lambda text: {"type": "text", "text": text}), max_size=2)
MESSAGES = st.builds(Message, TEXT, TEXT) | st.builds(Message, TEXT, TEXT | PARTS, PARTS, st.none() | TEXT)
PROMPTS = TEXT | st.lists(MESSAGES, max_size=3).map(tuple)
PARAMETERS = st.dictionaries(
    TEXT, st.integers(-3, 3) | st.booleans() | TEXT | st.sampled_from([0.0, -0.0, 1.0]), max_size=3
)


def said(prompt: object, parameters: object) -> str:
    """The same content told by another encoder: Python's own equality takes 1 for True and 0.0 for -0.0."""
    messages = prompt if isinstance(prompt, str) else [each.to_json() for each in prompt]  # type: ignore[attr-defined]
    return json.dumps([messages, parameters], sort_keys=True)


@given(PROMPTS, PARAMETERS, PROMPTS, PARAMETERS)
@example("a", {}, (Message("a", ""),), {})
@example("", {"a": 1}, "", {"a": 1.0})
@example("", {"a": True}, "", {"a": 1})
@example("", {"a": "1"}, "", {"a": 1})
@example((), {}, "", {})
@example((Message("ab", "c"),), {}, (Message("a", "bc"),), {})
def test_two_requests_have_one_hash_exactly_when_they_ask_the_same(
    prompt: object, parameters: dict[str, object], other: object, others: dict[str, object]
) -> None:
    same = said(prompt, parameters) == said(other, others)
    assert (Request(prompt, parameters).hash == Request(other, others).hash) is same


@given(PROMPTS, PARAMETERS)
def test_the_order_of_the_parameters_does_not_matter(prompt: object, parameters: dict[str, object]) -> None:
    assert Request(prompt, dict(reversed(parameters.items()))).hash == Request(prompt, parameters).hash


def test_a_hash_stays_what_it_was_in_earlier_versions() -> None:
    # a change here makes every answer in every store and recording unknown
    request = Request((Message("user", "hé"),), {"temperature": 0.0, "max_tokens": 6, "stop": ["\n"]})
    assert request.hash == digest(
        '{"parameters":{"max_tokens":6,"stop":["\\n"],"temperature":0.0},'
        '"prompt":[{"role":"user","content":"hé"}]}'.encode()
    )


def test_pictures_and_texts_of_a_message_are_told_apart() -> None:
    parts = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}, "odd"]
    message = Message("user", parts)
    assert (message.texts, message.images) == (["what?"], ["https://x/y.png"])
    assert Request((message,), {}).images == ["https://x/y.png"]


def test_a_hash_cannot_be_handed_in() -> None:
    assert Request("a", {}, hash="sha256:forged").hash == Request("a", {}).hash


@given(JSON)
def test_canonical_json_says_what_was_said(value: object) -> None:
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_canonical_json_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_digest_of_bytes_is_taken_as_they_are() -> None:
    assert digest(b"abc") == "sha256:" + hashlib.sha256(b"abc").hexdigest()
    assert digest("abc") == digest(b'"abc"')


@pytest.mark.parametrize("value", [{1, 2}, {1: 2}, 2**64, "\ud800", object()])
def test_what_json_cannot_say_is_no_canonical_json(value: object) -> None:
    with pytest.raises(TypeError):
        canonical(value)


def test_an_answer_failed_exactly_when_it_carries_an_error() -> None:
    assert Answer("", "refused", error="").failed
    assert not Answer("", "stop").failed
    assert Answer("cut o", "length").truncated
