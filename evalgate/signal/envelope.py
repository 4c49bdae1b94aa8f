"""The signed envelope around a signal document: DSSE (Dead Simple Signing Envelope), v1, with Ed25519.

What is signed is the bytes of the document together with their type, so that nothing that was signed for another
purpose is ever taken for a signal, and no reader has to write the JSON anew to check it. Source: the DSSE protocol,
https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import msgspec
import orjson

from evalgate.errors import SignalError
from evalgate.signal.keys import Keyring, PublicKey, SigningKey

__all__ = ["MAX_BYTES", "PAYLOAD_TYPE", "Keyring", "PublicKey", "SigningKey", "Unsealed", "pae", "seal", "unseal"]

PAYLOAD_TYPE = "application/vnd.evalgate.signal+json"
MAX_BYTES = 64 * 1024 * 1024  # of a published document; one of 10,000 entries has about 12 MB
MAX_SIGNATURES = 16  # each costs a reader a check; a rotation needs two
_KEY_ID = re.compile(r"ed25519:[0-9a-f]{16}")


class _Quick(TypedDict):
    payloadType: object  # as DSSE has it
    payload: bytes
    signatures: object


_QUICK = msgspec.json.Decoder(_Quick)
_URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What was in the envelope, and by whose key it was believed (None: unsigned, which was asked for by name)."""

    payload: bytes
    key_id: str | None


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, keys: Sequence[SigningKey]) -> bytes:
    """The envelope as JSON, signed with each of `keys` (at least one; two while one takes the place of another)."""
    if not keys:
        raise SignalError("no key to sign with; to publish without a signature, say so: --unsigned")
    return enveloped(payload, signatures_of(payload, keys))


def signatures_of(payload: bytes, keys: Sequence[SigningKey]) -> list[dict[str, str]]:
    """What an envelope has under `signatures`."""
    message = pae(PAYLOAD_TYPE, payload)
    return [{"keyid": key.id, "sig": base64.b64encode(key.sign(message)).decode()} for key in keys]


def enveloped(payload: bytes, signatures: Sequence[Mapping[str, str]]) -> bytes:
    """The envelope with signatures that were made before."""
    encoded = base64.b64encode(payload).decode()
    return orjson.dumps({"payloadType": PAYLOAD_TYPE, "payload": encoded, "signatures": list(signatures)})


def unseal(data: bytes, keyring: Keyring | None) -> Unsealed:
    """The payload of a signed envelope, when one of the keys of `keyring` signed it.

    With `None` for a keyring, an unsigned document is returned as it is, and a signed one is refused: nobody may take
    it for checked. Raises `SignalError` with the reason, and nothing else, whatever `data` holds.
    """
    read = _read(data)
    if keyring is None:
        if _is_envelope(read):
            raise SignalError("the document is signed, but no key was given to check it with: --trust KEY.pub")
        return Unsealed(data, None)
    if not _is_envelope(read):
        trusted = ", ".join(keyring.keys)
        raise SignalError(f"the document is not signed; expected a signature of {trusted}")
    return _open(read, keyring)


def opened(data: bytes) -> tuple[bytes, list[str]]:
    """The payload and who says to have signed it, only to look at: nothing is checked. Raises `SignalError`."""
    read = _read(data)
    if not _is_envelope(read):
        return data, []
    signers = [_shown(key_id) for key_id, _ in _signatures(read.get("signatures"))]
    return _decode(read.get("payload"), "payload"), signers


def _read(data: bytes) -> dict[str, object]:
    if len(data) > MAX_BYTES:
        raise SignalError(f"larger than {MAX_BYTES >> 20} MiB; not a signal document")
    try:
        return {**_QUICK.decode(data)}  # base64 and all, in half the time; what it does not take is looked at closely
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        read = orjson.loads(data)
    except orjson.JSONDecodeError as failure:
        raise SignalError(f"not JSON, or cut off: {failure.msg} at character {failure.pos}") from None
    if not isinstance(read, dict):
        raise SignalError("not a signal document: expected a JSON object")
    return read


def _is_envelope(read: dict[str, object]) -> bool:
    return "payload" in read or "signatures" in read


def _open(envelope: dict[str, object], keyring: Keyring) -> Unsealed:
    kind = envelope.get("payloadType")
    if kind != PAYLOAD_TYPE:
        raise SignalError(f"the envelope holds {_shown(kind)}, not a signal: expected payloadType {PAYLOAD_TYPE}")
    payload = _decode(envelope.get("payload"), "payload")
    message = pae(PAYLOAD_TYPE, payload)
    signatures = _signatures(envelope.get("signatures"))
    for key_id, signature in signatures:
        for key in _candidates(key_id, keyring):
            if key.verifies(signature, message):
                return Unsealed(payload, key.id)
    if any(_candidates(key_id, keyring) for key_id, _ in signatures):
        reason = "it was changed after it was signed, or signed with another key"
        raise SignalError(f"the signature does not fit the document: {reason}")
    signers = ", ".join(_shown(key_id) for key_id, _ in signatures)
    raise SignalError(f"signed by {signers}, which is not trusted here; trusted: {', '.join(keyring.keys)}")


def _candidates(key_id: str | None, keyring: Keyring) -> list[PublicKey]:
    if key_id is None:
        return [*keyring.keys.values()]
    key = keyring.trusted(key_id)
    return [] if key is None else [key]


def _signatures(value: object) -> list[tuple[str | None, bytes]]:
    """As (key id or None, signature). A key id is only a hint, which nobody signed: it may be absent."""
    if not isinstance(value, list) or not value:
        raise SignalError("the envelope has no signature")
    if len(value) > MAX_SIGNATURES:
        raise SignalError(f"the envelope has {len(value)} signatures; expected {MAX_SIGNATURES} at most")
    found: list[tuple[str | None, bytes]] = []
    for one in value:
        if not isinstance(one, dict):
            raise SignalError("a signature of the envelope is not an object")
        key_id = one.get("keyid")
        found.append((key_id if isinstance(key_id, str) and key_id else None, _decode(one.get("sig"), "sig")))
    return found


def _decode(value: object, name: str) -> bytes:
    """Both base64 alphabets, as DSSE demands of who reads; nothing else."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else "!"
    if "-" in text or "_" in text:
        text = text.translate(_URL_SAFE)
    try:
        return binascii.a2b_base64(text, strict_mode=True)  # five times as fast as base64.b64decode(validate=True)
    except (ValueError, binascii.Error):
        raise SignalError(f"the envelope's {name} is not base64") from None


def _shown(value: object) -> str:
    return value if isinstance(value, str) and _KEY_ID.fullmatch(value) else repr(value)[:80]
