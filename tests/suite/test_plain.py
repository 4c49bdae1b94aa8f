"""Plain templates are filled as Jinja would fill them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.formats.written import real
from evalgate.suite.language import ENVIRONMENT
from evalgate.suite.plain import filled, plain_parts

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(real("3.10")) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "items"]), inner),
    max_leaves=5,
)
PLACES = st.sampled_from(
    ["{{ id }}", "{{input}}", "{{ input.items }}", "{{ input['a'] }}", "{{ input.a.b }}", "{{ metadata.b }}"]
)
TEXTS = st.sampled_from(["", "a\n", "\r\n", "é ", "{% raw %}{{ x }}{% endraw %}", "{# seen by nobody #}", "% }} "])


@given(st.lists(PLACES | TEXTS), VALUES, st.dictionaries(st.sampled_from(["a", "b"]), VALUES))
def test_what_is_filled_is_what_jinja_renders(pieces: list[str], value: object, metadata: dict[str, object]) -> None:
    template, values = "".join(pieces), {"id": "one", "input": value, "metadata": metadata}
    parts = plain_parts(ENVIRONMENT.parse(template).body)
    assert parts is not None
    text = filled(parts, values)  # type: ignore[arg-type]  # JSON, as hypothesis makes it
    assert text is None or text == ENVIRONMENT.from_string(template).render(values)


@pytest.mark.parametrize(
    "template",
    [
        "{{ input | upper }}",
        "{{ input }}{% if id %}x{% endif %}",
        "{{ nobody }}",
        "{{ input.keys() }}",
        "{{ input[0] }}",
        "{{ range }}",
        "{% set input = 1 %}{{ input }}",
        "{{ input ~ id }}",
    ],
)
def test_anything_else_is_left_to_jinja(template: str) -> None:
    assert plain_parts(ENVIRONMENT.parse(template).body) is None
