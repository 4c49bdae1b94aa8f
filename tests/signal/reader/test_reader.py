"""The reader as a router has it: in threads and tasks, across forks and rotations, with every source for real."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.formats.canonical import digest
from evalgate.signal.document import SignalDocument
from evalgate.signal.envelope import Keyring, SigningKey
from evalgate.signal.reader import SignalReader
from tests.signal.reader.documents import KEY, MODEL, OPERATION, document, entry, signed
from tests.signal.reader.serving import Publisher

Reading = Callable[..., SignalReader]


def now_document(seq: int = 1, *entries: dict[str, object], **changes: object) -> bytes:
    now = time.time() - 1
    valid = {"valid_until": "2100-01-01T00:00:00Z"}
    return document(seq, *(each | valid for each in entries or (entry(),)), at=now, **changes)  # type: ignore[arg-type]


def names(reader: SignalReader) -> list[str]:
    return [each.variant.id for each in reader.eligible(OPERATION, MODEL)]


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    for _ in range(2000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("it never came about")


FIRST = now_document(1, entry("first"))
SECOND = now_document(2, entry("second"), prev=digest(FIRST))


def test_a_file_is_read_and_read_again(tmp_path: Path, reading: Reading) -> None:
    path = tmp_path / "signal.json"
    path.write_bytes(signed(FIRST))
    reader = reading(path)
    assert reader.refresh().ok
    assert names(reader) == ["first"]
    path.write_bytes(signed(SECOND))
    until(lambda: names(reader) == ["second"])


def test_a_reader_without_a_source_that_is_there_answers_with_the_baseline_and_says_why(
    tmp_path: Path, reading: Reading
) -> None:
    reader = reading(tmp_path / "none.json")
    health = reader.refresh()
    assert names(reader) == []
    assert reader.snapshot() is None
    assert "none.json: the signal cannot be read: No such file" in str(health.problem)


@pytest.mark.parametrize("kind", ["pipe", "folder", "huge"])
def test_what_is_no_document_does_not_hold_up_the_reader(tmp_path: Path, reading: Reading, kind: str) -> None:
    path = tmp_path / "signal.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(2**36)
    reader = reading(path)
    assert not reader.refresh(10).ok
    assert names(reader) == []


def test_the_snapshot_is_the_document_itself(tmp_path: Path, reading: Reading) -> None:
    (tmp_path / "signal.json").write_bytes(signed(FIRST))
    reader = reading(tmp_path / "signal.json")
    reader.refresh()
    snapshot = reader.snapshot()
    assert snapshot == SignalDocument.model_validate_json(FIRST)
    assert reader.snapshot() is snapshot


def test_a_refused_document_is_named_once_in_the_log_and_the_last_one_counts(
    tmp_path: Path, reading: Reading, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "signal.json"
    path.write_bytes(signed(FIRST))
    reader = reading(path)
    reader.refresh()
    path.write_bytes(b"{")
    with caplog.at_level(logging.WARNING, "evalgate.signal"):
        for _ in range(3):
            reader.refresh()
    assert names(reader) == ["first"]
    assert len([each for each in caplog.messages if "signal refused: not JSON, or cut off" in each]) == 1
    path.write_bytes(signed(FIRST))
    assert reader.refresh().ok


class TestKeys:
    def test_unsigned_must_be_asked_for_by_name(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="unsigned=True"):
            SignalReader(tmp_path / "signal.json")
        with pytest.raises(InputError, match="contradict"):
            SignalReader(tmp_path / "signal.json", keys=tmp_path, unsigned=True)
        (tmp_path / "signal.json").write_bytes(FIRST + b"\n")
        with SignalReader(tmp_path / "signal.json", unsigned=True) as reader:
            reader.refresh()
            assert names(reader) == ["first"]

    def test_a_key_that_is_none_is_told_at_the_start(self, tmp_path: Path) -> None:
        (tmp_path / "bad.pub").write_text("nothing")
        with pytest.raises(InputError, match="not a public key"):
            SignalReader(tmp_path / "signal.json", keys=tmp_path / "bad.pub")

    def test_a_keyring_will_do(self, tmp_path: Path, reading: Reading) -> None:
        (tmp_path / "signal.json").write_bytes(signed(FIRST))
        assert reading(tmp_path / "signal.json", keys=Keyring.of([KEY.public])).refresh().ok

    def test_a_rotation_needs_no_restart(self, tmp_path: Path, keys: Path, reading: Reading) -> None:
        path, new = tmp_path / "signal.json", SigningKey.generate()
        path.write_bytes(signed(FIRST))
        reader = reading(path)
        reader.refresh()
        path.write_bytes(signed(SECOND, new))
        assert "not trusted here" in str(reader.refresh().refused)
        new.public.save(keys / "two.pub")
        assert reader.refresh().ok
        (keys / "one.pub").unlink()
        assert reader.refresh().ok
        assert names(reader) == ["second"]

    def test_a_key_that_is_withdrawn_takes_its_document_along(
        self, tmp_path: Path, keys: Path, reading: Reading
    ) -> None:
        (tmp_path / "signal.json").write_bytes(signed(FIRST))
        reader = reading(tmp_path / "signal.json")
        reader.refresh()
        SigningKey.generate().public.save(keys / "two.pub")
        (keys / "one.pub").unlink()
        assert not reader.refresh().ok
        assert names(reader) == []

    def test_a_key_that_is_put_back_is_trusted_again(self, keys: Path, publisher: Publisher, reading: Reading) -> None:
        publisher.knows_wait = False
        publisher.document = signed(FIRST)
        reader = reading(publisher.url)
        reader.refresh()
        SigningKey.generate().public.save(keys / "two.pub")
        (keys / "one.pub").rename(keys / "one.old")
        reader.refresh()
        assert names(reader) == []
        (keys / "one.old").rename(keys / "one.pub")
        assert reader.refresh().ok
        assert names(reader) == ["first"]


class TestHTTP:
    def test_a_document_is_fetched_once_and_then_asked_for_by_its_tag(
        self, publisher: Publisher, reading: Reading
    ) -> None:
        publisher.knows_wait = False
        publisher.document = signed(FIRST)
        reader = reading(publisher.url)
        assert reader.refresh().ok
        until(lambda: len(publisher.asked) >= 3)
        assert publisher.asked[-1].headers["If-None-Match"].startswith('"')
        publisher.publish(signed(SECOND))
        until(lambda: names(reader) == ["second"])

    def test_a_long_poll_brings_a_withdrawal_at_once(self, publisher: Publisher, reading: Reading) -> None:
        publisher.document = signed(FIRST)
        reader = reading(publisher.url, interval=0.05, wait=30)
        until(lambda: any("wait" in each.query for each in publisher.asked))
        publisher.publish(signed(SECOND))
        until(lambda: names(reader) == ["second"])
        assert len(publisher.asked) < 5

    def test_who_closes_does_not_wait_for_the_long_poll(self, publisher: Publisher, reading: Reading) -> None:
        publisher.document = signed(FIRST)
        reader = reading(publisher.url, wait=30)
        until(lambda: any("wait" in each.query for each in publisher.asked))
        reader.close()
        assert not [each for each in threading.enumerate() if each is reader._thread]
        assert names(reader) == ["first"]

    def test_the_token_is_sent_and_a_wrong_one_is_told(self, publisher: Publisher, reading: Reading) -> None:
        publisher.document, publisher.token = signed(FIRST), "s3cret"
        assert reading(publisher.url, token="s3cret").refresh().ok
        problem = str(reading(publisher.url, token="wrong").refresh().problem)
        assert "HTTP 401" in problem
        assert "is the token right?" in problem

    def test_what_is_told_of_a_url_has_no_password_and_no_query(self, publisher: Publisher, reading: Reading) -> None:
        publisher.status = 500
        url = publisher.url.replace("127.", "user:s3cret@127.") + "?X-Amz-Signature=s3cret"
        problem = str(reading(url).refresh().problem)
        assert "HTTP 500" in problem
        assert "s3cret" not in problem

    def test_when_the_server_goes_away_the_last_document_counts_and_it_is_found_again(
        self, publisher: Publisher, reading: Reading
    ) -> None:
        publisher.knows_wait = False
        publisher.document = signed(FIRST)
        reader = reading(publisher.url)
        reader.refresh()
        publisher.status = 503
        assert "HTTP 503" in str(reader.refresh().problem)
        assert names(reader) == ["first"]
        publisher.status, publisher.document = 200, signed(SECOND)
        assert reader.refresh().ok
        assert names(reader) == ["second"]

    def test_a_redirect_is_not_followed(self, publisher: Publisher, reading: Reading) -> None:
        publisher.status = 302
        assert "HTTP 302" in str(reading(publisher.url).refresh().problem)

    def test_an_answer_that_was_compressed_unasked_is_refused(self, publisher: Publisher, reading: Reading) -> None:
        publisher.document, publisher.headers = signed(FIRST), {"Content-Encoding": "br"}
        assert "encoding" in str(reading(publisher.url).refresh().problem)

    def test_a_server_that_says_nothing_holds_up_nobody_who_asks(self, publisher: Publisher, reading: Reading) -> None:
        publisher.stalls = True
        reader = reading(publisher.url)
        until(lambda: bool(publisher.asked))
        assert names(reader) == []


def test_sources_that_cannot_be_meant_are_told_at_the_start(keys: Path) -> None:
    for source in ("ftp://host/signal", "http://", "s3://bucket", "s3:///key"):
        with pytest.raises(InputError, match="expected"):
            SignalReader(source, keys=keys)
    with pytest.raises(InputError, match="expected more than 0"):
        SignalReader("signal.json", keys=keys, interval=0)


def test_many_threads_see_one_whole_document_or_the_next(tmp_path: Path, reading: Reading) -> None:
    path = tmp_path / "signal.json"
    one = now_document(1, entry("a"), entry("b"))
    two = now_document(2, entry("c"), entry("d"), prev=digest(one))
    path.write_bytes(signed(one))
    reader = reading(path)
    reader.refresh()
    seen: set[tuple[str, ...]] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(tuple(names(reader)))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    path.write_bytes(signed(two))
    until(lambda: ("c", "d") in seen)
    done.set()
    for thread in threads:
        thread.join()
    assert seen == {("a", "b"), ("c", "d")}


def test_in_an_event_loop_a_look_never_waits_for_the_network(publisher: Publisher, reading: Reading) -> None:
    publisher.document = signed(FIRST)

    async def look() -> list[str]:
        reader = reading(publisher.url)
        while not names(reader):
            await asyncio.sleep(0.005)
        return names(reader)

    assert asyncio.run(look()) == ["first"]


FORKS = """
import os, sys, time
from evalgate.signal.reader import SignalReader
reader = SignalReader(sys.argv[1], keys=sys.argv[2], interval=0.05)
reader.refresh()
child = os.fork()
if child == 0:
    os.replace(sys.argv[3], sys.argv[1])
    for _ in range(400):
        if reader.eligible("sort", "llama")[0].variant.id == "second":
            os._exit(7)
        time.sleep(0.01)
    os._exit(1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_goes_on_reading(tmp_path: Path, keys: Path) -> None:
    (tmp_path / "signal.json").write_bytes(signed(FIRST))
    (tmp_path / "next.json").write_bytes(signed(SECOND))
    arguments = [tmp_path / "signal.json", keys, tmp_path / "next.json"]
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS, *arguments], timeout=30)
    assert ran.returncode == 7


LIGHT = """
import sys
import evalgate.signal.reader
heavy = {"numpy", "scipy", "sqlalchemy", "pydantic", "httpx", "cryptography", "evalgate.gate", "evalgate.store"}
print(sorted(heavy & set(sys.modules)))
"""


def test_a_router_that_embeds_the_reader_loads_nothing_heavy() -> None:
    assert subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True).stdout == "[]\n"


def test_a_bug_in_a_source_of_ones_own_does_not_end_the_reading(reading: Reading) -> None:
    class Own:
        def __init__(self) -> None:
            self.asked = 0

        async def fetch(self, tag: str | None, wait: float) -> object:
            self.asked += 1
            raise ZeroDivisionError

        async def close(self) -> None:
            raise ZeroDivisionError

    own = Own()
    reader = reading(own)
    assert "ZeroDivisionError in the reader" in str(reader.refresh().problem)
    reader.refresh()
    assert own.asked >= 2
