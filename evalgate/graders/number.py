"""The grader that reads a number out of an answer."""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import Field

from evalgate.exchange import JsonValue
from evalgate.graders.expectations import a_number
from evalgate.graders.registry import grader

# digits with or without thousands separators; a sign after a letter or digit is a hyphen: `3-5`, `GPT-4`
_NUMBER = re.compile(r"(?:(?<!\w)[-+−])?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?")
MAX_READ = 200_000  # characters


@grader("numeric", expects=a_number)
def numeric(
    text: str, expected: JsonValue, *, tolerance: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
) -> float:
    """1 when the last number in the answer is within `tolerance` (absolute) of the expected one.

    The last, because models reason before they conclude. `1,204.50` is one number; `12 apples` is 12; `3/4` ends in 4,
    and `3-5` in 5.
    """
    found = last_number(text[-MAX_READ:])
    if found is None:
        return 0.0
    wanted = float(expected)  # type: ignore[arg-type]  # `a_number` has checked every expectation at load
    # 1e-9 of slack, relative: 0.1 + 0.2 is within a tolerance of 0.3
    return float(abs(found - wanted) <= tolerance + 1e-9 * max(1.0, abs(wanted)))


def last_number(text: str) -> float | None:
    """The last finite number in `text`, or None."""
    for match in reversed(_NUMBER.findall(text)):
        value = float(match.replace(",", "").replace("−", "-"))
        if math.isfinite(value):
            return value
    return None
