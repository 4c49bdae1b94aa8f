"""Makes a frame of rows: exactly the columns of its table, each of its own dtype, however many rows there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalgate.frames.columns import Dtype, Table

if TYPE_CHECKING:
    import pandas as pd

_LONE = ("surrogatepass", "replace")  # half of a character, which Parquet and UTF-8 have no place for


class Rows:
    """Rows of one table; what is not told of a row is unknown."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._values: dict[str, list[Any]] = {column.name: [] for column in table.columns}

    def add(self, **values: object) -> None:
        """Add a row; raises `KeyError` for what is no column."""
        if unknown := values.keys() - self._values.keys():
            raise KeyError(*sorted(unknown))
        for name, column in self._values.items():
            column.append(values.get(name))

    def extend(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Add several."""
        for row in rows:
            self.add(**row)

    def frame(self) -> pd.DataFrame:
        """All of them, numbered from 0."""
        import pandas as pd

        return pd.DataFrame({each.name: _array(self._values[each.name], each.dtype) for each in self._table.columns})


def _array(values: list[Any], dtype: Dtype) -> Any:
    import pandas as pd

    if dtype == "string":
        return pd.array([_whole(each) for each in values], dtype="string")
    if dtype == "Int64":
        return pd.array(values, dtype="Int64")
    if dtype == "datetime64[us, UTC]":
        moments = np.array([round(each * 1e6) for each in values], dtype=np.int64)
        return pd.Series(moments.view("datetime64[us]")).dt.tz_localize("UTC")
    if dtype == "float64":
        return np.array([np.nan if each is None else each for each in values], dtype=np.float64)
    return np.array(values, dtype=np.bool_ if dtype == "bool" else np.int64)


def _whole(text: str | None) -> str | None:
    if text is None or text.isascii():
        return text
    return text.encode(errors=_LONE[0]).decode(errors=_LONE[1])
