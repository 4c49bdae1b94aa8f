"""The files and batches of the OpenAI API: what the official SDK makes of them, and what strangers send."""

from __future__ import annotations

import httpx
import openai
import pytest

from evalgate.gateway.batches import api
from tests.gateway.batches.conftest import World, ended, jsonl, line, running, submit


@pytest.fixture
def idle(world: World):
    """A gateway that takes batches and does nothing of them."""
    with running(world, working=False) as gateway:
        yield gateway


def test_a_file_comes_back_as_it_was_sent(on_both: World) -> None:
    content = bytes(range(256)) * 12_000  # some chunks
    with running(on_both, working=False) as gateway:
        client = gateway.client()
        file = client.files.create(file=("a name.jsonl", content), purpose="batch")
        assert (file.bytes, file.filename, file.purpose, file.status) == (
            len(content),
            "a name.jsonl",
            "batch",
            "processed",
        )
        assert client.files.retrieve(file.id) == file
        assert client.files.content(file.id).read() == content
        assert client.files.delete(file.id).deleted
        with pytest.raises(openai.NotFoundError):
            client.files.content(file.id)


def test_lists_have_pages_from_the_newest_on(idle) -> None:
    client = idle.client()
    made = [client.files.create(file=(f"{n}.jsonl", b"{}"), purpose="batch").id for n in range(5)]
    assert [file.id for file in client.files.list(limit=2)] == made[::-1]
    assert [file.id for file in client.files.list(limit=2, order="asc")] == made
    assert list(client.files.list(purpose="fine-tune")) == []
    batches = [submit(client, b"{}").id for _ in range(3)]
    assert [batch.id for batch in client.batches.list(limit=2)] == batches[::-1]


def test_a_batch_is_told_at_once_and_read_later(idle) -> None:
    client = idle.client()
    batch = submit(client, jsonl(line(1)), metadata={"operation_id": "sort", "mine": "kept"})
    assert (batch.status, batch.completion_window, batch.object) == ("validating", "24h", "batch")
    assert batch.expires_at == batch.created_at + 86_400
    assert batch.metadata == {"operation_id": "sort", "mine": "kept"}
    assert client.batches.retrieve(batch.id) == batch


def test_a_file_that_cannot_be_used_fails_the_batch_and_says_why(world: World) -> None:
    with running(world) as gateway:
        client = gateway.client()
        batch = ended(client, submit(client, jsonl(line(1), line(1)) + b"no JSON").id)
    assert batch.errors is not None
    assert batch.status == "failed"
    assert [(it.code, it.line) for it in batch.errors.data or []] == [
        ("duplicate_custom_id", 2),
        ("invalid_json_line", 3),
    ]
    assert batch.failed_at is not None
    assert (world.server.live, world.server.sizes) == ([], [])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"endpoint": "/v1/responses"}, "endpoint"),
        ({"completion_window": "1h"}, "completion_window"),
        ({"input_file_id": "file-none"}, "input_file_id"),
        ({"input_file_id": "a\0b"}, "input_file_id"),
        ({"metadata": {"a": 5}}, "metadata"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
        ({"metadata": {"operation_id": "x" * 201}}, "operation_id"),
    ],
)
def test_a_batch_that_is_asked_for_wrongly_is_a_bad_request(idle, changes: dict[str, object], named: str) -> None:
    client = idle.client()
    file = client.files.create(file=("a.jsonl", b"{}"), purpose="batch").id
    given = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"} | changes
    with pytest.raises(openai.BadRequestError, match=named):
        client.post("/batches", body=given, cast_to=object)


def test_results_are_no_input(world: World) -> None:
    with running(world) as gateway:
        client = gateway.client()
        done = ended(client, submit(client, jsonl(line(1))).id)
        with pytest.raises(openai.BadRequestError, match="purpose"):
            client.batches.create(
                input_file_id=done.output_file_id or "", endpoint="/v1/embeddings", completion_window="24h"
            )


def test_a_file_that_is_too_large_is_refused_while_it_is_still_coming(idle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_BYTES", 100_000)
    client = idle.client()
    with pytest.raises(openai.APIStatusError) as refused:
        client.files.create(file=("a.jsonl", b"x" * 300_000), purpose="batch")
    assert refused.value.status_code == 413

    def endless():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 10_000

    form = {"content-type": "multipart/form-data; boundary=b"}
    with httpx.Client() as raw:
        answer = raw.post(f"{idle.url}/files", content=endless(), headers=form)
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "request_too_large")
    assert list(client.files.list()) == []


FORM = {"content-type": "multipart/form-data; boundary=b"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "content"),
    [
        ("POST", "files", {"content-type": "application/json"}, b"{}"),
        ("POST", "files", {"content-type": "multipart/form-data"}, b"x"),
        ("POST", "files", FORM, b"no form at all"),
        ("POST", "files", FORM, b"--b\r\n\r\n\r\n--b--\r\n"),
        ("POST", "files", FORM, b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n'),
        ("POST", "batches", {}, b"\xff\xfe"),
        ("POST", "batches", {}, b"[" * 60_000),
        ("POST", "batches", {}, b'{"metadata":' + b"[" * 500 + b"]" * 500 + b"}"),
        ("POST", "batches", {}, b"5"),
        ("GET", "files?limit=x", {}, b""),
        ("GET", "files?limit=0", {}, b""),
        ("GET", "batches?limit=101", {}, b""),
        ("GET", "files?order=odd", {}, b""),
    ],
)
def test_what_nobody_can_read_is_a_bad_request(
    idle, method: str, path: str, headers: dict[str, str], content: bytes
) -> None:
    answer = httpx.request(method, f"{idle.url}/{path}", headers=headers, content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert list(idle.client().batches.list()) == []


def test_a_store_that_is_away_is_said_so_and_nothing_of_it_is_told(world: World) -> None:
    world.store._engine.dispose()
    with running(world, working=False) as gateway:
        (world.folder / "store.db").write_bytes(b"no database" * 1000)
        answer = httpx.get(f"{gateway.url}/batches")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "store.db" not in answer.text
