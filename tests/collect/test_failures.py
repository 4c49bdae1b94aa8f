"""What fails is tried again; what fails for ever is an answer of its own kind; what cannot work ends the run."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.catalog import load_catalog
from evalgate.collect import Collector, Trouble, health, require_ready
from evalgate.errors import EvalgateError, InputError, ProviderError, StoreError
from evalgate.providers.retry import FLOOR_SECONDS
from evalgate.store import Store
from tests.collect.conftest import KEY, collect, kept
from tests.conftest import Asked, Loopback, Sent, catalog, completion, failure, questions, variant, written

TROUBLES = {
    "429": failure(429, "slow down"),
    "500": failure(500),
    "503": failure(503),
    "reset": Sent(b"", reset=True),
    "truncated": Sent(b'{"choices": [{"text": "half', only=10),
    "html": Sent(b"<html>502</html>"),
    "half a json": Sent(b'{"choices": [{"te'),
    "no choices": Sent(b"{}"),
    "error with status 200": Sent(b'{"error": {"message": "overloaded"}}'),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_may_pass_is_tried_again_until_all_is_answered(
    server: Loopback, store: Store, tmp_path: Path, trouble: str
) -> None:
    server.behave = lambda asked: TROUBLES[trouble] if asked.nth == 1 else completion(asked.prompt)
    collected = collect(store, server.endpoint(tmp_path), questions(5))
    assert collected.texts == [f"q{n}" for n in range(5)]
    assert collected.requests == 10


@pytest.mark.usefixtures("quick")
def test_all_troubles_in_turn_end_with_all_answered(server: Loopback, store: Store, tmp_path: Path) -> None:
    def behave(asked: Asked) -> Sent:
        place = asked.nth + int(asked.prompt[1:])  # each question meets them in another order
        return troubles[place % len(troubles)] if asked.nth <= len(troubles) else completion(asked.prompt)

    troubles, endpoint = list(TROUBLES.values()), server.endpoint(tmp_path, retries=len(TROUBLES))
    server.behave = behave
    assert collect(store, endpoint, questions(12)).texts == [f"q{n}" for n in range(12)]
    assert kept(store, endpoint, questions(12)) == [f"c{n}" for n in range(12)]


@pytest.mark.usefixtures("quick")
def test_a_case_that_fails_for_ever_is_an_answer_with_an_error_and_is_not_kept(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    server.behave = lambda asked: failure(500, "always") if asked.prompt == "q1" else completion(asked.prompt)
    endpoint = server.endpoint(tmp_path, retries=2)
    collected = collect(store, endpoint, questions(3))
    assert collected.texts == ["q0", "", "q2"]
    assert collected.answers[1].finish_reason == "error"
    assert collected.answers[1].error == "HTTP 500: always (3 attempts)"
    assert kept(store, endpoint, questions(3)) == ["c0", "c2"]


@pytest.mark.usefixtures("quick")
def test_a_case_that_failed_is_asked_again_by_the_next_collection_and_no_other_is(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    server.behave = lambda asked: failure(500) if asked.prompt == "q1" and asked.nth < 3 else completion(asked.prompt)
    endpoint = server.endpoint(tmp_path, retries=1)
    collect(store, endpoint, questions(3))
    second = collect(store, endpoint, questions(3))
    assert second.texts == ["q0", "q1", "q2"]
    assert second.requests == 1


def test_a_question_that_is_turned_down_is_an_answer_that_is_kept(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    server.behave = lambda asked: failure(400, "unsafe") if asked.prompt == "q1" else completion(asked.prompt)
    endpoint = server.endpoint(tmp_path)
    for requests in (3, 0):
        collected = collect(store, endpoint, questions(3))
        assert (collected.answers[1].finish_reason, collected.answers[1].error) == ("refused", "HTTP 400: unsafe")
        assert collected.requests == requests


def test_an_endpoint_that_refuses_every_call_is_misconfigured_and_not_bad(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    server.behave = lambda asked: failure(400, f"unknown parameter: seed ({asked.prompt})")
    for _ in range(2):  # what is in the store is no better
        with pytest.raises(ProviderError, match=r"refuses every call \(20 of 20\): HTTP 400: unknown parameter: seed"):
            collect(store, server.endpoint(tmp_path), questions(60))
    assert len(server.asked) < 40


@pytest.mark.usefixtures("quick")
def test_a_provider_that_is_not_there_ends_the_run_soon(store: Store, tmp_path: Path) -> None:
    endpoint = catalog(tmp_path, base_url="http://127.0.0.1:1/v1").endpoints("toy")["full"]
    started = time.monotonic()
    with pytest.raises(ProviderError, match=r"'here' at http://127\.0\.0\.1:1/v1 cannot be reached") as caught:
        collect(store, endpoint, questions(50))
    assert caught.value.exit_code == 4
    assert "what was answered is kept" in str(caught.value)
    assert time.monotonic() - started < 5


@pytest.mark.usefixtures("quick")
def test_a_provider_that_goes_away_ends_the_run_and_what_was_answered_is_kept(
    server: Loopback, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "HOPELESS", 3)
    server.behave = lambda asked: completion("x") if asked.prompt in ("q0", "q1") else failure(503, "maintenance")
    endpoint = server.endpoint(tmp_path, retries=1, concurrency=1)
    with pytest.raises(ProviderError, match="failed for 3 cases in a row: HTTP 503: maintenance"):
        collect(store, endpoint, questions(50))
    assert kept(store, endpoint, questions(50)) == ["c0", "c1"]
    assert len(server.asked) == 2 + 3 * 2


@pytest.mark.usefixtures("quick")
def test_failures_now_and_then_do_not_count_as_a_provider_that_went_away(
    server: Loopback, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "HOPELESS", 2)
    server.behave = lambda asked: failure(500) if int(asked.prompt[1:]) % 2 else completion("x")
    collected = collect(store, server.endpoint(tmp_path, retries=0, concurrency=1), questions(10))
    assert [answer.failed for answer in collected.answers] == [False, True] * 5


STOPS: dict[str, tuple[Sent, type[EvalgateError], str]] = {
    "rejected key": (failure(401, f"wrong {KEY}"), ProviderError, "rejects the key (HTTP 401); check KEY"),
    "no credit": (failure(402, "pay"), ProviderError, "HTTP 402): pay; its credit is used up"),
    "no such model": (failure(404, "no toy"), ProviderError, "HTTP 404): no toy; check base_url"),
    "10 MB": (completion("x" * 10_000_000), ProviderError, "an answer of more than 8 MiB"),
}


@pytest.mark.parametrize("stop", STOPS)
def test_what_cannot_get_better_ends_the_run_and_what_came_before_is_kept(
    server: Loopback, store: Store, tmp_path: Path, stop: str
) -> None:
    sent, kind, told = STOPS[stop]
    server.behave = lambda asked: sent if asked.prompt == "q5" else completion("x")
    endpoint = server.endpoint(tmp_path, concurrency=1, api_key_env="KEY")
    with pytest.raises(kind) as caught:
        collect(store, endpoint, questions(50))
    assert told in str(caught.value)
    assert kept(store, endpoint, questions(50)) == [f"c{n}" for n in range(5)]
    assert len(server.asked) == 6  # nobody goes on asking


@pytest.mark.parametrize("trouble", [failure(401), failure(404), failure(400), completion("x" * 10_000_000)])
def test_an_endpoint_that_cannot_be_asked_takes_nothing_from_the_others(
    server: Loopback, store: Store, tmp_path: Path, trouble: Sent
) -> None:
    providers = [{"id": name, "base_url": server.url, "concurrency": 1} for name in ("good", "bad")]
    variants = [variant(name, provider=name, served_as=name) for name in ("good", "bad")]
    models = [{"id": "toy", "variants": variants}]
    house = load_catalog(written(tmp_path, "two.yaml", {"providers": providers, "models": models})).endpoints("toy")
    slowly = replace(completion("x"), after=0.002)
    server.behave = lambda asked: slowly if asked.body["model"] == "good" else trouble

    async def both() -> list[object]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            asking = (collector.ask(endpoint, questions(100)) for endpoint in house.values())
            return list(await asyncio.gather(*asking, return_exceptions=True))

    good, bad = asyncio.run(both())
    assert isinstance(bad, ProviderError)
    assert isinstance(good, list)
    assert [answer.text for answer in good] == ["x"] * 100


@pytest.mark.usefixtures("quick")
def test_one_model_of_a_provider_may_be_down_while_another_answers(
    server: Loopback, store: Store, tmp_path: Path
) -> None:
    house = catalog(tmp_path, variant(), variant("bad", served_as="bad"), base_url=server.url, retries=0)
    server.behave = lambda asked: failure(500) if asked.body["model"] == "bad" else completion("x")

    async def both() -> list[object]:
        async with Collector(store, {}, now=lambda: 1.0) as collector:
            asking = (collector.ask(endpoint, questions(60)) for endpoint in house.endpoints("toy").values())
            return list(await asyncio.gather(*asking, return_exceptions=True))

    good, bad = asyncio.run(both())
    assert isinstance(good, list)
    assert re.search("^'bad': .* failed for 20 cases in a row: HTTP 500", str(bad))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("trouble", [Sent(b"", reset=True), failure(500), Sent(b"", after=0.2)])
def test_an_endpoint_that_never_answers_ends_its_asking_in_bounded_time(
    server: Loopback, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Sent
) -> None:
    monkeypatch.setattr(health, "NEVER_ANSWERED_SECONDS", 0.3)
    server.behave = lambda asked: trouble
    endpoint = server.endpoint(tmp_path, retries=20, timeout=0.1)
    with pytest.raises(ProviderError, match=r"'full': .*has answered nothing for \d+ s \(\d+ attempts\)") as caught:
        collect(store, endpoint, questions(500))
    assert caught.value.exit_code == 4
    assert len(server.asked) < 500


def test_every_failed_attempt_is_told_when_it_fails(server: Loopback, store: Store, tmp_path: Path) -> None:
    told: list[Trouble] = []
    server.behave = lambda asked: failure(503, "busy", retry_after_ms="1") if asked.nth < 3 else completion("x")

    async def ask() -> None:
        async with Collector(store, {}, now=lambda: 1.0, on_trouble=told.append) as collector:
            await collector.ask(server.endpoint(tmp_path), questions(1))

    asyncio.run(ask())
    assert [(it.endpoint, it.reason, it.attempts) for it in told] == [("full", "HTTP 503: busy", n) for n in (1, 2)]
    assert all(it.again_in is not None and it.again_in >= FLOOR_SECONDS for it in told)


def test_a_store_that_fails_ends_the_run(server: Loopback, store: Store, tmp_path: Path) -> None:
    with store._engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE bodies")
        connection.exec_driver_sql("CREATE VIEW bodies AS SELECT key, x'7b7d' AS body FROM answers")
    with pytest.raises(StoreError, match="cannot be written"):
        collect(store, server.endpoint(tmp_path, concurrency=1), questions(20))
    assert len(server.asked) == 1


def test_a_missing_key_is_found_before_anything_is_asked(server: Loopback, store: Store, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path, api_key_env="MISSING_KEY")
    with pytest.raises(InputError, match="environment variable MISSING_KEY, which is not set"):
        require_ready([endpoint], questions(1)[0].request, {})
    with pytest.raises(InputError, match="MISSING_KEY"):
        collect(store, endpoint, questions(2))
    assert server.asked == []
