"""A shelf of cells says the same whether they are packed or not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.telemetry import Attempt
from evalgate.telemetry.cell import Cell
from evalgate.telemetry.shelf import Shelf

OK = Attempt("fp8", "sort", "ok", 1.0, 800.0, first_ms=200.0, input_tokens=10, output_tokens=40)


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["add", "pack", "drop"])), max_size=40))
def test_packing_changes_nothing(steps: list[tuple[int, str]]) -> None:
    shelf, plain = Shelf[int](), dict[int, Cell]()
    for key, step in steps:
        if step == "add":
            shelf.take(key).add(OK)
            plain.setdefault(key, Cell()).add(OK)
        elif step == "pack":
            shelf.pack(lambda each, key=key: each <= key)
        else:
            shelf.drop(lambda each, key=key: each == key)
            plain.pop(key, None)
    assert sorted(shelf) == sorted(plain)
    assert len(shelf) == len(plain)
    for key, cell in plain.items():
        assert key in shelf
        assert shelf.encoded(key) == shelf.look(key).encoded() == cell.encoded()


def test_what_was_never_taken_is_not_there() -> None:
    with pytest.raises(KeyError):
        Shelf[int]().look(1)
