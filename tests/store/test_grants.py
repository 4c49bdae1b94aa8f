"""Limits per minute that processes keep together: exact whatever they do, and nothing is lost for long."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.store import Store, dialect, open_store
from evalgate.store.grants import Entry, Grants, Used, Wish, grant

WINDOW, GOOD_FOR = 60.0, 1.0


class Clock:
    """The store's clock, as told."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        patch.setattr(dialect, "clock", lambda connection: self.now)


class Worker:
    """Leases, uses some of it while it may, and says so at its next visit."""

    def __init__(self, store: Store, name: str, clock: Clock) -> None:
        self.grants, self.clock = Grants(store, name), clock
        self.number, self.left, self.until, self.used, self.last = 0, 0.0, 0.0, 0.0, 0.0

    def visit(self, most: float, needed: float, wanted: float) -> float:
        wish = Wish("limit", most, WINDOW, needed, max(needed, wanted))
        used = [Used(self.number, {"limit": self.used}, self.clock.now - self.last)] if self.number else []
        leased = self.grants.lease([wish], used, GOOD_FOR)
        self.number, self.used, self.last = (0 if leased.seconds else leased.number), 0.0, self.clock.now
        self.left, self.until = leased.amounts["limit"], self.clock.now + GOOD_FOR
        return leased.seconds

    def use(self, amount: float) -> bool:
        if self.clock.now >= self.until or self.left < amount:
            return False
        self.left, self.used, self.last = self.left - amount, self.used + amount, self.clock.now
        return True


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0, 25), st.integers(1, 12), st.integers(0, 4), st.booleans()),
    min_size=5,
    max_size=30,
)


@given(most=st.integers(1, 15), steps=STEPS)
@settings(max_examples=25)
def test_in_no_minute_do_all_workers_together_use_more_than_the_limit(
    most: int, steps: list[tuple[int, float, int, int, bool]]
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        clock, uses = Clock(patch), list[float]()
        with open_store(str(Path(folder) / "store.db")) as store:
            workers = [Worker(store, f"w{number}", clock) for number in range(4)]
            for who, pause, wanted, uses_now, dies in steps:
                clock.now += pause
                worker = workers[who]
                worker.visit(most, 1.0, wanted)
                for _ in range(uses_now):
                    clock.now += 0.2
                    uses += [clock.now] * worker.use(1.0)
                if dies:
                    workers[who] = Worker(store, f"{who} after {len(uses)} at {clock.now}", clock)
        for start in uses:
            assert sum(start <= time < start + WINDOW for time in uses) <= most


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_who_is_alone_may_use_all_of_a_minute_at_once(store: Store, clock: Clock) -> None:
    worker = Worker(store, "w", clock)
    assert worker.visit(600, 1, 600) == 0
    assert worker.left == 600


def test_what_was_leased_and_not_used_is_free_at_the_next_visit(store: Store, clock: Clock) -> None:
    one, other = Worker(store, "one", clock), Worker(store, "other", clock)
    one.visit(10, 1, 10)
    assert one.use(3.0)
    assert other.visit(10, 1, 10) > 0
    wish = Wish("limit", 10, WINDOW, 0, 0)
    one.grants.settle([wish], [Used(one.number, {"limit": one.used}, 0.0)])
    assert other.visit(10, 7, 7) == 0


def test_who_dies_gives_back_by_time_what_it_held(store: Store, clock: Clock) -> None:
    dead, other = Worker(store, "dead", clock), Worker(store, "other", clock)
    dead.visit(10, 10, 10)
    assert other.visit(10, 1, 1) == pytest.approx(WINDOW + GOOD_FOR)
    clock.now += WINDOW + GOOD_FOR
    assert other.visit(10, 10, 10) == 0


def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_longer_than_a_minute(store: Store, clock: Clock) -> None:
    Worker(store, "before", clock).visit(10, 10, 10)
    clock.now -= 86_400
    other = Worker(store, "other", clock)
    assert other.visit(10, 1, 1) <= WINDOW + GOOD_FOR
    clock.now += WINDOW + GOOD_FOR
    assert other.visit(10, 10, 10) == 0


def test_those_who_used_some_lately_leave_each_other_a_part(store: Store, clock: Clock) -> None:
    one, other = Worker(store, "one", clock), Worker(store, "other", clock)
    one.visit(100, 1, 1)
    other.visit(100, 1, 100)
    assert other.left == pytest.approx(1 + 98 / 2)


def test_a_call_that_is_larger_than_the_limit_goes_when_nothing_else_is_used() -> None:
    wish = Wish("tokens", 100, WINDOW, 250, 250)
    assert grant([(wish, [])], "w", 0.0) == ([250], 0.0)
    assert grant([(wish, [Entry("w", 30.0, 1)])], "w", 0.0) == ([0.0], 30.0)


def test_a_call_needs_all_of_its_limits_and_takes_nothing_of_one_alone() -> None:
    requests, tokens = Wish("requests", 10, WINDOW, 1, 1), Wish("tokens", 100, WINDOW, 60, 60)
    amounts, seconds = grant([(requests, []), (tokens, [Entry("w", 7.0, 50)])], "w", 0.0)
    assert amounts == [0.0, 0.0]
    assert seconds == 7.0
