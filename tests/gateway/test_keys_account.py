"""What processes tell each other of a key adds up, whatever is told when, twice, or late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalgate.gateway.keys.account import Account, ends_at, month_of, period_at
from evalgate.store.spending import DAY, MINUTE

NOON = 1_796_040_000  # 2026-11-30 12:00 UTC
WORKERS = ("one", "two", "three")
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(-3 * DAY, 3 * DAY), st.integers(0, 50), st.integers(0, 10**12), st.booleans()
    ),
    max_size=30,
)


def tell(accounts: list[Account], number: int, *, lost: bool = False) -> None:
    """What a process has to tell; `lost`: it does not know that it was heard, and tells it again."""
    rows = accounts[number].take_unsent(WORKERS[number])
    for other, account in enumerate(accounts):
        if other != number:
            for row in rows:
                account.hear(row)
    if lost:
        for row in rows:
            accounts[number].give_back(row)


@given(STEPS)
def test_all_processes_come_to_the_sum_of_what_was_booked(steps: list[tuple[int, int, int, int, bool]]) -> None:
    accounts, whole = [Account("ci") for _ in WORKERS], Account("ci")
    for number, later, tokens, picodollars, lost in steps:
        for account in (accounts[number], whole):
            account.book(NOON + later, 1, tokens, picodollars)
        if tokens % 3 == 0:
            tell(accounts, number, lost=lost)
    for number in range(len(WORKERS)):
        tell(accounts, number)
    for account in accounts:
        assert account.spent == whole.spent
        for at in (NOON + step[1] for step in steps):
            assert account.seconds_to_wait(at, 3, 40) == whole.seconds_to_wait(at, 3, 40)


@given(st.lists(st.integers(0, 600), min_size=1, max_size=60), st.integers(1, 20))
def test_who_waits_as_long_as_told_is_let_in(times: list[int], limit: int) -> None:
    account = Account("ci")
    for later in sorted(times):
        if account.seconds_to_wait(NOON + later, limit, None) == 0.0:
            account.book(NOON + later, 1, 0, 0)
    now = NOON + max(times)
    wait = account.seconds_to_wait(now, limit, None)
    assert 0 <= wait <= 2 * MINUTE + 1
    assert account.seconds_to_wait(now + wait, limit, None) == 0.0


@given(st.integers(0, 4_000_000_000))
def test_a_period_ends_when_the_next_one_begins(at: int) -> None:
    for kind in ("day", "month"):
        ends = ends_at(kind, at)
        assert ends is not None
        assert at < ends.timestamp()
        assert period_at(kind, ends.timestamp() - 1) == period_at(kind, at) != period_at(kind, ends.timestamp())
    assert month_of(at) <= at
    assert period_at("month", month_of(at)) == period_at("month", at)
    assert ends_at("total", at) is None
