"""Every question is asked once: what is known is not asked again, what is being asked is not asked twice."""

from __future__ import annotations

import asyncio
import itertools
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.collect import Collector
from evalgate.exchange import Answer, Question, Request
from evalgate.store import Scored, Store, answer_key, open_store
from tests.collect.conftest import collect, kept
from tests.conftest import Asked, Loopback, Sent, catalog, completion, questions, variant


def test_answers_come_in_the_order_of_the_questions(server: Loopback, store: Store, tmp_path: Path) -> None:
    def later_first(asked: Asked) -> Sent:
        return replace(completion(asked.prompt), after=0.05 if asked.prompt == "q0" else 0.0)

    server.behave = later_first
    asked = questions(6)
    assert collect(store, server.endpoint(tmp_path), asked).texts == [f"q{n}" for n in range(6)]


def test_a_second_collection_sends_nothing_and_gives_the_same_answers(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    endpoint = server.endpoint(tmp_path)
    first, second = (collect(store, endpoint, questions(20)) for _ in range(2))
    assert (first.requests, second.requests, len(server.asked)) == (20, 0, 20)
    assert second.answers == first.answers
    assert (set(first.known), set(second.known)) == ({False}, {True})


def test_only_what_is_not_known_is_asked(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    collect(store, endpoint, questions(3))
    assert collect(store, endpoint, questions(5)).requests == 2
    assert set(server.prompts.values()) == {1}


@pytest.mark.parametrize(
    ("count", "max_age", "found"), [(3, None, [f"answer to q{n}" for n in range(3)]), (4, None, None), (3, 60.0, None)]
)
def test_what_is_known_can_be_had_whole_or_not_at_all_without_asking(
    server: Loopback, store: Store, tmp_path: Path, count: int, max_age: float | None, found: list[str] | None
) -> None:
    endpoint = server.endpoint(tmp_path)
    collect(store, endpoint, questions(3), now=1000.0)

    async def look() -> list[Answer] | None:
        async with Collector(store, {}, now=lambda: 2000.0) as collector:
            return await collector.known(endpoint, questions(count), max_age=max_age)

    known = asyncio.run(look())
    assert (None if known is None else [answer.text for answer in known]) == found
    assert len(server.asked) == 3


def test_an_answer_says_when_it_was_given_and_keeps_saying_so(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    for _ in range(2):
        assert [answer.answered_at for answer in collect(store, endpoint, questions(1)).answers] == [1234.5]


@pytest.mark.parametrize("change", [{"quantization": "fp8"}, {"serving": {"context": 512}}, {"tag": "eu"}])
def test_another_config_is_asked_anew(
    server: Loopback, store: Store, tmp_path: Path, change: dict[str, object]
) -> None:
    collect(store, server.endpoint(tmp_path), questions(2))
    other = catalog(tmp_path, variant(**change), base_url=server.url).endpoints("toy")["full"]
    assert collect(store, other, questions(2)).requests == 2


def test_another_price_is_not_asked_anew(server: Loopback, store: Store, tmp_path: Path) -> None:
    collect(store, server.endpoint(tmp_path), questions(2))
    dearer = variant(price={"input": 9, "output": 9})
    other = catalog(tmp_path, dearer, base_url=server.url, timeout=5).endpoints("toy")["full"]
    assert collect(store, other, questions(2)).requests == 0


def test_each_repeat_is_a_question_of_its_own(server: Loopback, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: completion(f"{asked.prompt} {asked.nth}")
    repeats = [Question("c", Request("q", {}), repeat) for repeat in range(3)]
    collected = collect(store, server.endpoint(tmp_path), repeats)
    assert sorted(collected.texts) == ["q 1", "q 2", "q 3"]
    assert collect(store, server.endpoint(tmp_path), repeats).texts == collected.texts


def test_what_was_answered_too_long_ago_is_asked_anew_and_the_new_answers_stay(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    server.behave = lambda asked: completion(f"{asked.prompt} {asked.nth}")
    endpoint = server.endpoint(tmp_path)
    assert collect(store, endpoint, questions(2), now=1000).texts == ["q0 1", "q1 1"]
    assert collect(store, endpoint, questions(2), now=2000, since=2000).texts == ["q0 2", "q1 2"]
    assert collect(store, endpoint, questions(2), now=3000, since=2000).texts == ["q0 2", "q1 2"]
    assert collect(store, endpoint, questions(2), now=4000).texts == ["q0 2", "q1 2"]


def test_an_answer_counts_as_known_for_its_time_and_no_longer(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    collect(store, endpoint, questions(2), now=1000)
    assert collect(store, endpoint, questions(3), now=1600, max_age=600).requests == 1
    assert collect(store, endpoint, questions(3), now=1601, max_age=600).requests == 2  # the third is younger


def test_an_answer_that_was_replaced_takes_its_scores_with_it(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint, (question,) = server.endpoint(tmp_path), questions(1)
    key = answer_key(question.request.hash, endpoint.config, 0)
    collect(store, endpoint, [question], now=1000)
    store.add_scores([Scored(key, "g", "m", 1.0)])
    collect(store, endpoint, [question], now=2000, max_age=10)
    assert store.scores([key], "g") == {}


def test_a_clock_that_jumps_while_it_asks_loses_nothing(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint, times = server.endpoint(tmp_path), itertools.cycle([1e9, 2e9, 5e8, 0.0])

    async def ask() -> list[Answer]:
        async with Collector(store, {}, now=lambda: next(times)) as collector:
            return await collector.ask(endpoint, questions(40), max_age=3600)

    assert [answer.text for answer in asyncio.run(ask())] == [f"answer to q{n}" for n in range(40)]
    assert len(kept(store, endpoint, questions(40))) == 40
    assert set(server.prompts.values()) == {1}


def test_two_operations_that_ask_the_same_at_once_pay_once(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    server.behave = lambda asked: replace(completion(f"{asked.prompt} {asked.nth}"), after=0.02)

    async def both() -> list[list[str]]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            asking = (collector.ask(endpoint, questions(10)) for _ in range(2))
            return [[answer.text for answer in answers] for answers in await asyncio.gather(*asking)]

    first, second = asyncio.run(both())
    assert first == second == [f"q{n} 1" for n in range(10)]
    assert len(server.asked) == 10


def test_a_provider_is_never_asked_more_at_once_than_it_allows(server: Loopback, store: Store, tmp_path: Path) -> None:
    server.behave = lambda asked: replace(completion("x"), after=0.01)
    variants = variant(), variant("other", tag="b")
    house = catalog(tmp_path, *variants, base_url=server.url, concurrency=3).endpoints("toy")

    async def both() -> None:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            await asyncio.gather(*(collector.ask(endpoint, questions(12)) for endpoint in house.values()))

    asyncio.run(both())
    assert server.most_at_once == 3


def test_an_answer_is_in_the_store_before_it_is_told(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    asked = questions(30)
    by_text = {f"answer to q{n}": question for n, question in enumerate(asked)}
    lost: list[str] = []

    def look(answer: object, known: bool) -> None:
        question = by_text[answer.text]  # type: ignore[attr-defined]
        with open_store(store.name) as other:
            if not other.find([answer_key(question.request.hash, endpoint.config, 0)]):
                lost.append(question.case_id)

    async def ask() -> None:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            await collector.ask(endpoint, asked, look)

    asyncio.run(ask())
    assert lost == []
    assert len(kept(store, endpoint, asked)) == 30


def test_two_collections_on_one_store_lose_nothing(server: Loopback, tmp_path: Path) -> None:
    endpoint, path = server.endpoint(tmp_path), str(tmp_path / "shared.db")
    texts: list[list[str]] = []

    def run() -> None:
        with open_store(path) as store:
            texts.append(collect(store, endpoint, questions(40)).texts)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == [[f"answer to q{n}" for n in range(40)]] * 2
    with open_store(path) as store:
        assert collect(store, endpoint, questions(40)).requests == 0
