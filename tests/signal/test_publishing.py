"""Publishing: numbers that nobody takes twice, documents in one chain, and no signature on what is not ours."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from evalgate.errors import InfrastructureError, InputError, StoreError
from evalgate.signal import History, SignalDocument
from evalgate.signal.document import State, parse
from evalgate.signal.envelope import Keyring, SigningKey, seal, unseal
from evalgate.signal.places.file import FilePlace
from evalgate.signal.publishing import Signers, look, publish, renew
from evalgate.store import Store, open_store
from tests.signal.make import NOW, document
from tests.store.conftest import Database

STREAM = "acme/prod"
KEY = SigningKey.generate()
SIGNED, UNSIGNED = Signers([KEY]), Signers()
Make = Callable[[SignalDocument | None], SignalDocument]


def saying(state: State = "green") -> Make:
    return lambda previous: document({"cheap": state})


def read(place: FilePlace) -> SignalDocument:
    data = place.read()
    assert data is not None
    return parse(unseal(data, Keyring.of([KEY.public])).payload)


@pytest.fixture
def place(tmp_path: Path) -> FilePlace:
    return FilePlace(tmp_path / "signal.json")


def test_each_document_names_the_hash_of_the_one_before(store: Store, place: FilePlace) -> None:
    published = [publish(store, STREAM, saying(), [place], SIGNED) for _ in range(3)]
    assert [each.seq for each in published] == [1, 2, 3]
    payloads = [unseal(each.data, Keyring.of([KEY.public])).payload for each in published]
    digests = ["sha256:" + hashlib.sha256(payload).hexdigest() for payload in payloads]
    assert [each.document.prev for each in published] == [None, *digests[:2]]
    assert read(place).seq == 3


def test_the_history_has_the_very_bytes_that_were_published(store: Store, place: FilePlace) -> None:
    published = [publish(store, STREAM, saying(state), [place], SIGNED) for state in ("green", "red")]
    history = History(store)
    assert [each.data for each in history.newest_first(STREAM, 9)] == [each.data for each in reversed(published)]
    assert history.at(STREAM, 1) == published[0]
    assert history.streams() == [STREAM]
    assert history.latest("another") is None


def test_heartbeats_keep_their_entries_once(store: Store, place: FilePlace) -> None:
    publish(store, STREAM, saying(), [place], SIGNED)
    for minute in range(1, 6):
        renew(store, STREAM, [place], SIGNED, now=NOW + timedelta(minutes=minute))
    assert len(list(History(store).newest_first(STREAM, 99))) == 6
    with store.snapshot() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM signal_entries").scalar_one() == 1


def test_a_heartbeat_makes_no_entry_younger(store: Store, place: FilePlace) -> None:
    before = publish(store, STREAM, saying(), [place], SIGNED).document
    after = renew(store, STREAM, [place], SIGNED, now=NOW + timedelta(hours=1)).document
    assert after.entries == before.entries
    assert (after.seq, after.expires_at) == (2, NOW + timedelta(hours=1, minutes=10))


def test_there_is_no_heartbeat_of_nothing(store: Store, place: FilePlace) -> None:
    with pytest.raises(InputError, match="nothing was published yet"):
        renew(store, STREAM, [place], SIGNED, now=NOW)
    assert place.read() is None


def test_a_document_that_was_damaged_in_the_store_is_not_published_again(store: Store) -> None:
    publish(store, STREAM, saying(), [], SIGNED)
    store.write(lambda it: it.exec_driver_sql("UPDATE signals SET digest = 'sha256:0'"))
    with pytest.raises(StoreError, match="seq 1 is damaged"):
        publish(store, STREAM, saying(), [], SIGNED)


def test_publishers_at_once_take_different_numbers_and_the_place_ends_with_the_newest(
    store: Store, place: FilePlace
) -> None:
    found: list[int] = []

    def work() -> None:
        found.extend(publish(store, STREAM, saying(), [place], SIGNED).seq for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 31))
    assert read(place).seq == 30


PUBLISHER = """
import sys
from evalgate.signal.places import open_place
from evalgate.signal.publishing import Signers, publish
from evalgate.store import open_store
from tests.signal.make import document

