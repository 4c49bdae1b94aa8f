"""Searches are given up sooner than in production, so that the tests of it are quick."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def give_up_sooner() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("text", "effort"):
            patch.setattr(f"evalgate.graders.{module}.REGEX_SECONDS", 0.1)
        patch.setattr("evalgate.graders.maths.SECONDS", 0.8)
        yield
