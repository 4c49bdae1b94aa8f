"""A prompt read backwards: the case that would have asked exactly this, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import Message
from evalgate.suite import Case, Suite, load_suite

SUITE = """
operation: sort
model: m
baseline: b
cases: [{id: one, input: {text: "where is it", lang: en}, target: shipping}]
prompt:
  - {role: system, content: "Sort it. Language: {{ input.lang }}."}
  - {role: user, content: "Text: {{ input.text }}\\nClass:"}
generation: {temperature: 0}
assert: [{type: exact}]
gate: {margin: 0.05}
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    path = tmp_path_factory.mktemp("suite") / "sort.yaml"
    path.write_text(SUITE)
    return load_suite(path)


def asked(system: str, user: str) -> tuple[Message, ...]:
    return (Message("system", system), Message("user", user))


def test_the_data_are_found_where_the_template_puts_them(suite: Suite) -> None:
    case = suite.prompt.case_of(asked("Sort it. Language: de.", "Text: Wo bleibt es?\nClass:"))
    assert case is not None
    assert case.input == {"lang": "de", "text": "Wo bleibt es?"}


@pytest.mark.parametrize(
    "messages",
    [
        asked("Sort it.", "Text: x\nClass:"),
        asked("Sort it. Language: de.", "Text: x\nClass: "),
        (Message("user", "Text: x\nClass:"),),
        (Message("user", "Sort it. Language: de."), Message("user", "Text: x\nClass:")),
        asked("Sort it. Language: de.", "Text: \nClass:" + "x" * 300_000),
        "Text: x\nClass:",
    ],
)
def test_what_no_case_would_have_asked_is_none(suite: Suite, messages: str | tuple[Message, ...]) -> None:
    assert suite.prompt.case_of(messages) is None


@given(text=st.text(min_size=1, max_size=60), lang=st.text(min_size=1, max_size=10))
def test_whatever_is_found_asks_exactly_the_same(suite: Suite, text: str, lang: str) -> None:
    try:
        prompt = suite.request(Case("x", {"text": text, "lang": lang}, None)).prompt
    except Exception:  # half a surrogate pair cannot be asked
        return
    case = suite.prompt.case_of(prompt)
    assert case is not None
    assert suite.request(case).prompt == prompt