with open_store(sys.argv[1]) as store:
    for _ in range(5):
        print(publish(store, "acme/prod", lambda before: document(), [open_place(sys.argv[2], "")], Signers()).seq)
"""


def test_publishing_processes_at_once_take_different_numbers(
    store: Store, database: Database, place: FilePlace
) -> None:
    command = [sys.executable, "-c", PUBLISHER, database.name, place.name]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = [list(map(int, process.communicate(timeout=60)[0].split())) for process in processes]
    assert all(each == sorted(each) for each in found)
    assert sorted(seq for each in found for seq in each) == list(range(1, 16))
    assert orjson.loads(place.read() or b"")["seq"] == 15


def test_publishers_with_stores_of_their_own_go_on_from_each_other(tmp_path: Path, place: FilePlace) -> None:
    with open_store(str(tmp_path / "a.db")) as a, open_store(str(tmp_path / "b.db")) as b:
        found = [publish(each, STREAM, saying(), [place], SIGNED) for each in (a, b, b, a)]
    assert [each.seq for each in found] == [1, 2, 3, 4]
    assert [each.document.prev for each in found[1:]] == [each.digest for each in found[:-1]]


def test_two_stores_that_race_to_one_place_never_fork_it(tmp_path: Path, place: FilePlace) -> None:
    seen: list[SignalDocument] = []
    replace = place.replace

    def watched(data: bytes, seq: int, keeps: Callable[[bytes | None], bool]) -> bytes | None:
        there = replace(data, seq, keeps)
        if there is None:
            seen.append(parse(unseal(data, Keyring.of([KEY.public])).payload))
        return there

    place.replace = watched  # type: ignore[method-assign]  # it only looks on

    def work(state: State) -> None:
        with open_store(str(tmp_path / state)) as own:
            for _ in range(8):
                publish(own, STREAM, saying(state), [place], SIGNED)

    threads = [threading.Thread(target=work, args=(state,)) for state in ("green", "red")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.seq for each in seen) == list(range(1, 17))
    assert read(place).seq == 16


def test_a_store_that_was_lost_goes_on_from_what_is_published(tmp_path: Path, place: FilePlace) -> None:
    with open_store(str(tmp_path / "lost.db")) as lost:
        first = publish(lost, STREAM, saying("red"), [place], SIGNED)
    with open_store(str(tmp_path / "new.db")) as new:
        seen = look(new, STREAM, [place], SIGNED)
        assert seen is not None
        assert seen.document == first.document
        assert renew(new, STREAM, [place], SIGNED, now=NOW).document.entries == first.document.entries


def test_what_somebody_else_put_there_is_never_signed_by_us(store: Store, place: FilePlace) -> None:
    for forged in (document().encode(), seal(document().encode(), [SigningKey.generate()]), b"rubbish"):
        place.path.write_bytes(forged)
        with pytest.raises(InputError, match="nothing was published; is it yours, then remove it"):
            publish(store, STREAM, saying(), [place], SIGNED)
        assert place.path.read_bytes() == forged


def test_what_took_the_place_of_our_document_is_replaced_and_not_gone_on_from(store: Store, place: FilePlace) -> None:
    publish(store, STREAM, saying("red"), [place], SIGNED)
    newer = document({"cheap": "green", "evil": "green"}, seq=99)
    for forged in (b"", b"rubb", newer.encode(), seal(newer.encode(), [SigningKey.generate()])):
        place.path.write_bytes(forged)
        renew(store, STREAM, [place], SIGNED, now=NOW)
        assert [(entry.variant.id, entry.state) for entry in read(place).entries] == [("cheap", "red")]


def test_an_older_document_that_was_put_back_is_replaced(store: Store, place: FilePlace) -> None:
    old = publish(store, STREAM, saying("green"), [place], SIGNED)
    publish(store, STREAM, saying("red"), [place], SIGNED)
    place.path.write_bytes(old.data)
    assert renew(store, STREAM, [place], SIGNED, now=NOW).seq == 3
    assert read(place).entries[0].state == "red"


def test_a_stream_whose_store_was_set_back_goes_on_above_what_routers_have_seen(store: Store, place: FilePlace) -> None:
    first = publish(store, STREAM, saying(), [place], SIGNED)
    further = renew(store, STREAM, [place], SIGNED, now=NOW, after=500)
    assert (further.seq, further.document.prev) == (501, first.digest)
    assert renew(store, STREAM, [place], SIGNED, now=NOW, after=7).seq == 502


def test_during_a_rotation_the_new_key_goes_on_from_what_the_old_one_signed(tmp_path: Path, place: FilePlace) -> None:
    new = SigningKey.generate()
    with open_store(str(tmp_path / "a.db")) as store:
        publish(store, STREAM, saying(), [place], SIGNED)
    with open_store(str(tmp_path / "b.db")) as store:
        assert publish(store, STREAM, saying(), [place], Signers([new], Keyring.of([KEY.public]))).seq == 2


def test_an_unsigned_document_never_takes_the_place_of_a_signed_one(store: Store, place: FilePlace) -> None:
    publish(store, STREAM, saying(), [place], SIGNED)
    before = place.read()
    with pytest.raises(InputError, match="signed"):
        publish(store, STREAM, saying(), [place], UNSIGNED)
    assert place.read() == before


def test_another_stream_keeps_its_place(store: Store, place: FilePlace) -> None:
    publish(store, STREAM, saying(), [place], SIGNED)
    with pytest.raises(InputError, match=r"holds the stream 'acme/prod', not 'acme/test'"):
        publish(store, "acme/test", saying(), [place], SIGNED)


@pytest.mark.parametrize("name", ["", " ", "a b", "a\n", "x" * 201, "-a", "ä"])
def test_a_stream_has_a_name_that_can_be_written_anywhere(store: Store, name: str) -> None:
    with pytest.raises(InputError, match="expected up to 200"):
        publish(store, name, saying(), [], SIGNED)


def test_when_one_place_fails_the_others_have_the_document_and_the_number_is_not_given_again(
    store: Store, tmp_path: Path, place: FilePlace
) -> None:
    (tmp_path / "file").write_text("")
    broken = FilePlace(tmp_path / "file" / "signal.json")
    publish(store, STREAM, saying(), [place], SIGNED)
    with pytest.raises(InfrastructureError, match="seq 2 of acme/prod is kept"):
        publish(store, STREAM, saying("red"), [broken, place], SIGNED)
    assert (read(place).seq, read(place).entries[0].state) == (2, "red")
    assert publish(store, STREAM, saying(), [place], SIGNED).seq == 3


KILLED = """
import os, sys
from pathlib import Path
import evalgate.formats.files as files
from evalgate.signal.envelope import SigningKey
from evalgate.signal.places.file import FilePlace
from evalgate.signal.publishing import Signers, publish
from evalgate.store import open_store
from tests.signal.make import document

class Dying:
    def __init__(self, file, left): self.file, self.left = file, left
    def write(self, data):
        self.file.write(data[: self.left]); self.file.flush(); os._exit(9)

real = files.atomic_file
import contextlib
@contextlib.contextmanager
def atomic_file(path):
    with real(path) as file: yield Dying(file, int(sys.argv[3]))
files.atomic_file = atomic_file
with open_store(sys.argv[1]) as store:
    publish(store, "acme/prod", lambda before: document(), [FilePlace(Path(sys.argv[2]))], Signers())
"""


@pytest.mark.parametrize("left", [0, 40])
def test_a_publisher_that_is_killed_while_it_writes_leaves_the_old_document_and_no_lock(
    tmp_path: Path, place: FilePlace, left: int
) -> None:
    with open_store(str(tmp_path / "evalgate.db")) as store:
        publish(store, STREAM, saying(), [place], UNSIGNED)
        before = place.read()
        died = subprocess.run([sys.executable, "-c", KILLED, store.name, place.name, str(left)], check=False)
        assert died.returncode == 9
        assert place.read() == before
        assert publish(store, STREAM, saying(), [place], UNSIGNED).seq == 3
    data = place.read()
    assert data is not None
    assert orjson.loads(data)["seq"] == 3
