"""What the board says of traffic, for every way in which a published signal may be behind it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from evalgate.report.traffic import Traffic
from evalgate.signal import SignalDocument
from tests.router.house import LATER, Variant, catalog_of, signal_of

A = Variant("a", 0.1)
RED = Variant("a", 0.1, "red")


def told(folder: Path, *published: Variant, days: float = 0, **changes: object) -> str:
    """Of a board on which `a` is green, when something else is published."""
    catalogue = catalog_of(folder, A)
    signal = signal_of(catalogue, *published).model_copy(update=changes)
    return traffic(folder, signal, days=days)


def traffic(folder: Path, published: SignalDocument | None, *, days: float = 0, note: str = "") -> str:
    catalogue = catalog_of(folder, A)
    board = signal_of(catalogue, A).model_copy(update={"run": "another"})
    return Traffic(board, published, catalogue, now=LATER + timedelta(days=days), note=note).of("sort")


def test_what_is_published_is_what_holds(tmp_path: Path) -> None:
    said = told(tmp_path, RED)
    assert said.startswith("traffic goes to full by the published signal (seq 1 of 2026-11-23 10:00 UTC")
    assert said.endswith("this board is not published and would send it to a")


def test_a_publisher_that_was_not_heard_of_is_named_outdated(tmp_path: Path) -> None:
    assert "outdated: no heartbeat since" in told(tmp_path, RED)
    assert "outdated" not in told(tmp_path, RED, expires_at=LATER + timedelta(minutes=1))


def test_what_expired_sends_nobody_anywhere(tmp_path: Path) -> None:
    assert told(tmp_path, A, days=8) == "traffic goes to full"


def test_an_operation_that_is_not_in_the_published_signal_stays_at_the_baseline(tmp_path: Path) -> None:
    said = told(tmp_path)
    assert said.startswith("traffic stays at full: the published signal (seq 1 of")
    assert said.endswith("does not have this operation; published, it would go to a")


def test_a_published_signal_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    said = traffic(tmp_path, None, note="signal.json: not JSON")
    assert said == (
        "traffic stays at full: the published signal cannot be read: signal.json: not JSON; published, it would go to a"
    )


def test_a_published_signal_whose_baseline_is_gone_cannot_be_followed(tmp_path: Path) -> None:
    signal = signal_of(catalog_of(tmp_path, A), A)
    entry = signal.entries[0].model_copy(update={"baseline": "gone"})
    said = traffic(tmp_path, signal.model_copy(update={"entries": (entry,)}))
    assert "traffic stays at full: the published signal" in said
    assert "the baseline 'gone' of 'sort' is not in the catalogue" in said
