"""Cells: merging is counting all in one, whatever the order and the grouping, and the store's bytes say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.telemetry import Attempt
from evalgate.telemetry.cell import OUTCOMES, Cell, decoded, merged

TOKENS = st.none() | st.integers(0, 10**6)
ATTEMPTS = st.lists(
    st.builds(
        Attempt,
        variant=st.just("fp8"),
        operation=st.just("sort"),
        outcome=st.sampled_from(OUTCOMES),
        at=st.floats(0, 2e9),
        duration_ms=st.floats(0, 1e7),
        first_ms=st.none() | st.floats(0, 1e6),
        input_tokens=TOKENS,
        output_tokens=TOKENS,
    ),
    max_size=12,
)


def counted(*several: list[Attempt]) -> Cell:
    cell = Cell()
    for attempts in several:
        for attempt in attempts:
            cell.add(attempt)
    return cell


@given(ATTEMPTS, ATTEMPTS, ATTEMPTS)
def test_merging_is_counting_all_in_one_in_any_order_and_grouping(
    one: list[Attempt], two: list[Attempt], three: list[Attempt]
) -> None:
    whole = counted(one, two, three).encoded()
    assert merged([merged([counted(one), counted(two)]), counted(three)]).encoded() == whole
    assert merged([counted(three), merged([counted(two), counted(one)])]).encoded() == whole


@given(ATTEMPTS, ATTEMPTS)
def test_what_was_merged_can_be_taken_away(one: list[Attempt], two: list[Attempt]) -> None:
    cell = counted(one, two)
    cell.take_away(counted(two))
    cell.latest = counted(one).latest
    assert cell.encoded() == counted(one).encoded()


@given(ATTEMPTS)
def test_what_is_written_is_what_is_read(attempts: list[Attempt]) -> None:
    assert decoded(counted(attempts).encoded()).encoded() == counted(attempts).encoded()


@given(st.binary(max_size=60), st.integers(0, 80), st.integers(0, 255))
def test_what_is_no_cell_is_refused(anything: bytes, at: int, byte: int) -> None:
    damaged = bytearray(counted([Attempt("v", "o", "ok", 1.0, 5.0, 2.0, 3, 4)]).encoded())
    damaged[at % len(damaged)] = byte
    for data in (anything, bytes(damaged)):
        try:
            cell = decoded(data)
        except ValueError:
            continue
        assert decoded(cell.encoded()).encoded() == cell.encoded()


@pytest.mark.parametrize(("tokens", "place"), [(0, 0), (1, 0), (2, 1), (4, 2), (5, 3), (64, 6), (65, 7)])
def test_tokens_are_counted_by_powers_of_two(tokens: int, place: int) -> None:
    assert counted([Attempt("v", "o", "left", 1.0, 5.0, output_tokens=tokens)]).said == {place: 1}
