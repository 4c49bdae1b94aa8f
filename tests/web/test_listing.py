"""The list: what a row says, what the form asks for, and how it is sorted."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.web import View
from evalgate.web.listing import ORDERS, Filter, ModelRow, model_rows
from tests.web.world import MODEL


@pytest.fixture(scope="module")
def rows(view: View) -> dict[str, ModelRow]:
    return {row.id: row for row in model_rows(view)}


def test_a_row_tells_what_is_proven_what_it_saves_and_who_is_cheapest_and_fastest(rows: dict[str, ModelRow]) -> None:
    row = rows[MODEL]
    assert (row.operations, row.green, row.variants) == (2, 2, 4)
    assert row.saves == "50 %"
    assert (row.cheapest.value, row.cheapest.who) == ("$0.25*", "azure · int4")
    assert (row.fastest.value, row.fastest.about) == ("67 tok/s", "n = 812, 12 s ago")
    assert rows["solo"].fastest.value == "—"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {MODEL, "solo", "nobody/knows"}),
        ({"text": "LLAMA"}, {MODEL}),
        ({"text": "nobody"}, {"nobody/knows"}),
        ({"green": "1"}, {MODEL}),
        ({"tools": "1"}, {"solo"}),
        ({"context": "128000"}, {MODEL}),
        ({"price": "2.5"}, {MODEL, "nobody/knows"}),
        ({"weights": "open"}, set()),
        ({"text": "llama", "tools": "1"}, set()),
    ],
)
def test_the_form_asks_for_models(rows: dict[str, ModelRow], query: dict[str, str], found: set[str]) -> None:
    wanted = Filter.of(query)
    assert {row.id for row in rows.values() if wanted.admits(row)} == found


def test_weights_that_are_not_told_are_neither_open_nor_closed(rows: dict[str, ModelRow]) -> None:
    told = replace(rows[MODEL], facts=replace(rows[MODEL].facts, open_weights=True))
    assert Filter(weights="open").admits(told)
    assert not Filter(weights="closed").admits(told)
    assert not Filter(weights="closed").admits(rows[MODEL])


@given(
    st.dictionaries(st.sampled_from(["text", "price", "context", "sort", "weights", "green"]), st.text(max_size=300))
)
def test_a_query_that_nobody_understands_asks_for_nothing(query: dict[str, str]) -> None:
    wanted = Filter.of(query)
    assert wanted.sort in ORDERS
    assert wanted.price is None or wanted.price >= 0
    assert len(wanted.text) <= 600  # a casefold may make three of one


@pytest.mark.parametrize("text", ["NaN", "-1", "1e99", "Infinity", "1" * 50, "abc", ""])
def test_a_price_that_is_none_is_not_filtered_by(text: str) -> None:
    assert Filter.of({"price": text}).price is None


@pytest.mark.parametrize(
    ("key", "first"), [("price", MODEL), ("green", MODEL), ("saving", MODEL), ("speed", MODEL), ("variants", MODEL)]
)
def test_the_best_come_first(rows: dict[str, ModelRow], key: str, first: str) -> None:
    assert min(rows.values(), key=ORDERS[key]).id == first


def test_a_price_is_compared_as_it_was_written(rows: dict[str, ModelRow]) -> None:
    assert Filter(price=Decimal("0.25")).admits(rows[MODEL])


@given(
    st.dictionaries(st.sampled_from(["text", "price", "context", "weights", "green", "tools"]), st.text(max_size=60))
)
def test_another_order_keeps_what_was_asked_for(query: dict[str, str]) -> None:
    wanted = Filter.of(query)
    again = Filter.of(dict(parse_qsl(wanted.sorted_by("price"))))
    assert again == replace(wanted, sort="price")
