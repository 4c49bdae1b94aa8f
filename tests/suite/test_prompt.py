"""Prompts: Jinja2 that gives the same text in every process, and errors that name template and case."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import JsonValue, Message, Request
from evalgate.formats.documents import parse_yaml
from evalgate.suite import Case
from evalgate.suite.prompt import Prompt
from evalgate.suite.turns import ChatMessage
from tests.conftest import JSON, outcome

DOCUMENT = parse_yaml("operation: x\nprompt: here", Path("suite.yaml"))
JINJA_LIKE = st.text(st.sampled_from("{}%# ()[]|.,:'\"+-*=<>abin123~"), max_size=40)


def prompt(template: str, given_: JsonValue = "in", **metadata: JsonValue) -> str:
    text = Prompt(template, DOCUMENT).request(Case("c7", given_, "target", metadata), {}).prompt
    assert isinstance(text, str)
    return text


def refusal(template: str, given_: JsonValue = "in") -> str:
    with pytest.raises(InputError) as caught:
        prompt(template, given_)
    return str(caught.value)


@given(JINJA_LIKE | JINJA_LIKE.map(lambda inner: "{{ " + inner + " }}"), JSON)
@example("{{ " + "(" * 500 + "1" + ")" * 500 + " }}", None)
@example("{{ 1" + "+1" * 5000 + " }}", None)
@example("{% for a in [1] %}" * 25 + "{% endfor %}" * 25, None)
@example("{{ " + "9" * 5000 + " }}", None)
@example("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", None)
@example("{% for x in input recursive %}{{ loop(input) }}{% endfor %}", [[1]])
@example("{% include 'x' %}", None)
@example("{{ 1 / 0 }}", None)
def test_any_template_is_a_prompt_or_an_input_error(template: str, given_: JsonValue) -> None:
    result = outcome(lambda: prompt(template, given_))
    assert isinstance(result, str) or "suite.yaml:2:1 prompt" in str(result)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_input_reaches_the_prompt_unchanged(text: str) -> None:
    assert prompt("<{{ input }}>", text) == f"<{text}>"


def test_a_template_sees_id_input_and_metadata() -> None:
    assert prompt("{{ id }} {{ input.a }} {{ metadata.b }}", {"a": 1}, b="two") == "c7 1 two"


@pytest.mark.parametrize("name", ["target", "inputs", "case", "metadata.missing", "input.missing"])
def test_what_is_not_there_is_an_error_and_not_an_empty_text(name: str) -> None:
    told = refusal("{{ " + name + " }}", {"a": 1})
    assert told.startswith("suite.yaml:2:1 prompt: ")
    assert told.endswith("for case 'c7'; there are: id, input, metadata")


def test_a_field_comes_before_a_method_of_the_same_name() -> None:
    assert prompt("{{ input.items[0] }} {{ input.keys }}", {"items": ["lamp"], "keys": "ring"}) == "lamp ring"


@pytest.mark.parametrize("template", ["{{ input.keys }}", "{{ [1]|map('abs') }}", "{{ range }}", "{{ input.get }}"])
def test_what_would_print_a_memory_address_is_refused(template: str) -> None:
    assert "cannot be printed" in refusal(template, {"a": 1})


@pytest.mark.parametrize("template", ["{{ [1, 2]|random }}", "{{ lipsum() }}"])
def test_there_is_no_chance_in_a_prompt(template: str) -> None:
    refusal(template)


def test_what_cannot_be_sent_as_utf_8_is_refused() -> None:
    assert "the template fails for case 'c7'" in refusal('{{ "\\ud800" }}')


def test_json_in_a_prompt_is_plain_json() -> None:
    assert prompt("{{ input|tojson }}", {"b": "<é'&>", "a": [None]}) == '{"b": "<é\'&>", "a": [null]}'


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ '{0.__class__}'.format(input) }}",
        "{{ input.__init__.__globals__ }}",
        "{{ self.__init__ }}",
    ],
)
def test_the_sandbox_holds(template: str) -> None:
    refusal(template, {"a": 1})


def test_a_template_cannot_change_the_case() -> None:
    refusal("{{ input.update({'a': 2}) }}", {"a": 1})


def test_a_syntax_error_is_told_with_its_line_in_the_template() -> None:
    assert refusal("one\n{{ two") == (
        "suite.yaml:2:1 prompt: template: unexpected end of template, expected 'end of print statement'. "
        "(line 2 of the template)"
    )


def test_a_prompt_of_more_than_four_million_characters_is_refused() -> None:
    assert "more than 4000000 characters" in refusal("{% for n in range(5000) %}{{ input }}{% endfor %}", "x" * 1000)


def test_line_ends_and_markup_are_left_alone() -> None:
    assert prompt("a <b>\n{{ input }}\n", "<i> &\r\n") == "a <b>\n<i> &\r\n\n"


def test_chat_messages_keep_role_and_order() -> None:
    messages = [ChatMessage(role="system", content="be {{ id }}"), ChatMessage(role="user", content="{{ input }}")]
    request = Prompt(messages, DOCUMENT).request(Case("c7", "hi", None), {"seed": 1})
    assert request == Request((Message("system", "be c7"), Message("user", "hi")), {"seed": 1})
