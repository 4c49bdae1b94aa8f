"""The signal from the key to the router: signed, kept, looked at, published again, and refused when it must be."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalgate.signal.document import SignalDocument, parse
from evalgate.signal.envelope import Keyring, unseal
from tests.e2e.conftest import House, build

SIGN = ("--key", "signal.key")
TRUST = ("--trust", "signal.pub")


def document(house: House, name: str = "signal.json") -> SignalDocument:
    data = (house.path / name).read_bytes()
    return parse(unseal(data, Keyring.load(house.path / "signal.pub")).payload)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a signed signal was published, made once."""
    house = build(tmp_path_factory.mktemp("published"))
    assert house.run("signal", "keygen").returncode == 0
    done = house.run("check", "-q", "--publish", "signal.json", *SIGN)
    assert done.returncode == 1, done.stderr  # some are red
    return house.path


@pytest.fixture
def signed(published: Path, tmp_path: Path) -> House:
    """A house of its own in which a signed signal was published."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    return House(tmp_path)


def test_what_check_signs_is_believed_by_who_trusts_the_key(signed: House) -> None:
    done = signed.run("signal", "verify", *TRUST)
    assert (done.returncode, done.stderr) == (0, "")
    assert "local/default seq 1" in done.stdout
    assert "signed by ed25519:" in done.stdout


def test_a_changed_document_is_refused_with_a_reason(signed: House) -> None:
    path = signed.path / "signal.json"
    envelope = json.loads(path.read_text())
    envelope["payload"] = envelope["payload"][:-8] + "AAAAAAA="
    path.write_text(json.dumps(envelope))
    done = signed.run("signal", "verify", *TRUST)
    assert done.returncode == 2
    assert "it was changed after it was signed" in done.stderr


def test_an_unsigned_document_is_refused_unless_it_was_asked_for(signed: House) -> None:
    assert signed.run("signal", "publish", "plain.json", "--unsigned").returncode == 0
    done = signed.run("signal", "verify", "plain.json", *TRUST)
    assert (done.returncode, "is not signed" in done.stderr) == (2, True)
    assert signed.run("signal", "verify", "plain.json", "--unsigned").returncode == 0
    done = signed.run("signal", "verify")
    assert (done.returncode, "whom to believe?" in done.stderr) == (2, True)


def test_a_document_that_was_rolled_back_is_refused(signed: House) -> None:
    done = signed.run("signal", "verify", *TRUST, "--after", "2")
    assert done.returncode == 2
    assert "rolled back: seq 1, and 2 was published before" in done.stderr


def test_publishing_without_a_key_must_be_asked_for_by_name(signed: House) -> None:
    done = signed.run("signal", "publish", "new.json")
    assert done.returncode == 2
    assert "--unsigned" in done.stderr
    assert not (signed.path / "new.json").exists()


def test_a_check_that_publishes_a_file_without_a_key_says_what_that_means(signed: House) -> None:
    done = signed.run("check", "-q", "--publish", "new.json")
    assert "not signed" in done.stderr
    assert "--key FILE" in done.stderr
    assert "not signed" not in signed.run("check", "-q", "--publish", "new.json", "--unsigned").stderr


def test_a_place_that_must_not_be_replaced_is_told_of_before_anything_is_asked(house: House) -> None:
    house.run("signal", "keygen")
    (house.path / "signal.json").write_text("{}")
    done = house.run("check", "-q", "--publish", "signal.json", *SIGN)
    assert done.returncode == 2
    assert "is not signed" in done.stderr
    assert json.loads(house.run("store", "stats", "--json").stdout)["runs"] == 0


def test_the_last_check_can_be_published_later(signed: House) -> None:
    done = signed.run("signal", "publish", "a.json", "b.json", *SIGN)
    assert "seq 2: 1 green, 2 red" in done.stdout, done.stderr
    assert document(signed, "a.json") == document(signed, "b.json")
    assert document(signed, "a.json").entries == document(signed).entries


def test_a_heartbeat_says_the_same_in_the_next_document(signed: House) -> None:
    before = document(signed)
    assert signed.run("signal", "heartbeat", "signal.json", *SIGN).returncode == 0
    after = document(signed)
    assert (after.seq, after.entries) == (before.seq + 1, before.entries)


def test_a_heartbeat_beats_until_it_is_stopped(signed: House) -> None:
    command = [sys.executable, "-m", "evalgate", "signal", "heartbeat", "signal.json", *SIGN, "--every", "1s"]
    with subprocess.Popen(command, cwd=signed.path, stdout=subprocess.PIPE) as process:
        last = time.monotonic() + 20
        while document(signed).seq < 3:
            assert time.monotonic() < last
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_the_key_may_come_from_a_variable(signed: House) -> None:
    pem = (signed.path / "signal.key").read_text()
    done = signed.run("signal", "heartbeat", "signal.json", "--key-env", "SIGNAL_KEY", SIGNAL_KEY=pem)
    assert (done.returncode, document(signed).seq) == (0, 2)


def test_keys_are_rotated_without_a_gap(signed: House) -> None:
    signed.run("signal", "keygen", "--out", "new.key")
    both = ("--key", "signal.key", "--key", "new.key")
    old, new = ("--trust", "signal.pub"), ("--trust", "new.pub")
    assert signed.run("signal", "heartbeat", "signal.json", *both).returncode == 0
    assert [signed.run("signal", "verify", *trusted).returncode for trusted in (old, new)] == [0, 0]
    assert signed.run("signal", "heartbeat", "signal.json", "--key", "new.key").returncode == 0
    assert [signed.run("signal", "verify", *trusted).returncode for trusted in (old, new)] == [2, 0]


def test_the_log_tells_what_every_document_changed(signed: House) -> None:
    signed.run("signal", "heartbeat", "signal.json", *SIGN)
    done = signed.run("signal", "log", COLUMNS="")
    heartbeat, first = done.stdout.splitlines()[1:]
    assert heartbeat.split()[0] == "2"
    assert "heartbeat" in heartbeat
    assert "same: new, green" in first
    newest, oldest = json.loads(signed.run("signal", "log", "--json").stdout)
    assert newest["prev"] == oldest["digest"]
    assert newest["changes"] == []


def test_two_documents_are_told_apart(signed: House) -> None:
    catalog = signed.path / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("price: {input: 0.5,", "price: {input: 0.7,"))
    signed.run("check", "-q", "--publish", "signal.json", *SIGN)
    done = signed.run("signal", "diff", "1", "signal.json")
    assert "name_colour · same: " in done.stdout
    assert "another price" in done.stdout
    assert "no verdict changed" in signed.run("signal", "diff", "2", "signal.json").stdout
    done = signed.run("signal", "diff", "1", "9")
    assert (done.returncode, "no seq 9" in done.stderr) == (2, True)


def test_a_document_is_shown_whether_or_not_it_is_believed(signed: House) -> None:
    done = signed.run("signal", "show")
    assert "not checked" in done.stdout
    assert "worse" in done.stdout
    assert "signed by ed25519:" in signed.run("signal", "show", *TRUST).stdout
    shown = json.loads(signed.run("signal", "show", "--json").stdout)
    assert shown["schema"] == "evalgate.signal/v1"


def test_a_document_in_a_file_is_signed_as_it_is(signed: House) -> None:
    plain = signed.run("signal", "show", "--json").stdout
    (signed.path / "plain.json").write_text(plain)
    done = signed.run("signal", "sign", "plain.json", *SIGN, "--out", "again.json")
    assert done.returncode == 0, done.stderr
    assert document(signed, "again.json") == document(signed)
    (signed.path / "plain.json").write_text("{}")
    done = signed.run("signal", "sign", "plain.json", *SIGN)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "source",
    [
        "http://user:sekret@127.0.0.1:9/signal?token=sekret",
        "http://user:sekret@127.0.0.1:port/signal",
        "postgresql://user:sekret@127.0.0.1:9/signals",
        "postgresql://user:half/sekret@127.0.0.1:9/signals",
        "postgresql://user@127.0.0.1:9/signals?password=sekret",
    ],
)
def test_what_a_sources_name_holds_of_secrets_is_never_told(signed: House, source: str) -> None:
    for command in (["signal", "verify", source, *TRUST], ["signal", "show", source], ["route", "--signal", source]):
        done = signed.run(*command)
        assert done.returncode in {2, 4}
        assert done.stderr.startswith("evalgate: ")
        assert "sekret" not in done.stdout + done.stderr


def test_a_token_that_is_named_and_not_there_is_an_error(signed: House) -> None:
    done = signed.run("signal", "show", "http://127.0.0.1:9/signal", "--token-env", "EVALGATE_NO_SUCH_TOKEN")
    assert (done.returncode, "$EVALGATE_NO_SUCH_TOKEN: not set" in done.stderr) == (2, True)
