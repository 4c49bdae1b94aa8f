"""Templates of nunjucks as ours: what is renamed, what is left, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.starting.nunjucks import filled, names_in, renamed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain { text } $name", "plain { text } $name"),
        ("Hi {{name}}!\n", "Hi {{input.name}}!\n"),
        ("{{ a.b | upper }} and {{ a['c'] }}", "{{ input.a.b | upper }} and {{ input.a['c'] }}"),
        (
            "{% for x in xs %}{{ loop.index }}: {{ x }}{% endfor %}",
            "{% for x in input.xs %}{{ loop.index }}: {{ x }}{% endfor %}",
        ),
        ("{%- if a and not b -%}y{%- endif %}", "{%- if input.a and not input.b -%}y{%- endif %}"),
        ("{% set t = a %}{{ t }}", "{% set t = input.a %}{{ t }}"),
        ("{# a #}{{ a }}{% raw %}{{ a }}{% endraw %}", "{# a #}{{ input.a }}{% raw %}{{ a }}{% endraw %}"),
        ("{{ upper | upper }}", "{{ input.upper | upper }}"),
        ("{{ dict(a=a) }}", "{{ dict(a=input.a) }}"),
        ("{{ input }}", "{{ input.input }}"),
    ],
)
def test_what_a_template_reads_becomes_input(text: str, expected: str) -> None:
    assert renamed(text, names_in(text, "p"), "p", whole=False) == expected


def test_a_single_variable_is_the_input_itself() -> None:
    assert renamed("Q: {{ question }}", {"question"}, "p", whole=True) == "Q: {{ input }}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ a | dump }}", "No filter named 'dump'"),
        ("{{ a === b }}", "unexpected '='"),
        ("{{ a && b }}", "unexpected char '&'"),
        ("{{ r/x/ }}", "unexpected"),
        ("{{", "unexpected"),
        ("{% asyncEach x in y %}{% endeach %}", "unknown tag 'asyncEach'"),
        ("{% include 'other.txt' %}{{ env.HOME }}", "the environment"),
        ("{{ _conversation }}", "the conversation so far"),
        ("{{ " + "(" * 5000 + " }}", ""),
    ],
)
def test_what_jinja_cannot_do_is_refused_with_its_place(text: str, told: str) -> None:
    with pytest.raises(InputError) as failure:
        names_in(text, "promptfooconfig.yaml prompts.0")
    assert str(failure.value).startswith("promptfooconfig.yaml prompts.0: ")
    assert told in str(failure.value)


def test_a_name_that_is_read_and_set_is_refused() -> None:
    text = "{{ x }}{% for x in xs %}{{ x }}{% endfor %}"
    with pytest.raises(InputError):
        renamed(text, names_in(text, "p"), "p", whole=False)


def test_values_are_filled_in_and_what_is_missing_says_nothing() -> None:
    assert filled("{{ a }}-{{ b }}", {"a": "x"}, "p") == "x-"


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{{ 'x' * 300000000 }}",
        "{{ ().__class__.__bases__ }}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_hostile_template_is_refused_soon(text: str) -> None:
    with pytest.raises(InputError, match="cannot be filled"):
        filled(text, {}, "p")


@given(st.text(max_size=60))
def test_any_text_is_renamed_or_refused(text: str) -> None:
    try:
        made = renamed(text, names_in(text, "p"), "p", whole=False)
    except InputError:
        return
    if "{" not in text:
        assert made == text.replace("\r\n", "\n").replace("\r", "\n")
