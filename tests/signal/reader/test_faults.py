"""A short run of the fault injection, and proof that it sees what it is there to see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import signal_faults, signal_world
from evalgate.signal.reader.holder import Holder


@pytest.fixture(autouse=True)
def disk() -> Iterator[None]:
    yield
    signal_world.DISK["full"] = False


def test_in_random_schedules_of_faults_nothing_is_eligible_that_is_not() -> None:
    assert signal_faults.schedules(16, first=500_000)


def test_a_reader_without_rules_is_caught(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("evalgate.signal.reader.holder.require_believable", lambda *_: None)
    assert not signal_faults.schedules(16, first=500_000)
    assert "VIOLATION" in capsys.readouterr().out


def test_a_reader_that_forgets_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Holder, "_keep", lambda *_: None)
    assert not signal_faults.schedules(40, first=500_000)


def test_fuzzed_documents_do_not_crash_the_reader() -> None:
    assert signal_faults.fuzz(1000)
