"""A client's batch from its file to its results, with the official SDK."""

from __future__ import annotations

from decimal import Decimal

import openai
import pytest

from evalgate.gateway.caller import Caller
from tests.gateway.batches.conftest import (
    LIVE_PRICE,
    Keys,
    World,
    catalogue,
    ended,
    jsonl,
    line,
    rows,
    running,
    submit,
)
from tests.providers.batch_server import Asked, Status
from tests.router.house import Variant


def without_batch_api(world: World) -> World:
    world.catalog = catalogue(world.folder, f"http://127.0.0.1:{world.server.port}/v1", discount=False)
    return world


def test_a_batch_goes_to_the_batch_api_of_the_eligible_variant_at_its_discount(on_both: World) -> None:
    with running(on_both) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(*(line(n) for n in range(5)))).id)
        found = rows(client, batch.output_file_id)
    assert (batch.status, batch.request_counts.model_dump()) == ("completed", {"completed": 5, "failed": 0, "total": 5})
    assert on_both.server.sizes == [5]
    assert [body["model"] for one in on_both.server.batches.values() for _, body in one.requests] == ["small"] * 5
    response = found["c3"]["response"]
    assert (response["status_code"], response["body"]["choices"][0]["message"]["content"]) == (200, "answer to q3")
    told = response["body"]["delivery"]
    assert told["cost_usd"] == pytest.approx(float(LIVE_PRICE / 2))
    assert told["baseline_cost_usd"] == pytest.approx(5e-6)
    assert {name: told[name] for name in ("tier", "variant", "upgraded", "provider", "signal_seq")} == {
        "tier": "batch",
        "variant": "cheap",
        "upgraded": False,
        "provider": "budget",
        "signal_seq": on_both.table().seq,
    }
    assert "green" in told["reason"]
    assert on_both.keys.booked == [("", LIVE_PRICE / 2, 5)] * 5


def test_without_a_batch_api_lines_are_worked_off_one_by_one(on_both: World) -> None:
    world = without_batch_api(on_both)
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(*(line(n) for n in range(9)))).id)
        found = rows(client, batch.output_file_id)
    assert set(found) == {f"c{n}" for n in range(9)}
    assert world.server.sizes == []
    assert {body["model"] for body in world.server.live} == {"small"}
    assert max(world.server.paid.values()) == 1
    told = found["c0"]["response"]["body"]["delivery"]
    assert (told["variant"], told["cost_usd"]) == ("cheap", pytest.approx(float(LIVE_PRICE)))
    assert told["latency_ms"] > 0
    assert [(it.variant, it.operation, it.outcome) for it in world.attempts] == [("cheap", "sort", "ok")] * 9


def test_an_operation_without_a_suite_is_answered_by_the_baseline(world: World) -> None:
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(1)), metadata={"operation_id": "other"}).id)
        told = rows(client, batch.output_file_id)["c1"]["response"]["body"]["delivery"]
    assert (told["variant"], told["upgraded"], told["cost_usd"]) == ("full", True, pytest.approx(5e-6))


def test_the_operation_of_a_line_goes_before_that_of_the_batch(world: World) -> None:
    own = line(1)
    own["body"] = {**own["body"], "metadata": {"operation_id": "other", "mine": "kept"}}  # type: ignore[dict-item]
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(own, line(2))).id)
        found = rows(client, batch.output_file_id)
    served = {name: row["response"]["body"]["delivery"]["variant"] for name, row in found.items()}
    assert served == {"c1": "full", "c2": "cheap"}
    assert [body.get("metadata") for body in world.server.live] == [{"mine": "kept"}]


def test_a_variant_that_went_red_while_lines_were_waiting_is_not_asked(world: World) -> None:
    without_batch_api(world)
    world.live = 1  # no spare capacity
    with running(world) as gateway:
        client = gateway.client()
        batch = submit(client, jsonl(line(1), line(2)))
        while client.batches.retrieve(batch.id).status != "in_progress":
            pass
        world.signal(Variant("cheap", state="red"))
        world.live = 0
        done = ended(client, batch.id)
        found = rows(client, done.output_file_id)
    assert [row["response"]["body"]["delivery"]["variant"] for row in found.values()] == ["full", "full"]
    assert {body["model"] for body in world.server.live} == {"big"}


def test_a_request_that_its_upstream_turns_down_is_in_the_error_file(world: World) -> None:
    world.server.behave = lambda asked: Status(400, "too odd") if asked.prompt == "q1" else "fine"
    for discount in (True, False):
        world.catalog = catalogue(world.folder, f"http://127.0.0.1:{world.server.port}/v1", discount=discount)
        world.signal(*world.variants)
        with running(world) as gateway:
            client = gateway.client()
            batch = ended(client, submit(client, jsonl(line(0), line(1))).id)
            good, bad = rows(client, batch.output_file_id), rows(client, batch.error_file_id)
        assert (batch.status, set(good), set(bad)) == ("completed", {"c0"}, {"c1"})
        assert bad["c1"]["response"]["status_code"] == 400
        assert bad["c1"]["response"]["body"]["error"]["message"] == "too odd"


def test_a_batch_of_which_nothing_came_has_no_output_file(world: World) -> None:
    world.server.behave = lambda asked: Status(400)
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
    assert (batch.status, batch.output_file_id, batch.request_counts.failed) == ("completed", None, 1)


