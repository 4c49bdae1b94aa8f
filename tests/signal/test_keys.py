"""Keys as files: nobody else may read a secret one, none is overwritten, and what is no key says so."""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from evalgate.errors import SignalError
from evalgate.signal.keys import Keyring, PublicKey, SigningKey


def test_a_key_that_was_kept_signs_as_before(tmp_path: Path) -> None:
    key = SigningKey.generate()
    key.save(tmp_path / "a.key")
    key.public.save(tmp_path / "a.pub")
    again = SigningKey.load(tmp_path / "a.key")
    assert again.id == key.id == PublicKey.load(tmp_path / "a.pub").id
    assert key.public.verifies(again.sign(b"m"), b"m")
    assert not key.public.verifies(again.sign(b"m"), b"n")


def test_the_id_is_the_beginning_of_the_hash_over_the_public_key() -> None:
    public = SigningKey.generate().public
    assert public.id == "ed25519:" + hashlib.sha256(public.raw).hexdigest()[:16]


def test_only_its_owner_may_read_a_secret_key(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    SigningKey.generate().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(SignalError, match="chmod 600"):
        SigningKey.load(path)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    SigningKey.generate().save(path)
    before = path.read_bytes()
    with pytest.raises(SignalError, match="never overwritten"):
        SigningKey.generate().save(path)
    assert path.read_bytes() == before


def test_a_key_in_a_variable_may_have_its_line_breaks_written_out(tmp_path: Path) -> None:
    key = SigningKey.generate()
    key.save(tmp_path / "a.key")
    text = (tmp_path / "a.key").read_text()
    for written in (text, text.replace("\n", "\\n")):
        assert SigningKey.from_environment("KEY", {"KEY": written}).id == key.id
    with pytest.raises(SignalError, match=r"\$KEY: not set"):
        SigningKey.from_environment("KEY", {})


def test_a_folder_is_a_keyring_of_all_its_public_keys(tmp_path: Path) -> None:
    keys = [SigningKey.generate() for _ in range(3)]
    for number, key in enumerate(keys):
        key.save(tmp_path / f"{number}.key")
        key.public.save(tmp_path / f"{number}.pub")
    ring = Keyring.load(tmp_path)
    assert set(ring.keys) == {key.id for key in keys}
    assert ring.trusted(keys[0].id) == keys[0].public
    assert ring.trusted("ed25519:0") is None


def test_an_empty_folder_trusts_nobody_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(SignalError, match=r"no public key here: expected files that end in \.pub"):
        Keyring.load(tmp_path)
    with pytest.raises(SignalError, match="no trusted key"):
        Keyring.load()


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SignalError):
        PublicKey.load(path)
    with pytest.raises(SignalError):
        SigningKey.load(path)


def test_a_secret_key_is_not_taken_for_a_public_one_nor_the_other_way_round(tmp_path: Path) -> None:
    key = SigningKey.generate()
    key.save(tmp_path / "a.key")
    key.public.save(tmp_path / "a.pub")
    (tmp_path / "a.pub").chmod(0o600)
    with pytest.raises(SignalError, match="a secret key, where a public one"):
        PublicKey.load(tmp_path / "a.key")
    with pytest.raises(SignalError, match="a public key, where a secret one"):
        SigningKey.load(tmp_path / "a.pub")


def test_a_secret_key_is_never_shown() -> None:
    key = SigningKey.generate()
    assert repr(key) == f"SigningKey({key.id})"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_key_that_openssl_made_signs_and_is_trusted(tmp_path: Path) -> None:
    secret, public = tmp_path / "a.key", tmp_path / "a.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", secret], check=True)
    subprocess.run(["openssl", "pkey", "-in", secret, "-pubout", "-out", public], check=True)
    secret.chmod(0o600)
    assert PublicKey.load(public).verifies(SigningKey.load(secret).sign(b"m"), b"m")
