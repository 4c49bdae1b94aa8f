"""The envelope: what was signed comes out again, and nothing else does, whatever was sent."""

from __future__ import annotations

import base64

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.errors import SignalError
from evalgate.signal.envelope import PAYLOAD_TYPE, Keyring, SigningKey, opened, pae, seal, unseal

KEY, OTHER = SigningKey.generate(), SigningKey.generate()
TRUSTED = Keyring.of([KEY.public])
PAYLOAD = b'{"schema":"evalgate.signal/v1"}'


def changed(**parts: object) -> bytes:
    """A good envelope but for these parts."""
    return orjson.dumps({**orjson.loads(seal(PAYLOAD, [KEY])), **parts})


def test_the_encoding_that_is_signed_is_that_of_the_specification() -> None:
    # the example of https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(payload=st.binary(max_size=300))
def test_what_a_trusted_key_signed_comes_out_as_it_went_in(payload: bytes) -> None:
    unsealed = unseal(seal(payload, [KEY]), TRUSTED)
    assert (unsealed.payload, unsealed.key_id) == (payload, KEY.id)


def test_both_base64_alphabets_are_read() -> None:
    payload = b"\xfb\xff\xfe" * 20
    read = orjson.loads(seal(payload, [KEY]))
    read["payload"] = base64.urlsafe_b64encode(payload).decode()
    read["signatures"][0]["sig"] = read["signatures"][0]["sig"].replace("+", "-").replace("/", "_")
    assert unseal(orjson.dumps(read), TRUSTED).payload == payload


def test_during_a_rotation_either_key_is_enough() -> None:
    both = seal(PAYLOAD, [OTHER, KEY])
    assert unseal(both, TRUSTED).key_id == KEY.id
    assert unseal(both, Keyring.of([OTHER.public])).key_id == OTHER.id


def test_an_envelope_without_a_key_id_is_checked_with_every_trusted_key() -> None:
    (signature,) = orjson.loads(seal(PAYLOAD, [KEY]))["signatures"]
    unnamed = changed(signatures=[{"sig": signature["sig"]}])
    assert unseal(unnamed, Keyring.of([OTHER.public, KEY.public])).key_id == KEY.id


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PAYLOAD, "is not signed; expected a signature of ed25519:"),
        (seal(PAYLOAD, [OTHER]), f"signed by {OTHER.id}, which is not trusted here; trusted: {KEY.id}"),
        (changed(payload=base64.b64encode(PAYLOAD + b" ").decode()), "it was changed after it was signed"),
        (changed(payloadType="text/plain"), "expected payloadType application/vnd.evalgate.signal"),
        (changed(payload="%%%"), "payload is not base64"),
        (changed(payload=17), "payload is not base64"),
        (changed(signatures=[]), "no signature"),
        (changed(signatures={"a": 1}), "no signature"),
        (changed(signatures=["x"]), "is not an object"),
        (changed(signatures=[{"keyid": KEY.id}]), "sig is not base64"),
        (changed(signatures=[{"keyid": KEY.id, "sig": ""}]), "it was changed after it was signed"),
        (changed(signatures=[{"sig": "QQ=="}] * 17), "17 signatures; expected 16 at most"),
        (seal(PAYLOAD, [KEY])[:-20], "cut off"),
        (b"", "cut off"),
        (b"[]", "expected a JSON object"),
        (b"\xff\xfe", "not JSON"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value.partition("ed25519")[0].strip(),  # keys are drawn anew
)
def test_what_must_not_be_believed_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(SignalError) as failure:
        unseal(data, TRUSTED)
    assert reason in str(failure.value)


def test_a_signature_over_another_type_of_document_does_not_count() -> None:
    foreign = KEY.sign(pae("application/vnd.in-toto+json", PAYLOAD))
    signatures = [{"keyid": KEY.id, "sig": base64.b64encode(foreign).decode()}]
    with pytest.raises(SignalError, match="does not fit"):
        unseal(changed(signatures=signatures), TRUSTED)


def test_a_name_that_another_key_gives_itself_does_not_count() -> None:
    forged = orjson.loads(seal(PAYLOAD, [OTHER]))
    forged["signatures"][0]["keyid"] = KEY.id
    with pytest.raises(SignalError, match="does not fit"):
        unseal(orjson.dumps(forged), TRUSTED)


def test_without_a_key_only_what_is_unsigned_is_read() -> None:
    assert unseal(PAYLOAD, None).key_id is None
    with pytest.raises(SignalError, match="no key was given"):
        unseal(seal(PAYLOAD, [KEY]), None)


def test_nothing_is_sealed_without_a_key() -> None:
    with pytest.raises(SignalError, match="--unsigned"):
        seal(PAYLOAD, [])


@given(position=st.integers(0, 10_000), value=st.integers(0, 255))
def test_no_changed_byte_changes_what_is_read(position: int, value: int) -> None:
    data = bytearray(seal(PAYLOAD, [KEY]))
    data[position % len(data)] = value
    try:
        unsealed = unseal(bytes(data), TRUSTED)
    except SignalError:
        return
    assert unsealed.payload == PAYLOAD


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["keyid", "sig"]), inner, max_size=2),
    max_leaves=8,
)
ENVELOPES = st.fixed_dictionaries(
    {}, optional={"payload": JSON, "payloadType": st.just(PAYLOAD_TYPE) | JSON, "signatures": JSON}
)


@settings(max_examples=300)
@given(data=st.binary(max_size=200) | ENVELOPES.map(orjson.dumps))
def test_an_envelope_of_any_kind_is_refused_and_never_crashes(data: bytes) -> None:
    with pytest.raises(SignalError):
        unseal(data, TRUSTED)


def test_a_look_tells_who_says_to_have_signed() -> None:
    assert opened(seal(PAYLOAD, [KEY, OTHER])) == (PAYLOAD, [KEY.id, OTHER.id])
    assert opened(PAYLOAD) == (PAYLOAD, [])
