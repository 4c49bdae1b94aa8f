"""When an upstream fails before the first byte: who is asked next, and what the client hears when nobody can answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from evalgate.router import CLOSED
from tests.gateway.house import CHEAP, House, house, publish
from tests.gateway.upstream import (
    DONE,
    ROLE,
    TEXT,
    Play,
    Talk,
    answers,
    event,
    events,
    fails,
    resets,
    says,
    silence,
    streams,
)
from tests.router.house import Variant

FAST = {"first_token_timeout": 0.3}
ERROR_EVENT = b'data: {"error": {"message": "overloaded", "type": "x", "code": 503}}\n\n'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house"), CHEAP, settings=FAST, provider=", timeout: 1.5") as up:
        yield up


@pytest.fixture
def up(running: House) -> House:
    running.upstream.requests.clear()
    running.upstream.plays.clear()
    running.counts.attempts.clear()
    running.door.booked.clear()
    running.application.desk.health._known.clear()
    running.application.desk.upstreams._made.clear()
    return running


def breaker(up: House, variant: str = "cheap") -> object:
    return up.application.desk.health.breaker(variant, "sort")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "play",
    [
        fails(503),
        fails(429),
        fails(429, headers={"retry-after": "30"}),
        fails(401),
        fails(402),
        fails(404),
        fails(429, code="insufficient_quota"),
        fails(400, code="context_length_exceeded"),
        says(200, b"<html>"),
        says(200, b'{"error": {"message": "busy", "code": 503}}'),
        says(200, b'{"choices": []}'),
        says(302, b"", {"location": "http://elsewhere/"}),
    ],
)
def test_the_next_answers_after_one_attempt(up: House, play: Play, stream: bool) -> None:
    up.upstream.will("cheap", play)
    response = up.ask(stream=stream)
    assert response.status_code == 200
    assert response.headers["x-evalgate-variant"] == "full"
    assert up.upstream.models == ["cheap", "full"]


@pytest.mark.parametrize(
    "play",
    [
        streams(ERROR_EVENT),
        streams(ROLE, ERROR_EVENT),
        streams(ROLE),
        streams(ROLE, DONE),
        streams(ROLE, ends=False),
        streams(),
        streams(b": a\n\n" * 20_000 + ROLE),
    ],
)
def test_a_stream_that_fails_before_content_comes_falls_back(up: House, play: Play) -> None:
    up.upstream.will("cheap", play)
    response = up.ask(stream=True)
    assert response.content == b"".join(events())
    assert response.headers["x-evalgate-variant"] == "full"


def test_the_client_is_told_who_failed(up: House) -> None:
    up.upstream.will("cheap", fails(503, "too\r\nbusy"))
    told = up.ask().json()["delivery"]
    assert told["reason"] == "the baseline, because another failed: cheap (HTTP 503: too busy)"
    assert (told["upgraded"], told["variant"]) == (True, "full")


def test_the_answer_says_whose_it_is_and_only_that_one_is_booked(up: House) -> None:
    up.upstream.will("cheap", fails(503))
    response = up.ask()
    assert (response.json()["model"], response.json()["usage"]["total_tokens"]) == ("full", 25)
    assert up.door.booked == [(Decimal("0.00003"), 25)]


def test_an_error_that_may_pass_is_tried_once_more_at_the_same_place(up: House) -> None:
    up.upstream.will("cheap", fails(500), answers())
    assert up.ask(stream=True).headers["x-evalgate-variant"] == "cheap"
    assert up.upstream.models == ["cheap", "cheap"]


def test_a_connection_that_was_reset_is_tried_once_more(up: House) -> None:
    up.upstream.will("cheap", resets, answers())
    assert up.ask().headers["x-evalgate-variant"] == "cheap"


def test_a_short_retry_after_is_waited_for(up: House) -> None:
    up.upstream.will("cheap", fails(429, headers={"retry-after-ms": "400"}), answers())
    assert up.ask(stream=True).headers["x-evalgate-variant"] == "cheap"
    first, second = up.upstream.requests
    assert second.at - first.at >= 0.4


def test_a_long_retry_after_opens_the_breaker_for_as_long(up: House) -> None:
    up.upstream.will("cheap", fails(429, headers={"retry-after": "60"}))
    up.ask()
    up.ask()
    assert up.upstream.models == ["cheap", "full", "full"]


def test_the_longer_cooldown_wins(up: House) -> None:
    health, now = up.application.desk.health, time.time()
    health.failed("cheap", "sort", now, 60.0)
    health.failed("cheap", "sort", now, 0.7)
    assert health.breaker("cheap", "sort").open_until == now + 60.0


def test_a_silent_upstream_gets_one_attempt(up: House) -> None:
    up.upstream.will("cheap", silence)
    began = time.monotonic()
    assert up.ask(stream=True).headers["x-evalgate-variant"] == "full"
    assert up.upstream.models == ["cheap", "full"]
    assert time.monotonic() - began < 1.4  # the limit of the first token, not the provider's timeout


def test_headers_alone_are_no_first_token(up: House) -> None:
    up.upstream.will("cheap", streams(ROLE, then=silence))
    assert up.ask(stream=True).headers["x-evalgate-variant"] == "full"


def test_a_comment_is_no_first_token(up: House) -> None:
    up.upstream.will("cheap", streams(*[b": waiting\n\n"] * 12, pause=0.05, then=silence))
    assert up.ask(stream=True).headers["x-evalgate-variant"] == "full"


def test_the_last_one_is_not_held_to_the_first_token(up: House) -> None:
    up.upstream.will("full", streams(ROLE, event({"content": "late"}), event({}, "stop"), DONE, pause=0.35))
    response = up.ask(stream=True, headers={"x-evalgate-tier": "realtime"})
    assert (response.status_code, response.content.endswith(DONE)) == (200, True)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "error",
    [
        {"status": 400, "code": "invalid_value"},
        {"status": 422, "code": None},
        {"status": 400, "code": "content_filter"},
        {"status": 400, "code": "content_policy_violation"},
        {"status": 403, "metadata": {"reasons": ["violence"]}},
    ],
)
def test_what_the_request_itself_deserved_is_passed_on_untouched(
    up: House, stream: bool, error: dict[str, object]
) -> None:
    status = int(str(error["status"]))
    play = fails(status, "mind your words", **{name: value for name, value in error.items() if name != "status"})
    up.upstream.will("cheap", play)
    response = up.ask(stream=stream)
    assert response.status_code == status
    assert response.json()["error"]["message"] == "mind your words"
    assert up.upstream.models == ["cheap"]
    assert breaker(up) is CLOSED


def test_a_filter_in_the_first_event_is_passed_on_too(up: House) -> None:
    filtered = b'data: {"error": {"message": "mind your words", "code": "content_filter"}}\n\n'
    up.upstream.will("cheap", streams(filtered))
    response = up.ask(stream=True)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "content_filter")


def test_a_provider_that_turns_the_gateway_away_is_no_fault_of_the_client(up: House) -> None:
    up.upstream.will("full", fails(401, "bad key sk-1234"))
    response = up.ask(metadata={})
    assert response.status_code == 502
    assert "HTTP 401" in response.json()["error"]["message"]
    assert "sk-1234" not in response.text
    up.upstream.will("cheap", fails(401, "bad key sk-1234"))
    up.upstream.will("full", answers())
    assert "sk-1234" not in up.ask().text


def test_the_baseline_is_asked_though_its_breaker_is_open(up: House) -> None:
    up.application.desk.health.failed("full", "", time.time(), 60.0)
    assert up.ask(metadata={}).status_code == 200


def test_the_last_one_is_asked_as_often_as_there_are_attempts(up: House) -> None:
    up.upstream.will("full", fails(500), fails(503), answers())
    assert up.ask(metadata={}).status_code == 200
    assert up.upstream.models == ["full"] * 3


def test_when_all_fail_the_client_hears_when_to_come_back(up: House) -> None:
    up.upstream.will("cheap", fails(429, headers={"retry-after": "61"}))
    up.upstream.will("full", fails(500, "broken"))
    response = up.ask(stream=True)
    assert (response.status_code, response.headers["retry-after"]) == (429, "61")


def test_the_last_ones_error_is_passed_on_with_its_status(up: House) -> None:
    up.upstream.will("cheap", fails(500, "first"))
    up.upstream.will("full", fails(503, "second", headers={"retry-after": "3600"}))
    response = up.ask()
    assert response.status_code == 503
    assert response.json()["error"]["message"] == "second"


def test_five_failures_in_a_row_open_the_breaker(up: House) -> None:
    up.upstream.will("cheap", fails(503))
    for _ in range(7):
        assert up.ask().status_code == 200
    assert len(up.upstream.asked("cheap")) == 5


def test_a_breaker_is_closed_again_by_its_probe(up: House) -> None:
    up.application.desk.health.failed("cheap", "sort", time.time(), 0.2)
    assert up.ask().headers["x-evalgate-variant"] == "full"
    time.sleep(0.25)
    assert up.ask().headers["x-evalgate-variant"] == "cheap"
    assert breaker(up) is CLOSED


@pytest.mark.parametrize("play", [fails(400), fails(400, code="context_length_exceeded")])
def test_a_probe_that_the_request_itself_ended_closes_the_breaker(up: House, play: Play) -> None:
    up.application.desk.health.failed("cheap", "sort", time.time(), 0.05)
    time.sleep(0.1)
    up.upstream.will("cheap", play)
    up.ask()
    assert breaker(up) is CLOSED


def test_a_probe_that_fails_is_not_repeated(up: House) -> None:
    up.application.desk.health.failed("cheap", "sort", time.time(), 0.1)
    time.sleep(0.15)
    up.upstream.will("cheap", fails(500))
    up.ask()
    assert up.upstream.models == ["cheap", "full"]


def test_attempts_are_counted_as_what_they_were(up: House) -> None:
    up.upstream.will("cheap", fails(429))
    up.ask()
    up.upstream.will("cheap", fails(503))
    up.ask()
    up.upstream.will("cheap", fails(400))
    up.ask()
    ok = ("full", "ok")
    assert up.counts.outcomes == [("cheap", "throttled"), ok, ("cheap", "failed"), ok, ("cheap", "callers_fault")]
    assert [tokens for _, tokens in up.door.booked] == [25, 25]


def test_who_does_not_count_tokens_is_asked_again_without(up: House) -> None:
    refusal = fails(400, "unknown parameter: stream_options")
    up.upstream.will("cheap", refusal, streams(*events()))
    response = up.ask(stream=True)
    assert response.headers["x-evalgate-variant"] == "cheap"
    up.upstream.will("cheap", streams(*events()))
    up.ask(stream=True)
    assert [("stream_options" in each.body) for each in up.upstream.requests] == [True, False, False]
    assert up.counts.attempts[0].output_tokens is None
    assert up.door.booked[0][1] > 0


def test_what_the_signal_withdrew_meanwhile_is_not_asked_again(tmp_path: Path) -> None:
    other = Variant("other", 0.2, "green")
    with house(tmp_path, CHEAP, other) as up:
        catalog = up.application.desk.routing.catalog

        async def withdraws(talk: Talk) -> None:
            publish(up.folder, catalog, CHEAP, Variant("other", 0.2, "red"), seq=2)
            while up.application.desk.routing.table.seq == 1:
                await asyncio.sleep(0.02)
            await fails(503)(talk)

        up.upstream.will("cheap", withdraws)
        response = up.ask()
        assert response.json()["choices"][0]["message"]["content"] == TEXT
        assert up.upstream.models == ["cheap", "full"]


def test_a_withdrawal_is_obeyed_while_all_shared_threads_wait_for_a_store(tmp_path: Path) -> None:
    go_on = threading.Event()
    with house(tmp_path, CHEAP) as up:
        for _ in range(200):
            up.loop.call_soon_threadsafe(up.loop.run_in_executor, None, go_on.wait, 20)
        publish(up.folder, up.application.desk.routing.catalog, Variant("cheap", 0.1, "red"), seq=2)
        until = time.monotonic() + 10
        while up.application.desk.routing.table.seq == 1 and time.monotonic() < until:
            time.sleep(0.02)
        try:
            assert up.ask().headers["x-evalgate-variant"] == "full"
        finally:
            go_on.set()


def test_a_client_cannot_keep_others_tokens_from_being_counted(up: House) -> None:
    up.upstream.will("cheap", fails(400, "unknown value: stream_options"))
    assert up.ask(stream=True).status_code == 400
    assert up.ask(stream=True, stream_options={"odd": 1}).status_code == 400
    up.upstream.will("cheap", answers())
    up.ask(stream=True)
    assert up.counts.attempts[-1].output_tokens == 5


def test_a_refusal_that_is_not_json_is_told_in_json(up: House) -> None:
    up.upstream.will("cheap", says(400, b"<html>bad request</html>"))
    response = up.ask()
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
