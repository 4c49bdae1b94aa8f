"""The one retry policy."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.providers import AttemptFailed
from evalgate.providers.retry import (
    ATTEMPTS_ON_THE_DEAD,
    BASE_SECONDS,
    CAP_SECONDS,
    FLOOR_SECONDS,
    JITTER,
    MAX_RETRY_AFTER,
    RetryPolicy,
)

BUSY, GONE = AttemptFailed("busy"), AttemptFailed("gone", unreachable=True)


def attempts(retries: int, failure: AttemptFailed, *, ever_reached: bool) -> int:
    policy = RetryPolicy(retries)
    return next(n for n in range(1, 99) if policy.gives_up(n, failure, ever_reached=ever_reached))


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_there_are_as_many_retries_as_the_catalogue_says(retries: int) -> None:
    assert attempts(retries, BUSY, ever_reached=True) == retries + 1
    assert attempts(retries, GONE, ever_reached=True) == retries + 1


def test_a_provider_that_was_never_reached_is_given_up_sooner() -> None:
    assert attempts(20, GONE, ever_reached=False) == ATTEMPTS_ON_THE_DEAD
    assert attempts(1, GONE, ever_reached=False) == 2
    assert attempts(20, BUSY, ever_reached=False) == 21


@given(st.integers(1, 21), st.integers(0, 1000))
def test_the_pause_grows_up_to_a_cap_and_is_never_negative(attempt: int, seed: int) -> None:
    pause = RetryPolicy(20).pause(attempt, BUSY, random.Random(seed))
    assert 0 <= pause <= min(CAP_SECONDS, 0.5 * 2 ** (attempt - 1))


@given(st.floats(0, 1e9), st.integers(0, 1000))
def test_the_provider_is_obeyed_within_reason(seconds: float, seed: int) -> None:
    pause = RetryPolicy(5).pause(1, AttemptFailed("x", retry_after=seconds), random.Random(seed))
    least = max(FLOOR_SECONDS, min(seconds, MAX_RETRY_AFTER))
    assert least <= pause <= max(FLOOR_SECONDS + BASE_SECONDS, least * (1 + JITTER))


@given(st.integers(1, 21), st.integers(0, 1000))
def test_at_once_is_never_at_once(attempt: int, seed: int) -> None:
    pause = RetryPolicy(20).pause(attempt, AttemptFailed("x", retry_after=0.0), random.Random(seed))
    assert FLOOR_SECONDS <= pause <= FLOOR_SECONDS + CAP_SECONDS


def test_pauses_differ_so_that_clients_do_not_come_back_together() -> None:
    randomness = random.Random(1)
    assert len({RetryPolicy(5).pause(3, BUSY, randomness) for _ in range(20)}) == 20
