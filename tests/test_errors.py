"""The exception tree says which exit code a failure gets."""

from __future__ import annotations

import pytest

from evalgate import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.InputError, 2),
        (errors.StatisticsError, 2),
        (errors.ProviderError, 4),
        (errors.StoreError, 4),
        (errors.LabError, 4),
    ],
)
def test_each_error_has_the_exit_code_of_its_branch(kind: type[errors.EvalgateError], code: int) -> None:
    assert kind("x").exit_code == code
    assert issubclass(kind, errors.EvalgateError)
