"""JSON values as they were written: pydantic itself would make plain numbers of those that keep their text."""

from __future__ import annotations

from typing import Annotated

from pydantic import JsonValue, ValidatorFunctionWrapHandler, WrapValidator


def _as_it_is(value: object, check: ValidatorFunctionWrapHandler) -> object:
    check(value)
    return value


Written = Annotated[JsonValue, WrapValidator(_as_it_is)]