def test_what_a_provider_did_not_reach_is_asked_with_spare_capacity(world: World) -> None:
    def behave(asked: Asked) -> object:
        return Status(500) if asked.custom_id and asked.prompt == "q1" else f"answer to {asked.prompt}"

    world.server.behave = behave  # type: ignore[assignment]
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0), line(1))).id)
        found = rows(client, batch.output_file_id)
    assert set(found) == {"c0", "c1"}
    assert [body["model"] for body in world.server.live] == ["small"]


def test_a_variant_that_fails_is_waited_for_and_then_the_baseline_is_asked(world: World) -> None:
    without_batch_api(world)
    world.server.behave = lambda asked: Status(500) if asked.body["model"] == "small" else "from the baseline"
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
        told = rows(client, batch.output_file_id)["c0"]["response"]["body"]["delivery"]
    assert (told["variant"], told["upgraded"]) == ("full", True)
    assert [body["model"] for body in world.server.live].count("small") >= 3


def test_an_answer_that_cannot_be_used_is_paid_and_asked_again(world: World) -> None:
    without_batch_api(world)
    world.server.behave = lambda asked: 7 if asked.nth == 1 else "an answer"  # type: ignore[return-value, arg-type]
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
    assert (batch.status, batch.request_counts and batch.request_counts.completed) == ("completed", 1)
    assert [tokens for _, _, tokens in world.keys.booked] == [0, 5]
    assert all(dollars > 0 for _, dollars, _ in world.keys.booked)


def test_a_line_that_nobody_can_answer_fails_in_the_end(world: World) -> None:
    without_batch_api(world)
    world.server.behave = lambda asked: Status(500, "broken")
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
        bad = rows(client, batch.error_file_id)
    assert bad["c0"]["response"]["status_code"] == 502
    assert "broken" in bad["c0"]["response"]["body"]["error"]["message"]


def test_embeddings_are_a_batch_too(world: World) -> None:
    asked = {"custom_id": "e", "method": "POST", "url": "/v1/embeddings", "body": {"model": "model", "input": "text"}}
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(asked), endpoint="/v1/embeddings", metadata=None).id)
        body = rows(client, batch.output_file_id)["e"]["response"]["body"]
    assert (body["data"][0]["embedding"], body["delivery"]["variant"]) == ([0.5], "full")
    assert world.keys.booked == [("", Decimal(3) / 1_000_000, 3)]


def test_keys_see_only_their_own_files_and_batches(world: World) -> None:
    world.keys = Keys({"a": Caller("anna"), "b": Caller("ben")})
    with running(world) as gateway:
        anna, ben = gateway.client("a"), gateway.client("b")
        batch = ended(anna, submit(anna, jsonl(line(0))).id)
        assert [it.id for it in anna.batches.list()] == [batch.id]
        assert (list(ben.batches.list()), list(ben.files.list())) == ([], [])
        for look in (
            lambda: ben.batches.retrieve(batch.id),
            lambda: ben.batches.cancel(batch.id),
            lambda: ben.files.retrieve(batch.input_file_id),
            lambda: ben.files.content(batch.output_file_id or ""),
            lambda: ben.files.delete(batch.input_file_id),
        ):
            with pytest.raises(openai.NotFoundError):
                look()
        with pytest.raises(openai.BadRequestError, match="input_file_id"):
            ben.batches.create(
                input_file_id=batch.input_file_id, endpoint="/v1/chat/completions", completion_window="24h"
            )
        with pytest.raises(openai.AuthenticationError):
            gateway.client("c").batches.list()
    assert {caller for caller, _, _ in world.keys.booked} == {"anna"}


def test_a_keys_own_operation_and_tier_are_those_of_all_its_lines(world: World) -> None:
    world.keys = Keys({"fixed": Caller("f", operation="sort"), "full": Caller("r", tier="realtime")})
    other = line(0)
    other["body"] = {**other["body"], "metadata": {"operation_id": "other"}}  # type: ignore[dict-item]
    served = {}
    with running(world) as gateway:
        for key in ("fixed", "full"):
            client = gateway.client(key)
            batch = ended(client, submit(client, jsonl(other), metadata={"operation_id": "other"}).id)
            served[key] = rows(client, batch.output_file_id)["c0"]["response"]["body"]["delivery"]["variant"]
    assert served == {"fixed": "cheap", "full": "full"}


def test_a_line_that_asks_for_more_than_batch_gets_the_baseline_unless_its_key_says_otherwise(world: World) -> None:
    world.keys = Keys({"any": Caller("a"), "batch": Caller("b", tier="batch")})
    dear = line(0)
    dear["body"] = {**dear["body"], "metadata": {"tier": "realtime"}}  # type: ignore[dict-item]
    served = {}
    with running(world) as gateway:
        for key in ("any", "batch"):
            client = gateway.client(key)
            told = rows(client, ended(client, submit(client, jsonl(dear)).id).output_file_id)["c0"]["response"]["body"]
            served[key] = told["delivery"]["variant"]
    assert served == {"any": "full", "batch": "cheap"}


def test_a_key_that_may_spend_no_more_has_its_lines_failed_and_nobody_asked(world: World) -> None:
    with running(world, affords=lambda caller: False) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(0))).id)
        bad = rows(client, batch.error_file_id)
    assert bad["c0"]["response"]["body"]["error"]["code"] == "insufficient_quota"
    assert (world.server.live, world.server.sizes) == ([], [])
