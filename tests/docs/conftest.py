"""The house of the README, built once, and a copy for each page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Loopback
from tests.docs import house


@pytest.fixture(scope="session")
def _server() -> Iterator[Loopback]:
    server = Loopback()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _unchecked(_server: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unchecked")
    house.build(folder, _server)
    return folder


@pytest.fixture(scope="session")
def _checked(_unchecked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checked") / "house"
    shutil.copytree(_unchecked, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        house.checked(folder)
    return folder


@pytest.fixture
def built(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], Path]:
    """`built(checked)`: a house of one's own, which becomes the working directory."""

    def build(checked: bool) -> Path:
        source = request.getfixturevalue("_checked" if checked else "_unchecked")
        folder = tmp_path / "house"
        shutil.copytree(source, folder)
        monkeypatch.chdir(folder)
        return folder

    return build
