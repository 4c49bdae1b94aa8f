"""One world for all tests of pages; it is read-only."""

from __future__ import annotations

import pytest

from evalgate.web import View
from tests.web.world import view_in


@pytest.fixture(scope="session")
def view(tmp_path_factory: pytest.TempPathFactory) -> View:
    return view_in(tmp_path_factory.mktemp("world"))
