"""`evalgate serve` while all around it fails at once: `benchmarks/chaos.py` with fewer calls."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.chaos import run
from tests.store.conftest import postgresql

__all__ = ["postgresql"]

CALLS = 260  # twenty of each operation

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="a certificate that nobody trusts is needed")


@pytest.mark.parametrize("server", [False, True], ids=["sqlite", "postgresql"])
def test_nothing_is_lost_nobody_is_asked_who_may_not_and_the_books_are_right(
    tmp_path: Path, server: bool, request: pytest.FixtureRequest
) -> None:
    if server:
        request.getfixturevalue("postgresql")  # skips where there is none
    storm = run(tmp_path, CALLS, postgresql=server, away=2)
    assert storm.wrong == []
    hows = Counter(each.how for each in storm.ended)
    assert hows["answered"] > 0.8 * CALLS
    assert {each.variant for each in storm.asked} == {"full", "green", "other", "mortal"}
