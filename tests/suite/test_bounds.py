"""No template runs for ever or fills the memory, whichever way it tries; and what is no attempt is let alone."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.exchange import JsonValue
from evalgate.suite import bounds
from tests.suite.test_prompt import prompt

GROWS = "{%% set it = namespace(x='xx') %%}{%% for n in range(60) %%}{%% set it.x = %s %%}{%% endfor %%}"
STEPS = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
    "{% for a in [1] * 900 recursive %}{% if loop.depth < 9 %}{{ loop([1] * 900) }}{% endif %}{% endfor %}",
]
SIZES = [
    "{{ ('x' * 300000000)|length }}",
    "{{ (300000000 * 'x')|length }}",
    "{{ ([0] * 300000000)|length }}",
    "{{ 9 ** 9999999 }}",
    "{{ 'x'|center(300000000)|length }}",
    "{{ 'x\\ny'|indent(300000000)|length }}",
    "{{ 'x'.ljust(300000000)|length }}",
    "{{ '1'.zfill(300000000)|length }}",
    "{{ '\\t'.expandtabs(300000000)|length }}",
    "{{ ('%300000000d' % 1)|length }}",
    "{{ ('%*d' % (300000000, 1))|length }}",
    "{{ '%300000000d'|format(1)|length }}",
    "{{ '{:300000000}'.format(1)|length }}",
    "{{ '{:{}}'.format(1, 300000000)|length }}",
    "{{ [1]|batch(300000000, 'x')|list|length }}",
    "{{ [1]|slice(300000000)|list|length }}",
    "{{ ('a' * 9999)|replace('a', 'b' * 9999)|length }}",
    "{{ ('a' * 9999).replace('a', 'b' * 9999)|length }}",
    "{{ range(9999)|join('b' * 9999)|length }}",
    "{{ ('b' * 9999).join(['a'] * 9999)|length }}",
    "{% for n in range(9999) %}{{ 'x' * 9999 }}{% endfor %}",
    GROWS % "it.x ~ it.x",
    GROWS % "it.x + it.x",
    GROWS % "it.x * 2",
    GROWS % "it.x.join([it.x, it.x])",
    GROWS % "it.x.replace('x', 'xx')",
    GROWS % "[it.x, it.x]|join",
]


NESTS = "{%% set it = namespace(x=[1]) %%}{%% for n in range(60) %%}{%% set it.x = [it.x, it.x] %%}{%% endfor %%}%s"
LONG = "{%% set x = 'ab ' * 1300000 %%}{%% for n in range(99999) %%}{%% set y = %s %%}{%% endfor %%}"
MANY = "{%% set x = [3, 1, 2] * 60000 %%}%s"
WORK = [  # few steps, or few that look like many
    *(
        LONG % each
        for each in ("x|upper", "x[::-1]", "'zq' in x", "x is in x", "x == x ~ 'b'", "x.count('q')", "x.split()")
    ),
    *(LONG % each for each in ("x|wordwrap", "x|urlize", "x|title", "x|indent", "x|replace('a', 'b')", "x.encode()")),
    LONG % "'x'|center(x|length)",
    LONG % "'x'.ljust(x|length)",
    LONG % "'%999999d' % n",
    "{% set x = 'ab ' * 1300000 %}" + "{% set y = x|upper %}" * 2000,
    "{% macro f() %}" + "x" * 500_000 + "{% endmacro %}{% for n in range(99999) %}{% set y = f() %}{% endfor %}",
    "{% for n in range(99999) %}{% set y %}" + "x" * 500_000 + "{% endset %}{% endfor %}",
    "{% for n in range(99999) %}{% set y = range(99999)|list %}{% endfor %}",
    "{% for n in range(99999) %}{% set y = [{'a': 'b' * 9999}]|map(attribute='a')|join %}{% endfor %}",
    *(
        MANY % ("{{ ([x] * 50000)|" + each + "|list|length }}")
        for each in ("map('sort')", "map('tojson')", "select('in', [x])")
    ),
    *(
        MANY % ("{% for n in range(9999) %}{% set y = x|" + each + " %}{% endfor %}")
        for each in ("sort", "sum", "pprint")
    ),
    *(
        NESTS % each
        for each in ("{{ it.x }}", "{{ it.x|tojson }}", "{{ it.x|trim }}", "{{ it.x ~ '' }}", "{{ it.x|pprint }}")
    ),
    *(
        NESTS % each
        for each in ("{{ '%s' % it.x }}", "{{ '{}'.format(it.x) }}", "{{ [it.x]|join }}", "{{ it.x == [it.x] }}")
    ),
    (NESTS % "{{ it.x }}").replace("[it.x, it.x]", "{1: it.x, 2: it.x}"),
]
WRITTEN = ["{{ input }}" * 20_000, "{{ [" + "1," * 300_000 + "]|length }}", "{{ '}}' ~ [" + "1," * 300_000 + "] }}"]


@pytest.mark.parametrize("template", WORK)
def test_what_is_much_work_in_few_steps_is_given_up(monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    monkeypatch.setattr(bounds, "MAX_SECONDS", 0.2)
    began = time.thread_time()
    with pytest.raises(InputError, match="for case 'c7': more than "):
        prompt(template)
    assert time.thread_time() - began < 2  # of CPU: without a bound, each takes minutes at least


@pytest.mark.parametrize("template", WRITTEN)
def test_what_would_take_long_to_compile_is_not_compiled(template: str) -> None:
    with pytest.raises(InputError, match="template: more than 30000 words and signs in its tags"):
        prompt(template)


@pytest.mark.parametrize("template", STEPS)
def test_what_would_take_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    monkeypatch.setattr(bounds, "MAX_STEPS", 5_000)
    with pytest.raises(InputError, match="for case 'c7': more than 5000 steps in loops and calls"):
        prompt(template)


@pytest.mark.parametrize("template", SIZES)
def test_what_would_fill_the_memory_is_given_up_before_it_does(template: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"suite.yaml:2:1 prompt: the template fails for case 'c7': (more|a) "):
            prompt(template)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("template", "given_", "text"),
    [
        ("{{ input|string }} {{ '{}'.format(input) }} {{ input ~ '' }}", 123456789, "123456789 123456789 123456789"),
        ("{{ input|string }}", 10**30, str(10**30)),
        ("{{ 'call 5551234567: %s, 100%%' % input }}", "x", "call 5551234567: x, 100%"),
        ("{{ '{:>5} 5551234567'.format(input) }}", "x", "    x 5551234567"),
        ("{{ ', '.join(input) }} {{ input|join('-') }}", ["a", "b"], "a, b a-b"),
        ("{% for a in input %}{{ loop.index }}/{{ loop.length }} {% endfor %}", [7, 8], "1/2 2/2 "),
        ("{% for a, b in input %}{{ a + b }}{% else %}none{% endfor %}", [[1, 2]], "3"),
        ("{% for a in input %}{% else %}none{% endfor %}", {}, "none"),
        ("{% for a in input if a > 1 %}{{ a }}{% endfor %}", [1, 2, 3], "23"),
        ("{% for a in input recursive %}{{ loop(a) if a is iterable else a }}{% endfor %}", [1, [2, [3]]], "123"),
        ("{{ input.text.replace('a', 'bb') }}{{ input.text|replace('a', 'c', 1) }}", {"text": "aa"}, "bbbbca"),
        ("{{ 2 ** 64 }} {{ 3 * 4 }} {{ 'ab' * 2 }} {{ 7 % 4 }}", 0, "18446744073709551616 12 abab 3"),
    ],
)
def test_what_is_no_attempt_is_let_alone(template: str, given_: JsonValue, text: str) -> None:
    assert prompt(template, given_) == text


def test_every_rendering_has_steps_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bounds, "MAX_STEPS", 10)
    for _ in range(5):
        assert prompt("{% for n in range(6) %}{{ n }}{% endfor %}") == "012345"
