"""The one JSON encoder: a long list has the same hash, however it is hashed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalgate.exchange import JsonValue
from evalgate.formats.canonical import digest, digest_list
from tests.conftest import JSON


@given(JSON, st.lists(JSON, max_size=4))
def test_a_list_is_hashed_item_by_item_as_it_is_as_a_whole(head: JsonValue, items: list[JsonValue]) -> None:
    assert digest_list(head, iter(items)) == digest([head, items])
