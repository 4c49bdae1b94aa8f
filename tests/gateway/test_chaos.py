"""Many calls while everything fails now and then: nobody is served by who may not, and the books are right."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.gateway.house import CHEAP, House, house
from tests.gateway.upstream import (
    DONE,
    ROLE,
    STOP,
    USAGE,
    USAGE_EVENT,
    Play,
    Talk,
    answers,
    event,
    events,
    fails,
    resets,
    says,
    streams,
)
from tests.router.house import Variant

CALLS = 300
WORD = event({"content": "word "})
FAULTS: list[Play] = [
    fails(429, headers={"retry-after-ms": "5"}),
    fails(503),
    fails(500),
    fails(401),
    resets,
    says(200, b"{"),
    says(502, b"<html>bad gateway</html>"),
    streams(ROLE, ends=False),
    streams(b'data: {"error": {"message": "overloaded"}}\n\n'),
]


def whimsical(chance: random.Random, counted: list[int]) -> Play:
    """Fails one call in three; what it counted itself is noted."""

    async def play(talk: Talk) -> None:
        if chance.random() < 0.33:
            await chance.choice(FAULTS)(talk)
            return
        counted.append(USAGE["total_tokens"])
        if talk.request.body.get("stream"):
            await streams(*events()[:-1], USAGE_EVENT, DONE)(talk)
        else:
            await answers()(talk)

    return play


def is_whole(response: httpx.Response) -> bool:
    if response.headers["content-type"].startswith("text/event-stream"):
        return response.content.startswith(ROLE + WORD[:20]) and response.content.endswith(STOP + DONE)
    return bool(response.json()["choices"])


def ask(up: House) -> Callable[[int], httpx.Response]:
    return lambda number: up.ask(stream=bool(number % 2))


def test_in_chaos_nothing_is_lost_and_nobody_is_asked_who_may_not(tmp_path: Path) -> None:
    chance, counted = random.Random(7), list[int]()
    red = Variant("red", 0.01, "red")
    with house(tmp_path, CHEAP, Variant("other", 0.2, "green"), red) as up:
        for model in ("cheap", "other", "full"):
            up.upstream.will(model, whimsical(chance, counted))
        with ThreadPoolExecutor(12) as crowd:
            responses = list(crowd.map(ask(up), range(CALLS)))
        assert "red" not in up.upstream.models
        assert all(is_whole(each) for each in responses if each.status_code == 200)
        lost = [each for each in responses if each.status_code != 200]
        assert all(each.json()["error"]["message"] for each in lost)
        assert all(400 <= each.status_code < 600 for each in lost)
        assert len(lost) < CALLS / 4
        served = [told for told in up.delivered if told.complete]
        assert len(served) == CALLS - len(lost)
        assert sum(told.output_tokens or 0 for told in served) == len(counted) * USAGE["completion_tokens"]
        assert len([each for each in up.counts.attempts if each.outcome == "ok"]) == len(counted)
        assert len(up.counts.attempts) == len(up.upstream.requests)
        assert up.application.live == 0
