from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalgate.signal.reader import SignalReader
from tests.signal.reader.documents import KEY
from tests.signal.reader.serving import Publisher
from tests.store.conftest import Server, postgresql

__all__ = ["Server", "postgresql"]


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher()
    yield publisher
    publisher.stop()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    KEY.public.save(folder / "one.pub")
    return folder


@pytest.fixture
def reading(keys: Path) -> Iterator[Callable[..., SignalReader]]:
    """Makes readers that look again at once and are closed at the end."""
    opened: list[SignalReader] = []

    def open_reader(source: object, **options: object) -> SignalReader:
        made = SignalReader(source, **({"keys": keys, "interval": 0.05} | options))  # type: ignore[arg-type]
        opened.append(made)
        return made

    yield open_reader
    for each in opened:
        each.close()
