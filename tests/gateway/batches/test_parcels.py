"""What goes to a provider's batch API, and what becomes of it when something goes wrong on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from evalgate.gateway.translation import StreamTranslation
from tests.gateway.batches.conftest import (
    LIVE_PRICE,
    World,
    catalogue,
    ended,
    eventually,
    jsonl,
    line,
    rows,
    running,
    submit,
)
from tests.providers.batch_server import Asked, Call, Fault, Lines, Not
from tests.router.house import Variant


def served(found: Mapping[str, Any]) -> list[str]:
    return [row["response"]["body"]["delivery"]["variant"] for row in found.values()]


def test_a_variant_that_is_withdrawn_while_its_batch_is_handed_in_gives_no_answer(world: World) -> None:
    def fault(call: Call) -> Fault | None:
        if (call.kind, call.method) == ("batches", "POST"):
            world.signal(Variant("cheap", state="red"))
        return None

    world.server.fault, world.server.looks = fault, 0
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0), line(1))).id)
        found = rows(client, batch.output_file_id)
        eventually(lambda: not world.store.read(lambda it: it.exec_driver_sql("SELECT 1 FROM queue_parcels").first()))
    assert (batch.status, served(found)) == ("completed", ["full", "full"])
    assert world.server.count("cancel") <= 1
    wasted = LIVE_PRICE / 2 * sum(isinstance(it, str) for one in world.server.batches.values() for _, it in one.results)
    assert sum(dollars for _, dollars, _ in world.keys.booked) == wasted + Decimal(10) / 1_000_000


def test_what_was_handed_in_while_its_variant_was_green_counts(world: World) -> None:
    world.server.held = True
    with running(world) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(line(0)))
        eventually(lambda: world.server.count("batch", "GET"))
        world.signal(Variant("cheap", state="red"))
        world.server.release()
        found = rows(client, ended(client, batch.id).output_file_id)
    assert served(found) == ["cheap"]
    assert "not eligible any more" in found["c0"]["response"]["body"]["delivery"]["reason"]


def test_a_provider_that_takes_no_batches_has_its_lines_worked_off_one_by_one(world: World) -> None:
    world.server.fault = lambda call: Fault(status=400) if call.kind == "files" else None
    world.settings = replace_settings(world, poll_seconds=0.01)
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0), line(1))).id)
        found = rows(client, batch.output_file_id)
    assert (served(found), len(world.server.live), world.server.sizes) == (["cheap", "cheap"], 2, [])


def test_a_response_that_is_lost_buys_nothing_twice(world: World) -> None:
    def fault(call: Call) -> Fault | None:
        return Fault(lost=True) if (call.kind, call.method, call.nth) == ("batches", "POST", 1) else None

    world.server.fault = fault
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0), line(1))).id)
    assert (batch.status, world.server.sizes, set(world.server.paid.values())) == ("completed", [2], {1})


def test_results_that_break_off_are_read_again_and_booked_once(world: World) -> None:
    def fault(call: Call) -> Fault | None:
        return Fault(only=300) if (call.kind, call.nth) == ("content", 1) else None

    world.server.fault = fault
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(*(line(n) for n in range(4)))).id)
    assert (batch.status, batch.request_counts and batch.request_counts.completed) == ("completed", 4)
    assert world.keys.booked == [("", LIVE_PRICE / 2, 5)] * 4


def test_hostile_results_answer_nothing_and_stop_nothing(world: World) -> None:
    def behave(asked: Asked) -> object:
        odd = [b"no JSON", b"[]", b'{"custom_id": "99", "response": {"status_code": 200, "body": {}}}', b"{}"]
        odd += [json.dumps({"custom_id": asked.custom_id, "response": {"status_code": 200, "body": 7}}).encode()]
        return Lines(odd) if asked.custom_id and asked.nth == 1 and asked.prompt == "q0" else "answer"

    world.server.behave = behave  # type: ignore[assignment]
    with running(world) as gateway:
        client = gateway.client()
        found = rows(client, ended(client, submit(client, jsonl(line(0), line(1))).id).output_file_id)
    assert set(found) == {"c0", "c1"}
    assert len(world.server.live) == 1


def test_what_expired_at_the_provider_is_asked_with_spare_capacity(world: World) -> None:
    world.server.behave = lambda asked: Not("expired") if asked.custom_id else "later"
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
    assert (batch.status, batch.request_counts and batch.request_counts.completed) == ("completed", 1)


def test_a_batch_that_its_provider_never_ends_is_given_up(world: World) -> None:
    world.server.held = True
    world.server.fault = lambda call: Fault(status=409) if call.kind == "cancel" else None
    with running(world) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(line(0)))
        eventually(lambda: world.server.count("batch", "GET"))
        world.ahead = 2 * 86_400 + 1
        done = ended(client, batch.id)
        bad = rows(client, done.error_file_id)
    assert (done.status, bad["c0"]["error"]["code"]) == ("expired", "batch_expired")


def test_the_provider_is_sent_what_the_client_wrote_but_for_what_is_only_ours(world: World) -> None:
    body = {
        "model": "model",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
        "metadata": {"operation_id": "sort"},
        "service_tier": "batch",
        "provider": {"max_price": {"prompt": 5}},
        "logit_bias": {"5": -1.5},
        "unheard_of": [None],
    }
    with running(world) as gateway:
        client = gateway.client()
        ended(client, submit(client, jsonl(line(0, body=body))).id)
    (sent,) = [body for one in world.server.batches.values() for _, body in one.requests]
    kept = {name: body[name] for name in ("messages", "logit_bias", "unheard_of")}
    assert sent == {"model": "small"} | kept


def test_the_key_is_in_no_result(world: World) -> None:
    key = "sk-0123456789abcdefghij"
    url = f"http://127.0.0.1:{world.server.port}/v1"
    world.catalog = catalogue(world.folder, url, discount=True, key=True)
    world.server.key, world.server.behave = key, lambda asked: f"I was told {key}"
    world.catalog = catalogue(world.folder, url, discount=True, key=True)
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
        content = client.files.content(batch.output_file_id or "").read()
    assert b"I was told [key]" in content
    assert key.encode() not in content


class ChatOverMessages:
    """Enough of a translation to see that one is used."""

    path = "/messages"

    def request(self, body: Mapping[str, object]) -> dict[str, object]:
        return {**body, "system": "translated"}

    def response(self, body: bytes) -> bytes:
        said = json.loads(body)["content"][0]["text"]
        return json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}]}).encode()

    def error(self, body: bytes) -> bytes:
        return body

    def stream(self) -> StreamTranslation:
        raise NotImplementedError


def test_a_provider_that_speaks_another_api_is_asked_in_its_words(world: World) -> None:
    url = f"http://127.0.0.1:{world.server.port}/v1"
    world.catalog = catalogue(world.folder, url, discount=True, protocol="anthropic")
    with running(
        world, between=lambda protocol, path: ChatOverMessages() if protocol == "anthropic" else None
    ) as gateway:
        client = gateway.client()
        found = rows(client, ended(client, submit(client, jsonl(line(0))).id).output_file_id)
    response = found["c0"]["response"]["body"]
    assert response["choices"][0]["message"]["content"] == "answer to q0"
    assert (response["delivery"]["variant"], response["delivery"]["cost_usd"]) == (
        "cheap",
        pytest.approx(float(LIVE_PRICE / 2)),
    )
    (sent,) = [body for one in world.server.batches.values() for _, body in one.requests]
    assert sent["system"] == "translated"


def test_who_has_no_words_for_a_request_is_passed_over(world: World) -> None:
    url = f"http://127.0.0.1:{world.server.port}/v1"
    world.catalog = catalogue(world.folder, url, discount=True, protocol="anthropic")
    with running(world) as gateway:
        client = gateway.client()
        found = rows(client, ended(client, submit(client, jsonl(line(0))).id).output_file_id)
    assert served(found) == ["full"]


def replace_settings(world: World, **changes: object) -> Any:
    return world.settings.model_copy(update=changes)
