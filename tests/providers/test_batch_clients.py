"""What goes over the wire to a batch API, and how what comes back is understood: one attempt each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from evalgate.catalog import Endpoint
from evalgate.errors import InputError, ProviderError
from evalgate.exchange import Answer, Message, Question, Request
from evalgate.providers import AttemptFailed, connect_batch, openai_batch
from evalgate.providers.batch import BatchClient, BatchState, BatchUnknown
from tests.conftest import catalog, variant
from tests.providers.batch_server import BatchServer, Fault, Not, Outcome, Status, chats

KEY = "sk-0123456789abcdefghij"
BOTH = pytest.mark.parametrize("protocol", ["openai", "anthropic"])
T = TypeVar("T")


@pytest.fixture
def server() -> Iterator[BatchServer]:
    server = BatchServer()
    yield server
    server.stop()


def using(endpoint: Endpoint, call: Callable[[BatchClient], Awaitable[T]]) -> T:
    async def once() -> T:
        client = connect_batch(endpoint.provider, {"KEY": KEY})
        try:
            return await call(client)
        finally:
            await client.close()

    return asyncio.run(once())


def submit(endpoint: Endpoint, count: int = 2, token: str = "token") -> str:
    items = [(f"{n:032x}", question) for n, question in enumerate(chats(count))]
    return using(endpoint, lambda client: client.submit(endpoint, items, token))


def poll(endpoint: Endpoint, batch: str, looks: int = 1) -> BatchState:
    async def look(client: BatchClient) -> BatchState:
        for _ in range(looks):
            state = await client.poll(batch)
        return state

    return using(endpoint, look)


def fetch(endpoint: Endpoint, batch: str) -> dict[str, Answer]:
    async def all_of_it(client: BatchClient) -> dict[str, Answer]:
        return {key: answer async for key, answer in client.fetch(batch)}

    return using(endpoint, all_of_it)


def results(server: BatchServer, endpoint: Endpoint, *outcomes: Outcome) -> list[Answer]:
    """The answers of a batch in which this becomes of the questions."""
    server.behave = lambda asked: outcomes[int(asked.prompt[1:])]
    batch = submit(endpoint, len(outcomes))
    poll(endpoint, batch, 2)
    found = fetch(endpoint, batch)
    return [found[f"{n:032x}"] for n in range(len(outcomes))]


def test_openai_gets_a_file_of_requests_and_a_batch_of_it_that_carries_the_token(
    server: BatchServer, tmp_path: Path
) -> None:
    assert submit(server.endpoint(tmp_path, api_key_env="KEY"), token="mine") == "batch_0000"
    assert [json.loads(line) for line in server.files["file-0"].splitlines()] == [
        {
            "custom_id": f"{n:032x}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "toy", "messages": [{"role": "user", "content": f"q{n}"}], "max_tokens": 16},
        }
        for n in range(2)
    ]
    batch = server.batches["batch_0000"]
    assert (batch.endpoint, batch.metadata) == ("/v1/chat/completions", {"evalgate": "mine"})
    assert {call.headers["Authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    assert [call.path for call in server.calls] == ["/v1/files", "/v1/batches"]


@pytest.mark.parametrize(("version", "query"), [(None, ""), ("2024-10-21", "?api-version=2024-10-21")])
def test_azure_gets_the_same_at_its_own_paths_once_the_file_is_ready(
    server: BatchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None, query: str
) -> None:
    monkeypatch.setattr(openai_batch, "_READY_SECONDS", 0.01)
    server.waits_for_files = True
    root = "/openai" if version else "/openai/v1"
    endpoint = server.endpoint(tmp_path, "azure", api_key_env="KEY", api_version=version)
    batch = submit(endpoint)
    assert [call.path for call in server.calls] == [
        f"{root}/files{query}",
        f"{root}/files/file-0{query}",
        f"{root}/batches{query}",
    ]
    assert {call.headers["api-key"] for call in server.calls} == {KEY}
    (line, _) = map(json.loads, server.files["file-0"].splitlines())
    assert (line["url"], line["body"]["model"]) == ("/chat/completions", "toy")
    assert server.batches[batch].endpoint == "/chat/completions"
    assert using(endpoint, lambda client: client.find({"token"}, 0.0)) == {"token": batch}
    assert poll(endpoint, batch, 2).done
    assert len(fetch(endpoint, batch)) == 2


def test_anthropic_gets_all_requests_in_one_body(server: BatchServer, tmp_path: Path) -> None:
    assert submit(server.endpoint(tmp_path, "anthropic", api_key_env="KEY")) == "msgbatch_0000"
    assert server.batches["msgbatch_0000"].requests == [
        (f"{n:032x}", {"model": "toy", "max_tokens": 16, "messages": [{"role": "user", "content": f"q{n}"}]})
        for n in range(2)
    ]
    (call,) = server.calls
    assert (call.path, call.headers["x-api-key"]) == ("/v1/messages/batches", KEY)
    assert call.headers["Content-Type"] == "application/json"


@BOTH
def test_each_result_is_the_answer_that_the_question_would_have_got_alone(
    server: BatchServer, tmp_path: Path, protocol: str
) -> None:
    good, bad, late, broken = results(
        server, server.endpoint(tmp_path, protocol), "four", Status(400, "unsafe"), Not("expired"), Status(500, "oh")
    )
    assert good == Answer("four", "stop", 3, 2, 0.0)
    assert (bad.finish_reason, bad.error) == ("refused", "HTTP 400: unsafe")
    assert (late.finish_reason, broken.finish_reason, broken.error) == ("error", "error", "HTTP 500: oh")
    assert "expired" in (late.error or "")


def test_the_state_of_an_openai_batch(server: BatchServer, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    server.behave = lambda asked: Status(400) if asked.prompt == "q0" else "x"
    batch = submit(endpoint, 3)
    assert poll(endpoint, batch) == BatchState(False, 3, 0, "in_progress")
    assert poll(endpoint, batch) == BatchState(True, 3, 3, "completed")
    server.behave = lambda asked: Not("expired") if asked.prompt == "q0" else "x"
    assert poll(endpoint, submit(endpoint, 3), 2) == BatchState(True, 3, 2, "expired")


def test_the_state_of_an_anthropic_batch(server: BatchServer, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path, "anthropic")
    server.behave = lambda asked: {"q0": Status(400), "q1": Not("expired")}.get(asked.prompt, "x")
    batch = submit(endpoint, 3)
    assert poll(endpoint, batch) == BatchState(False, 3, 0, "in_progress")
    assert poll(endpoint, batch) == BatchState(True, 3, 3, "ended")


def test_a_batch_that_was_refused_as_a_whole_says_why(server: BatchServer, tmp_path: Path) -> None:
    endpoint, server.most = server.endpoint(tmp_path), 1
    state = poll(endpoint, batch := submit(endpoint))
    assert (state.done, state.refused) == (True, "too_many_tasks: The batch has too many requests")
    assert not state.crowded
    assert fetch(endpoint, batch) == {}
    server.most, server.most_waiting = 100, 1
    assert poll(endpoint, submit(endpoint)).crowded


@BOTH
def test_a_cancelled_batch_says_so_until_and_after_it_has_ended(
    server: BatchServer, tmp_path: Path, protocol: str
) -> None:
    endpoint, server.held = server.endpoint(tmp_path, protocol), True
    batch = submit(endpoint)
    using(endpoint, lambda client: client.cancel(batch))
    while not (state := poll(endpoint, batch)).done:
        assert state.cancelled
    assert state.cancelled
    assert {answer.finish_reason for answer in fetch(endpoint, batch).values()} == {"error"}
    using(endpoint, lambda client: client.cancel(batch))
    assert server.count("cancel") == 1


@BOTH
def test_a_batch_that_the_provider_does_not_know(server: BatchServer, tmp_path: Path, protocol: str) -> None:
    with pytest.raises(BatchUnknown):
        poll(server.endpoint(tmp_path, protocol), "batch_nowhere")


def test_a_token_is_looked_for_on_every_page_back_to_the_day_before(server: BatchServer, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    batch = submit(endpoint, token="mine")
    server.foreign(250)

    def find(since: float) -> dict[str, str]:
        return dict(using(endpoint, lambda client: client.find({"mine", "yours"}, since)))

    assert find(since=float(server.batches[batch].made)) == {"mine": batch}
    assert server.count("list", "GET") == 3
    for known in server.batches.values():
        known.made -= 200_000
    assert find(since=float(server.batches[batch].made) + 200_000) == {}
    assert server.count("list", "GET") == 4


def test_anthropic_can_find_nothing(server: BatchServer, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path, "anthropic")
    submit(endpoint)
    assert using(endpoint, lambda client: client.find({"token"}, 0.0)) == {}


def test_results_that_are_elsewhere_are_not_asked_for_with_the_key(server: BatchServer, tmp_path: Path) -> None:
    thief = BatchServer()
    try:
        endpoint = server.endpoint(tmp_path, "anthropic", api_key_env="KEY")
        batch = submit(endpoint)
        poll(endpoint, batch, 2)
        server.results_at = f"http://127.0.0.1:{thief.port}"
        assert len(fetch(endpoint, batch)) == 2
        assert thief.calls == []
        server.results_at = None
        assert len(fetch(endpoint, batch)) == 2
    finally:
        thief.stop()


@BOTH
@pytest.mark.parametrize("kind", ["batch", "content"])
def test_a_failing_call_is_a_failed_attempt(server: BatchServer, tmp_path: Path, protocol: str, kind: str) -> None:
    endpoint = server.endpoint(tmp_path, protocol)
    batch = submit(endpoint)
    poll(endpoint, batch, 2)
    for fault in Fault(status=500), Fault(lost=True), Fault(only=20):
        server.fault = lambda call, fault=fault: fault if call.kind == kind else None  # type: ignore[misc]
        with pytest.raises(AttemptFailed):
            fetch(endpoint, batch)
    server.fault = lambda call: Fault(status=401) if call.kind == kind else None
    with pytest.raises(ProviderError, match="rejects the key"):
        fetch(endpoint, batch)


def test_a_batch_without_a_usable_id_may_have_been_taken(server: BatchServer, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path)
    for name in "", "../../files", "a b", "x" * 300:
        server.called = name
        with pytest.raises(AttemptFailed, match="names no id of the batch") as caught:
            submit(endpoint)
        assert not caught.value.throttled
        assert not caught.value.unreachable


@pytest.mark.parametrize("protocol", ["replay", "openrouter"])
def test_a_protocol_without_a_batch_api_is_refused(tmp_path: Path, protocol: str) -> None:
    more = {"recording": "catalog.yaml"} if protocol == "replay" else {"tag": "x"}
    house = catalog(tmp_path, variant(**more), protocol=protocol, base_url=None)
    with pytest.raises(InputError, match=rf"'here' \(protocol {protocol}\) has no batch API"):
        connect_batch(house.endpoints("toy")["full"].provider, {})


@BOTH
def test_a_missing_key_is_told_before_anything_is_asked(server: BatchServer, tmp_path: Path, protocol: str) -> None:
    with pytest.raises(InputError, match="needs its key in the environment variable KEY"):
        connect_batch(server.endpoint(tmp_path, protocol, api_key_env="KEY").provider, {})


def test_a_question_that_the_protocol_cannot_ask_is_found_when_it_is_split(server: BatchServer, tmp_path: Path) -> None:
    endpoint = server.endpoint(tmp_path, "anthropic")
    odd = Question("c", Request((Message("user", "q"),), {"seed": 1}))

    async def divide(client: BatchClient) -> None:
        list(client.split(endpoint, [("0" * 32, odd)], 100))

    with pytest.raises(InputError, match="knows no parameter 'seed'"):
        using(endpoint, divide)
