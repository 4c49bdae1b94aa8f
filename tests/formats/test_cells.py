"""The limit on a CSV cell."""

from __future__ import annotations

import csv

from evalgate.formats.cells import MAX_CELL, allow_long_cells


def test_a_long_cell_is_read_and_a_limit_that_is_higher_stays() -> None:
    before = csv.field_size_limit(131_072)
    try:
        allow_long_cells()
        assert next(csv.reader(["a" * 500_000])) == ["a" * 500_000]
        csv.field_size_limit(MAX_CELL + 1)
        allow_long_cells()
        assert csv.field_size_limit() == MAX_CELL + 1
    finally:
        csv.field_size_limit(before)
