"""PostgreSQL and object storage, each a real one, filled by what publishes for real."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from evalgate.formats.canonical import digest
from evalgate.signal.places import open_place
from tests.signal.reader.documents import STREAM, entry, signed
from tests.signal.reader.test_reader import FIRST, SECOND, Reading, names, now_document, until
from tests.store.conftest import Server


def give(place_name: str, payload: bytes, seq: int, stream: str = STREAM) -> None:
    open_place(place_name, stream).replace(signed(payload), seq, lambda there: False)


class TestPostgreSQL:
    def test_a_notification_brings_a_withdrawal_at_once(self, postgresql: Server, reading: Reading) -> None:
        url = postgresql.new_database().name
        give(url, FIRST, 1)
        reader = reading(url, wait=30, interval=0.05)
        assert reader.refresh().ok
        assert names(reader) == ["first"]
        time.sleep(0.3)  # by now it listens
        give(url, SECOND, 2)
        until(lambda: names(reader) == ["second"])

    def test_a_notification_that_was_missed_is_made_up_for(self, postgresql: Server, reading: Reading) -> None:
        database = postgresql.new_database()
        give(database.name, FIRST, 1)
        reader = reading(database.name, wait=0.2, interval=0.05)
        reader.refresh()
        database.query("UPDATE evalgate_signal SET seq = 2, document = ?", signed(SECOND))
        until(lambda: names(reader) == ["second"])

    def test_before_anything_was_published_it_is_said_in_words(self, postgresql: Server, reading: Reading) -> None:
        reader = reading(postgresql.new_database().name)
        problem = str(reader.refresh().problem)
        assert "nothing was published there yet" in problem
        assert "s3cret" not in problem

    def test_of_several_streams_one_must_be_named(self, postgresql: Server, reading: Reading) -> None:
        url = postgresql.new_database().name
        give(url, FIRST, 1)
        give(url, now_document(1, entry("theirs"), stream="acme/other"), 1, "acme/other")
        assert "name one: stream=" in str(reading(url).refresh().problem)
        reader = reading(url, stream="acme/other")
        assert reader.refresh().ok
        assert names(reader) == ["theirs"]

    def test_when_the_server_was_away_the_reader_finds_back(self, postgresql: Server, reading: Reading) -> None:
        url = postgresql.new_database().name
        give(url, FIRST, 1)
        reader = reading(url, wait=0.2, interval=0.05)
        reader.refresh()
        postgresql.stop()
        try:
            until(lambda: "cannot be read" in str(reader.health().problem))
            assert names(reader) == ["first"]
        finally:
            postgresql.start()
        give(url, SECOND, 2)
        until(lambda: names(reader) == ["second"])


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an object in an empty bucket of a real S3 server."""
    moto = pytest.importorskip("moto.server", reason="no S3 server to test with: pip install 'evalgate-harness[test]'")
    server = make_server("127.0.0.1", 0, moto.DomainDispatcherApplication(moto.create_backend_app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    import boto3

    client = boto3.client("s3")
    existing = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    name = f"signals-{len(existing)}"
    client.create_bucket(Bucket=name)
    yield f"s3://{name}/prod/signal.json"
    server.shutdown()
    thread.join(10)


class TestObjectStorage:
    def test_an_object_is_read_and_asked_for_by_its_tag(self, storage: str, reading: Reading) -> None:
        give(storage, FIRST, 1)
        reader = reading(storage)
        assert reader.refresh().ok
        assert reader.refresh().ok
        give(storage, SECOND, 2)
        until(lambda: names(reader) == ["second"])

    def test_an_object_that_is_not_there_is_told(self, storage: str, reading: Reading, tmp_path: Path) -> None:
        reader = reading(storage, cache=tmp_path / "cache")
        assert "cannot be read" in str(reader.refresh().problem)
        assert names(reader) == []


def test_the_chain_of_these_documents_is_whole() -> None:
    assert digest(FIRST).encode() in SECOND
