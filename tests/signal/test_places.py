"""A place is a place: what is tested here is tested on files, a real PostgreSQL and a real S3 server on loopback."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalgate.errors import InfrastructureError, InputError
from evalgate.signal.places import Place, open_place
from evalgate.signal.places.file import FilePlace
from tests.store.conftest import PASSWORD, Server

STREAM = "acme/prod"
_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    pytest.importorskip("moto", reason="no S3 server to test with: pip install 'evalgate-harness[test]'")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL_S3": s3,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{next(_NUMBERS)}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["file", "postgresql", "s3"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Place]:
    """Opens the same place, once for each publisher."""
    if request.param == "file":
        name = str(tmp_path / "folder" / "signal.json")
    elif request.param == "postgresql":
        name = request.getfixturevalue("postgresql").new_database().name
    else:
        name = f"s3://{request.getfixturevalue('bucket')}/acme/signal.json"
    return lambda: open_place(name, STREAM)


def nothing_stays(there: bytes | None) -> bool:
    return False


def test_nothing_is_there_before_something_was_published(opened: Callable[[], Place]) -> None:
    assert opened().read() is None


def test_what_was_put_there_is_read_by_others(opened: Callable[[], Place]) -> None:
    for data in (b"one", b"two" * 100_000):
        assert opened().replace(data, 1, nothing_stays) is None
        assert opened().read() == data


def test_what_must_stay_stays_and_is_returned(opened: Callable[[], Place]) -> None:
    opened().replace(b"2", 2, nothing_stays)
    assert opened().replace(b"1", 1, lambda there: there == b"2") == b"2"
    assert opened().read() == b"2"


def test_publishers_at_once_never_put_an_older_document_over_a_newer_one(opened: Callable[[], Place]) -> None:
    def count_up() -> None:
        """Each goes on from what it found, which only works when comparing and writing are one step."""
        place = opened()
        for _ in range(5):
            while True:
                number = int(place.read() or b"0")
                mine = str(number + 1).encode()
                if place.replace(mine, number + 1, lambda there, n=number: int(there or b"0") != n) is None:
                    break

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened().read() == b"15"


def test_who_listens_is_told_the_seq_when_the_document_can_be_read(postgresql: Server) -> None:
    import psycopg

    name = postgresql.new_database().name
    with psycopg.connect(name, autocommit=True) as listener:
        listener.execute("LISTEN evalgate_signal")
        for seq in (7, 8):
            open_place(name, STREAM).replace(b"x", seq, nothing_stays)
        told = list(listener.notifies(timeout=5, stop_after=2))
        assert [each.payload for each in told] == ["7", "8"]
        row = listener.execute("SELECT stream, seq, document FROM evalgate_signal").fetchone()
    assert row == (STREAM, 8, b"x")


def test_nobody_is_told_of_what_was_not_written(postgresql: Server) -> None:
    import psycopg

    name = postgresql.new_database().name
    open_place(name, STREAM).replace(b"x", 8, nothing_stays)
    with psycopg.connect(name, autocommit=True) as listener:
        listener.execute("LISTEN evalgate_signal")
        open_place(name, STREAM).replace(b"y", 7, lambda there: True)
        assert list(listener.notifies(timeout=0.3)) == []


def test_streams_of_one_database_do_not_meet(postgresql: Server) -> None:
    name = postgresql.new_database().name
    open_place(name, "a").replace(b"a", 1, nothing_stays)
    assert open_place(name, "b").read() is None


def test_a_database_that_is_not_there_is_told_of_without_its_password() -> None:
    place = open_place(f"postgresql://someone:{PASSWORD}@127.0.0.1:1/nowhere?connect_timeout=2", STREAM)
    with pytest.raises(InfrastructureError) as failure:
        place.read()
    assert PASSWORD not in str(failure.value)
    assert "cannot be" in str(failure.value)


def test_a_bucket_that_is_not_there_is_told_of(bucket: str) -> None:
    place = open_place("s3://no-such-bucket-here/key", STREAM)
    for attempt in (place.read, lambda: place.replace(b"x", 1, nothing_stays)):
        with pytest.raises(InfrastructureError, match="no-such-bucket-here"):
            attempt()


@pytest.mark.parametrize("name", ["s3://", "s3://bucket", "s3://bucket/", "http://host/signal", "redis://host/0"])
def test_a_name_that_is_no_place_says_what_would_be_one(name: str) -> None:
    with pytest.raises(InputError, match="expected"):
        open_place(name, STREAM)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real.json")
    FilePlace(tmp_path / "link").replace(b"x", 1, nothing_stays)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"x"


def test_a_file_is_read_again_only_when_it_is_another_one(tmp_path: Path) -> None:
    place = FilePlace(tmp_path / "signal.json")
    assert place.read_if_changed() is None
    place.replace(b"one", 1, nothing_stays)
    first = place.read_if_changed()
    assert place.read_if_changed() is first
    place.replace(b"two", 2, nothing_stays)
    assert place.read_if_changed() == b"two"


def test_a_folder_where_the_file_should_be_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="cannot be published"):
        FilePlace(tmp_path).replace(b"x", 1, nothing_stays)
