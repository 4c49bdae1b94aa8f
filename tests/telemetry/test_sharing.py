"""Processes on one store tell the figures of all, also after a restart, and go on while the store is away."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.errors import StoreError
from evalgate.store import Store, open_store
from evalgate.store.telemetry import Counted, SharedTelemetry
from evalgate.telemetry import Attempt, Recorder
from evalgate.telemetry.cell import OUTCOMES
from tests.store.conftest import Database, database, postgresql  # noqa: F401  # fixtures
from tests.telemetry.test_recorder import NOON, OK, Clock, record


@pytest.fixture
def store(database: Database) -> Iterator[Store]:  # noqa: F811
    with open_store(database.name) as opened:
        yield opened


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "books.db")) as opened:
        yield opened


def traffic(count: int) -> list[Attempt]:
    """Of the last hour, in no order."""
    draw = random.Random(4)
    return [
        replace(
            OK,
            variant=draw.choice(["fp8", "int4"]),
            outcome=draw.choice(OUTCOMES),
            at=NOON - draw.uniform(0, 3600),
            first_ms=draw.choice([None, draw.lognormvariate(5, 1)]),
            duration_ms=draw.lognormvariate(6, 1),
        )
        for _ in range(count)
    ]


def test_two_processes_tell_the_same_figures_as_one(store: Store) -> None:
    clock, attempts = Clock(), traffic(900)
    alone, one, other = Recorder(clock=clock), Recorder(store, clock=clock), Recorder(store, clock=clock)
    for number, attempt in enumerate(attempts):
        alone.record(attempt)
        (one, other)[number % 2].record(attempt)
        if number % 200 == 0:
            one.sync()
            other.sync()
    for each in (one, other, one):
        each.sync()
    whole = alone.snapshot()
    assert whole.by_variant["fp8"].duration.p95 is not None
    assert one.snapshot() == other.snapshot() == whole
    assert one.figures("sort") == other.figures("sort") == alone.figures("sort")


def test_who_starts_anew_reads_the_half_hour_and_the_day_back(store: Store) -> None:
    clock, before = Clock(), Recorder(store, clock=Clock())
    record(before, traffic(300))
    before.sync()
    after = Recorder(store, clock=clock)
    after.sync()
    assert after.snapshot() == before.snapshot()
    assert after.totals() == {}


def test_sharing_twice_counts_nothing_twice(sqlite: Store) -> None:
    clock = Clock()
    one, other = Recorder(sqlite, clock=clock), Recorder(sqlite, clock=clock)
    record(one, [OK] * 30)
    rows = one.take_unsent()
    one.give_back(rows)
    for each in (one, one, other, other):
        each.sync()
    assert other.snapshot().by_operation["fp8", "sort"].attempts == 30


def test_while_the_store_is_away_nothing_is_lost(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    one, other = Recorder(sqlite, clock=clock), Recorder(sqlite, clock=clock)

    def away(*_: object) -> None:
        raise StoreError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "write", away)
        record(one, [OK] * 30)
        with pytest.raises(StoreError):
            one.sync()
        assert one.snapshot().by_operation["fp8", "sort"].attempts == 30
    record(one, [OK] * 10)
    one.sync()
    other.sync()
    assert other.snapshot().by_operation["fp8", "sort"].attempts == 40


def test_rows_of_which_nothing_counts_any_more_are_deleted(sqlite: Store) -> None:
    shared = SharedTelemetry(sqlite)
    minute = int(NOON // 60)
    old = Counted(shared.worker, 1, minute - 3000, "fp8", "sort", b"")
    shared.put([old, replace(old, start=minute)])
    shared.put([replace(old, start=minute - 4000, operation="the last one written stays")])
    Recorder(sqlite, clock=Clock()).sync()
    left = SharedTelemetry(sqlite).news()
    assert {row.start for row in left} == {minute, minute - 4000}


def test_a_row_that_is_no_cell_is_ignored(sqlite: Store) -> None:
    shared = SharedTelemetry(sqlite)
    minute = int(NOON // 60)
    for number, data in enumerate([b"", b"\xc1", b"[]", b"\x91\x01"]):
        shared.put([Counted(shared.worker, 1, minute, "fp8", str(number), data)])
    shared.put([Counted(shared.worker, 7, minute, "fp8", "no such span", b"")])
    recorder = Recorder(sqlite, clock=Clock())
    recorder.sync()
    assert recorder.snapshot().by_operation == {}


def test_a_store_that_was_put_back_to_an_earlier_state_is_read_anew(sqlite: Store) -> None:
    clock = Clock()
    one, other = Recorder(sqlite, clock=clock), Recorder(sqlite, clock=clock)
    for _ in range(3):
        record(one, [OK])
        one.sync()
    other.sync()
    sqlite.write(lambda connection: connection.exec_driver_sql("DELETE FROM telemetry"))
    third = Recorder(sqlite, clock=clock)
    record(third, [OK] * 5)
    third.sync()
    other.sync()
    assert other.snapshot().by_operation["fp8", "sort"].attempts == 8


def test_stopping_writes_what_is_not_written_yet(sqlite: Store) -> None:
    clock = Clock()
    with Recorder(sqlite, clock=clock) as recorder:
        record(recorder, [OK] * 30)
    other = Recorder(sqlite, clock=clock)
    other.sync()
    assert other.snapshot().by_operation["fp8", "sort"].attempts == 30
