"""The keys that sign the signal (Ed25519), and those that a reader trusts.

Keys are kept as PEM, as other tools write and read them (PKCS#8 and SubjectPublicKeyInfo): `openssl genpkey -algorithm
ed25519` makes one as well. A key is known by its id, the beginning of the hash over the public key.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.errors import InfrastructureError, SignalError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ID_DIGITS = 16  # of the SHA-256 over the 32 bytes of the public key, in hex
SUFFIX = ".pub"  # what a file in a folder of trusted keys is called
_MAX_BYTES = 16 * 1024  # of a key file; an Ed25519 key in PEM has 119 bytes


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Checks signatures; `raw` has 32 bytes."""

    raw: bytes

    @property
    def id(self) -> str:
        """`ed25519:` and 16 hex digits."""
        return "ed25519:" + hashlib.sha256(self.raw).hexdigest()[:ID_DIGITS]

    @classmethod
    def load(cls, path: Path) -> PublicKey:
        """Read a PEM file. Raises `SignalError` when there is none, or it is another kind of key."""
        return cls.parse(_read(path), str(path))

    @classmethod
    def parse(cls, pem: bytes, place: str) -> PublicKey:
        """A public key in PEM; `place` is what an error calls it. Raises `SignalError`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if b"PRIVATE KEY" in pem:
            advice = "who reads the signal needs the public half only, which `evalgate signal keygen` wrote beside it"
            raise SignalError(f"{place}: a secret key, where a public one was expected; {advice}")
        try:
            key = load_pem_public_key(pem)
        except Exception:  # the library raises many kinds, some of them its own, for what is no key
            raise SignalError(f"{place}: not a public key: expected an Ed25519 key in PEM") from None
        if not isinstance(key, Ed25519PublicKey):
            raise SignalError(f"{place}: expected an Ed25519 key, got another algorithm's")
        return cls(key.public_bytes_raw())

    def pem(self) -> bytes:
        """SubjectPublicKeyInfo, in PEM."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def save(self, path: Path) -> None:
        """Write a new PEM file. Raises `SignalError` when something is there already."""
        _write_new(path, self.pem(), 0o644)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """True when `signature` was made over exactly `message` with the secret half of this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """Signs; never printed, and never taken from a command's arguments, which every process may look at."""

    __slots__ = ("_key", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key().public_bytes_raw())

    @property
    def id(self) -> str:
        """That of its public half."""
        return self.public.id

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's randomness."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Read a PEM file. Raises `SignalError` when there is none, or everybody on this machine could read it."""
        pem = _read(path)
        if path.stat().st_mode & stat.S_IRWXO:
            raise SignalError(
                f"{path}: everybody on this machine may read this secret key; change that: chmod 600 {path}"
            )
        return cls.parse(pem, str(path))

    @classmethod
    def from_environment(cls, name: str, environment: Mapping[str, str]) -> SigningKey:
        r"""The PEM text that the variable `name` holds; line breaks may be written as `\n`. Raises `SignalError`."""
        text = environment.get(name)
        if not text:
            raise SignalError(f"${name}: not set; expected a secret Ed25519 key in PEM")
        return cls.parse(text.replace("\\n", "\n").encode(), f"${name}")

    @classmethod
    def parse(cls, pem: bytes, place: str) -> SigningKey:
        """A secret key in PEM; `place` is what an error calls it, which never quotes the key. Raises `SignalError`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        if b"PUBLIC KEY" in pem:
            raise SignalError(f"{place}: a public key, where a secret one was expected")
        try:
            key = load_pem_private_key(pem, password=None)
        except TypeError:
            raise SignalError(f"{place}: protected by a password; expected a secret key in plain PEM") from None
        except Exception:  # as above; what it says may quote the key
            raise SignalError(f"{place}: not a secret key: expected an Ed25519 key in PEM (PKCS#8)") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise SignalError(f"{place}: expected an Ed25519 key, got another algorithm's")
        return cls(key)

    def save(self, path: Path) -> None:
        """Write a new PEM file that only its owner may read. Raises `SignalError` when something is there already."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write_new(path, pem, 0o600)

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that a reader trusts, by id. Several at once while one takes the place of another."""

    keys: Mapping[str, PublicKey]

    @classmethod
    def of(cls, keys: Iterable[PublicKey]) -> Keyring:
        """A keyring of these; raises `SignalError` when there are none: nobody could be believed."""
        found = {key.id: key for key in keys}
        if not found:
            raise SignalError("no trusted key was given: no signed document could be believed")
        return cls(found)

    @classmethod
    def load(cls, *paths: Path | str) -> Keyring:
        """Public keys from PEM files, and from all `*.pub` files of folders. Raises `SignalError`."""
        return cls.of(PublicKey.load(path) for each in paths for path in _files(Path(each)))

    def trusted(self, key_id: str) -> PublicKey | None:
        """The key of this id, if it is trusted."""
        return self.keys.get(key_id)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(each for each in path.iterdir() if each.suffix == SUFFIX)
    if not found:
        raise SignalError(f"{path}: no public key here: expected files that end in {SUFFIX}")
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as failure:
        advice = "make a pair of keys with: evalgate signal keygen"
        raise SignalError(f"{path}: the key cannot be read: {failure.strerror}; {advice}") from None
    if len(data) > _MAX_BYTES:
        raise SignalError(f"{path}: larger than {_MAX_BYTES >> 10} KiB; not a key")
    return data


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """What is there stays: whoever loses a secret key cannot sign for those who trust it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise SignalError(
            f"{path}: there is a file already, and a key is never overwritten; name another one"
        ) from None
    except OSError as failure:
        raise InfrastructureError(f"{path}: the key cannot be written: {failure.strerror}") from None
