"""Whatever is published, the reader goes on: it believes it or says why not, and never takes what is not green.

The long run of this is `benchmarks/signal_faults.py --fuzz`.
"""

from __future__ import annotations

import json
import random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evalgate.errors import SignalError
from evalgate.signal.document import SignalDocument
from evalgate.signal.reader.view import decode, rows_of
from tests.conftest import JSON
from tests.signal.reader.documents import MODEL, OPERATION, document, entry, signed
from tests.signal.reader.test_rules import holder

SOUND = json.loads(document(1, entry("a"), entry("b", "red")))


def paths(value: object, above: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above, *(path for key, each in inner for path in paths(each, (*above, key)))]


def changed(path: tuple[object, ...], value: object) -> object:
    """SOUND with another value at a path."""
    if not path:
        return value
    copy = json.loads(json.dumps(SOUND))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copy


HOSTILE = st.sampled_from(
    [
        "green",
        "",
        "sha256:" + "f" * 64,
        "\ud800",
        "2027-01-15T08:00:00Z",
        "0001-01-01T00:00:00+23:59",
        1e308,
        -1,
        2**70,
        {},
        [],
    ]
)


@given(st.sampled_from(paths(SOUND)), JSON | HOSTILE)
def test_one_value_replaced_is_believed_or_refused_and_red_never_becomes_eligible(
    path: tuple[object, ...], value: object
) -> None:
    payload = json.dumps(changed(path, value)).encode()
    held = holder()
    try:
        held.offer(signed(payload))
    except SignalError:
        assert held.eligible(OPERATION, MODEL) == ()
        return
    for each in held.eligible(OPERATION, MODEL):
        assert (each.state, each.verdict) == ("green", "green")


@given(st.binary(max_size=300))
def test_any_bytes_signed_or_not_are_refused_with_a_reason(data: bytes) -> None:
    for offered in (data, signed(data)):
        with pytest.raises(SignalError):
            holder().offer(offered)


@given(st.integers(0, 2**32))
def test_any_bytes_changed_in_an_envelope_are_refused(seed: int) -> None:
    chance, data = random.Random(seed), bytearray(signed(document()))
    before = bytes(data)
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    held = holder()
    try:
        held.offer(bytes(data))
    except SignalError:
        assert held.view is None
    else:  # then it was the hint of who signed, or nothing
        assert held.view is not None
        assert held.view.payload == document()
        assert len(before) == len(data)


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b'{"entries":' + b"[" * 100_000])
def test_nesting_without_end_is_refused(deep: bytes) -> None:
    for offered in (deep, signed(deep)):
        with pytest.raises(SignalError):
            holder().offer(offered)
    with pytest.raises(SignalError):
        decode(deep)


@given(st.sampled_from(paths(SOUND)), JSON | HOSTILE)
def test_what_the_reader_believes_the_published_format_allows(path: tuple[object, ...], value: object) -> None:
    payload = json.dumps(changed(path, value)).encode()
    try:
        read = decode(payload)
    except SignalError:
        return
    try:
        model = SignalDocument.model_validate_json(payload)
    except ValidationError as failure:  # of a hash, the reader counts the characters and no more
        assert {each["type"] for each in failure.errors()} <= {"string_pattern_mismatch"}  # noqa: PT017
        return
    assert (read.seq, read.stream, len(read.entries)) == (model.seq, model.stream, len(model.entries))
    for ours, theirs in zip(read.entries, model.entries, strict=True):
        assert (ours.state, ours.valid_until) == (theirs.state, theirs.valid_until)
        assert ours.variant.config == theirs.variant.config


def test_what_the_published_format_makes_the_reader_believes() -> None:
    model = SignalDocument.model_validate(SOUND)
    assert orjson.loads(model.encode())["entries"]
    rows = rows_of(decode(model.encode()))
    assert [each.variant.id for each in rows[OPERATION, MODEL].entries] == ["a"]
