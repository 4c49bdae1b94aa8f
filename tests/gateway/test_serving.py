"""A call that goes well: who serves it, what the response says of it, and what is noted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.gateway.house import CHEAP, House, house
from tests.gateway.upstream import DONE, TEXT, USAGE_EVENT, events


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house"), CHEAP) as up:
        yield up


@pytest.fixture
def up(running: House) -> House:
    running.upstream.requests.clear()
    running.upstream.plays.clear()
    running.counts.attempts.clear()
    running.door.booked.clear()
    running.delivered.clear()
    return running


def test_the_cheapest_eligible_variant_serves(up: House) -> None:
    response = up.ask()
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"] == TEXT
    assert up.upstream.models == ["cheap"]


def test_the_block_says_who_served_and_at_what_cost(up: House) -> None:
    told = up.ask().json()["delivery"]
    assert told.pop("latency_ms") > 0
    assert told.pop("reason").startswith("the cheapest eligible variant: green")
    assert told == {
        "tier": "standard",
        "provider": "acme",
        "variant": "cheap",
        "quantization": "fp8",
        "upgraded": False,
        "cost_usd": 0.0000025,
        "baseline_cost_usd": 0.00003,
        "signal_seq": 1,
    }


def test_headers_say_the_same(up: House) -> None:
    headers = up.ask().headers
    assert headers["x-evalgate-variant"] == "cheap"
    assert headers["x-evalgate-upgraded"] == "false"
    assert headers["x-evalgate-cost-usd"] == "0.0000025"


def test_realtime_is_the_baseline(up: House) -> None:
    told = up.ask(headers={"x-evalgate-tier": "realtime"}).json()["delivery"]
    assert (told["variant"], told["tier"], told["upgraded"]) == ("full", "realtime", False)


def test_a_live_call_of_the_batch_tier_is_served_and_said_to_be_upgraded(up: House) -> None:
    told = up.ask(metadata={"operation_id": "sort", "tier": "batch"}).json()["delivery"]
    assert (told["variant"], told["upgraded"]) == ("cheap", True)


def test_what_is_only_ours_goes_no_further(up: House) -> None:
    up.ask(
        metadata={"operation_id": "sort", "mine": "x"}, service_tier="standard", provider={"data_collection": "allow"}
    )
    up.ask(models=["a"], route="fallback", service_tier="flex")
    first, second = (each.body for each in up.upstream.requests)
    assert first["metadata"] == {"mine": "x"}
    assert not {"service_tier", "provider"} & set(first)
    assert second["service_tier"] == "flex"
    assert not {"metadata", "models", "route"} & set(second)


def test_a_stream_comes_as_it_was_sent(up: House) -> None:
    response = up.ask(stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.content == b"".join(events())
    assert response.headers["x-evalgate-variant"] == "cheap"


def test_usage_is_asked_of_the_upstream_and_withheld_from_who_did_not_ask(up: House) -> None:
    response = up.ask(stream=True, stream_options={"include_usage": False})
    assert up.upstream.requests[0].body["stream_options"] == {"include_usage": True}
    assert USAGE_EVENT not in response.content
    assert up.counts.attempts[0].output_tokens == 5


def test_usage_is_given_to_who_asked(up: House) -> None:
    response = up.ask(stream=True, stream_options={"include_usage": True})
    assert response.content.endswith(USAGE_EVENT + DONE)


def test_what_a_call_used_is_booked_once(up: House) -> None:
    up.ask()
    up.ask(stream=True)
    assert up.door.booked == [(Decimal("0.0000025"), 25)] * 2


def test_who_looks_on_is_told(up: House) -> None:
    up.ask(stream=True)
    (told,) = up.delivered
    assert (told.served.id, told.complete, told.stream, told.output_tokens) == ("cheap", True, True, 5)
    assert json.loads(told.body)["model"] == "model"
    assert told.answer is None


def test_embeddings_go_to_the_baseline(up: House) -> None:
    response = up.ask("/v1/embeddings", input="hello")
    assert response.json()["data"][0]["embedding"] == [0.5]
    assert up.upstream.models == ["full"]
    assert up.counts.attempts[0].input_tokens == 3


def test_completions_are_served(up: House) -> None:
    assert up.client.post("/v1/completions", json={"model": "model", "prompt": "a"}).status_code == 200
    assert up.upstream.requests[0].path == "/v1/completions"


def test_the_models_are_those_of_the_catalogue(up: House) -> None:
    assert [each["id"] for each in up.client.get("/v1/models").json()["data"]] == ["model"]
    assert up.client.get("/v1/models/model").json()["id"] == "model"
    assert up.client.get("/v1/models/other").json()["error"]["code"] == "model_not_found"


def test_it_says_that_it_lives_and_is_ready(up: House) -> None:
    assert up.client.get("/healthz").json() == {"status": "ok"}
    told = up.client.get("/readyz").json()
    assert (told["status"], told["signal"]["seq"]) == ("ready", 1)


def test_an_answer_is_kept_for_who_wants_it(tmp_path: Path) -> None:
    with house(tmp_path, CHEAP, wants_answers=True) as up:
        response = up.ask(stream=True)
        assert up.delivered[0].answer == response.content


def test_who_asks_why_hears_of_everybody_who_was_considered(up: House) -> None:
    told = up.ask(headers={"x-evalgate-explain": "1"}).json()["delivery"]["candidates"]
    assert [(each["variant"], each["usable"]) for each in told] == [("cheap", True), ("full", True)]
