"""The adaptive limit: never above what is allowed, down when the provider pushes back, and up again."""

from __future__ import annotations

import asyncio
import random
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from evalgate.collect.limit import LEAST_SAMPLES, AdaptiveLimit

EVENTS = st.lists(st.one_of(st.floats(0, 60).map(lambda s: ("ok", s)), st.just(("throttled", 0.0))), max_size=200)


def told(limit: AdaptiveLimit, seconds: float, times: int) -> None:
    for _ in range(times):
        limit.succeeded(seconds)


@given(st.integers(1, 500), EVENTS)
def test_it_stays_between_one_and_what_is_allowed(most: int, events: list[tuple[str, float]]) -> None:
    limit = AdaptiveLimit(most)
    for kind, seconds in events:
        limit.succeeded(seconds) if kind == "ok" else limit.throttled(limit.round)
        assert 1 <= limit.limit <= most


def test_it_doubles_each_round_until_it_is_pushed_back() -> None:
    limit = AdaptiveLimit(64)
    assert limit.limit == 16
    told(limit, 1.0, 16)
    assert limit.limit == 32
    told(limit, 1.0, 32)
    assert limit.limit == 64


def test_it_is_halved_once_for_all_refusals_of_one_round_and_grows_by_one_a_round_afterwards() -> None:
    limit = AdaptiveLimit(64)
    told(limit, 1.0, 64)
    began_in = limit.round
    for _ in range(64):
        limit.throttled(began_in)
    halved = limit.limit
    assert 64 * 0.45 <= halved <= 32
    told(limit, 1.0, halved + 2)  # a little over a round: the limit grows while it runs
    assert limit.limit == halved + 1


def test_it_loses_one_place_for_a_refusal_among_many() -> None:
    limit = AdaptiveLimit(64)
    told(limit, 1.0, 64)
    limit.throttled(limit.round)
    assert limit.limit == 63
    told(limit, 1.0, 66)
    assert limit.limit == 64


def test_one_refusal_in_fifty_at_random_costs_few_places_and_a_crowd_of_a_tenth_many() -> None:
    chance = random.Random(3)
    for share, least, most in ((0.02, 35, 64), (0.2, 1, 12)):
        limit, sizes = AdaptiveLimit(64), []
        for _ in range(300):
            began_in = limit.round
            for _ in range(limit.limit):
                limit.throttled(began_in) if chance.random() < share else limit.succeeded(1.0)
            sizes.append(limit.limit)
        assert least <= median(sizes) <= most


def test_answers_that_become_several_times_slower_make_it_smaller_and_steady_ones_do_not() -> None:
    limit = AdaptiveLimit(32)
    told(limit, 1.0, 100)
    assert limit.limit == 32
    told(limit, 4.0, 64)
    assert limit.limit < 32
    smaller = limit.limit
    told(limit, 1.0, 20 * 32)
    assert limit.limit > smaller


def test_a_provider_that_is_slow_for_good_is_not_throttled_for_ever() -> None:
    limit = AdaptiveLimit(16)
    told(limit, 1.0, 64)
    told(limit, 5.0, 5000)
    assert limit.limit == 16


def test_what_our_own_machine_wavers_by_is_no_queue() -> None:
    limit = AdaptiveLimit(32)
    told(limit, 0.001, 64)
    told(limit, 0.2, 10 * LEAST_SAMPLES)
    assert limit.limit == 32


def test_places_are_never_more_than_the_limit_and_all_get_one_in_the_end() -> None:
    async def main() -> None:
        limit, most, running = AdaptiveLimit(12), 0, 0
        done = []

        async def call(number: int) -> None:
            nonlocal most, running
            async with limit:
                running += 1
                assert running <= 12
                most = max(most, running)
                await asyncio.sleep(0.001)
                limit.throttled(limit.round) if number == 40 else limit.succeeded(0.001)
                running -= 1
            done.append(number)

        await asyncio.gather(*(call(number) for number in range(200)))
        assert sorted(done) == list(range(200))
        assert most == 12

    asyncio.run(main())


def test_whoever_stops_waiting_for_a_place_takes_none_with_him() -> None:
    async def main() -> None:
        limit = AdaptiveLimit(1)

        async def call() -> None:
            async with limit:
                await asyncio.sleep(0.01)

        first, second, third = (asyncio.create_task(call()) for _ in range(3))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(first, second, third, return_exceptions=True)
        async with asyncio.timeout(1), limit:
            pass

        fourth = asyncio.create_task(call())
        await asyncio.sleep(0)
        fifth = asyncio.create_task(call())
        await asyncio.sleep(0)
        await fourth
        fifth.cancel()  # when it has just been given the place
        await asyncio.gather(fifth, return_exceptions=True)
        async with asyncio.timeout(1), limit:
            pass

    asyncio.run(main())
