"""A budget that processes spend together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.store import Claims, Store
from evalgate.store.purses import Lent, Purse, PursesLedger, Terms, lend

PURSES = st.builds(Purse, st.integers(0, 20), st.integers(0, 20), st.integers(0, 10**6), st.integers(0, 10**6))


class Worker:
    def __init__(self, store: Store) -> None:
        self.claims = Claims(store)
        self.ledger = PursesLedger(store, self.claims)

    def settle(self, *, made: int, wanted: int, most: int = 100) -> Lent:
        return self.ledger.settle("budget", Terms(most, None, wanted, 0), Purse(calls=made))


@given(st.integers(0, 100), st.integers(0, 10**7), st.integers(0, 30), PURSES, st.lists(PURSES, max_size=4))
def test_no_more_is_lent_than_nobody_has_leased_or_spent(
    calls: int, dollars: int, wanted: int, mine: Purse, others: list[Purse]
) -> None:
    lent = lend(Terms(calls, dollars, wanted, 1000 * wanted), mine, others).purse
    leased = sum(max(other.calls, other.calls_leased) for other in others)
    assert lent.calls_leased == mine.calls or lent.calls_leased + leased <= calls
    leased = sum(max(other.picodollars, other.picodollars_leased) for other in others)
    assert lent.picodollars_leased == mine.picodollars or lent.picodollars_leased + leased <= dollars


@given(st.integers(1, 10**14))
def test_a_budget_in_dollars_is_used_up_in_few_leases(whole: int) -> None:
    spent = looks = 0
    while spent < whole:
        spent = lend(Terms(None, whole, 1, 0), Purse(picodollars=spent), []).purse.picodollars_leased
        looks += 1
    assert looks < 300


def test_what_one_has_leased_another_does_not_get_until_it_is_given_back(store: Store) -> None:
    one, other = Worker(store), Worker(store)
    assert one.settle(made=0, wanted=80).purse.calls_leased == 80
    lent = other.settle(made=0, wanted=80)
    assert (lent.purse.calls_leased, lent.spent) == (20, False)
    one.settle(made=10, wanted=0)
    assert other.settle(made=20, wanted=80).purse.calls_leased == 90


def test_what_was_spent_by_those_who_left_stays_spent_while_anybody_works(store: Store) -> None:
    one, other = Worker(store), Worker(store)
    other.settle(made=0, wanted=1)
    one.settle(made=60, wanted=0)
    one.claims.leave()
    assert other.settle(made=0, wanted=100).purse.calls_leased == 40


def test_when_everybody_has_left_the_next_run_has_all_of_it(store: Store) -> None:
    one, other = Worker(store), Worker(store)
    one.settle(made=100, wanted=0)
    one.claims.leave()
    assert other.settle(made=0, wanted=100).purse.calls_leased == 100


@pytest.mark.parametrize("leased", [0, 30])
def test_what_a_dead_one_had_leased_counts_as_spent(store: Store, leased: int) -> None:
    dead, other = Worker(store), Worker(store)
    other.settle(made=0, wanted=1)
    dead.settle(made=10, wanted=leased)
    dead.claims.leave()  # as if it had been buried
    assert other.settle(made=0, wanted=100).purse.calls_leased == 90 - leased
