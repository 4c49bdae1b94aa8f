"""SIGNAL's table of rules, row by row: what is believed, what is refused and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.errors import SignalError
from evalgate.formats.canonical import digest
from evalgate.signal.envelope import Keyring, SigningKey
from evalgate.signal.reader.holder import Holder
from tests.signal.reader.documents import (
    KEY,
    MODEL,
    NOW,
    OPERATION,
    STREAM,
    Hands,
    chain,
    document,
    entry,
    moment,
    signed,
)

RING = Keyring.of([KEY.public])


def holder(hands: Hands | None = None, cache: Path | None = None, keyring: Keyring | None = RING) -> Holder:
    return Holder(keyring, cache, (hands or Hands()).face())


def names(held: Holder, operation: str = OPERATION, model: str = MODEL) -> list[str]:
    return [each.variant.id for each in held.eligible(operation, model)]


def refusal(held: Holder, data: bytes) -> str:
    with pytest.raises(SignalError) as caught:
        held.offer(data)
    assert held.health().refused == str(caught.value)
    return str(caught.value)


def test_nothing_is_eligible_before_the_first_document() -> None:
    assert holder().eligible(OPERATION, MODEL) == ()


def test_green_signed_and_in_time_is_eligible() -> None:
    held = holder()
    assert held.offer(signed(document()))
    (eligible,) = held.eligible(OPERATION, MODEL)
    assert (eligible.variant.id, eligible.baseline, eligible.variant.price.input) == ("cheap", "full", "1")
    assert held.health().ok


@pytest.mark.parametrize("state", ["red", "unknown"])
def test_what_is_not_green_is_not_eligible(state: str) -> None:
    held = holder()
    held.offer(signed(document(1, entry("bad", state), entry("good"))))
    assert names(held) == ["good"]


@pytest.mark.parametrize("verdict", ["red", "inconclusive"])
def test_an_entry_that_contradicts_itself_is_not_eligible(verdict: str) -> None:
    held = holder()
    held.offer(signed(document(1, entry(verdict=verdict))))
    assert names(held) == []


@pytest.mark.parametrize(
    ("operation", "model"), [("other", MODEL), (OPERATION, "other"), ("", ""), ([], {}), (None, 3)]
)
def test_who_is_not_in_the_document_is_not_eligible_and_no_question_raises(operation: str, model: str) -> None:
    held = holder()
    held.offer(signed(document()))
    assert held.eligible(operation, model) == ()


def test_each_entry_counts_until_its_own_valid_until() -> None:
    hands = Hands()
    held = holder(hands)
    held.offer(signed(document(1, entry("a", valid_until=NOW + 100), entry("b", valid_until=NOW + 200))))
    assert names(held) == ["a", "b"]
    hands.pass_by(100)
    assert names(held) == ["b"]
    hands.pass_by(100)
    assert names(held) == []


def test_when_the_publisher_is_silent_the_last_document_counts_and_health_says_so() -> None:
    hands = Hands()
    held = holder(hands)
    held.offer(signed(document()))
    hands.pass_by(3600)
    assert names(held) == ["cheap"]
    assert held.health().stale
    assert held.health().problem == "the publisher is silent: its last document has expired"


def test_a_later_red_withdraws() -> None:
    held = holder()
    for payload in chain([entry()], [entry(state="red")]):
        held.offer(signed(payload))
    assert names(held) == []


def test_a_lower_seq_is_refused_and_the_last_good_document_goes_on_counting() -> None:
    held = holder()
    first, second = chain([entry()], [entry("new")])
    held.offer(signed(first))
    held.offer(signed(second))
    assert refusal(held, signed(first)) == "rolled back: seq 1, but seq 2 was seen already"
    assert names(held) == ["new"]


def test_two_documents_of_one_number_are_refused() -> None:
    held = holder()
    held.offer(signed(document(5)))
    assert "two different documents with seq 5" in refusal(held, signed(document(5, entry("other"))))


def test_a_broken_chain_is_refused_and_the_right_document_is_believed_afterwards() -> None:
    held = holder()
    first = document(1)
    held.offer(signed(first))
    forked = document(2, prev=digest(b"another"))
    assert "does not follow seq 1" in refusal(held, signed(forked))
    assert held.offer(signed(document(2, entry("right"), prev=digest(first))))
    assert names(held) == ["right"]


def test_documents_that_were_missed_are_no_broken_chain() -> None:
    held = holder()
    held.offer(signed(document(1)))
    assert held.offer(signed(document(9, entry("later"), prev=digest(b"8"))))


def test_a_stream_whose_publisher_lost_its_past_goes_on_at_a_higher_number() -> None:
    held = holder()
    held.offer(signed(document(5)))
    assert "its prev is missing" in refusal(held, signed(document(6, entry("anew"))))
    assert held.offer(signed(document(7, entry("anew"))))


def test_a_document_that_expired_before_it_was_first_seen_is_refused() -> None:
    held = holder()
    assert "expired at 2027-01-15 07:58:20 UTC" in refusal(held, signed(document(at=NOW - 700)))
    assert names(held) == []


def test_a_document_from_the_future_is_refused() -> None:
    assert "one of the clocks is wrong" in refusal(holder(), signed(document(at=NOW + 86_400)))


def test_another_stream_of_the_same_key_is_refused() -> None:
    held = holder()
    held.offer(signed(document(1)))
    staging = document(2, stream="acme/staging", prev=digest(document(1)))
    assert refusal(held, signed(staging)) == f"a document of stream 'acme/staging'; expected {STREAM!r}"
    named = Holder(RING, None, Hands().face(), stream="acme/other")
    assert "acme/other" in refusal(named, signed(document(1)))


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_one_changed_byte_is_refused(place: float) -> None:
    data = bytearray(signed(document()))
    data[int(len(data) * place)] ^= 1
    assert refusal(holder(), bytes(data))


def test_unsigned_and_wrongly_signed_documents_are_refused_by_name() -> None:
    assert "not signed" in refusal(holder(), document())
    assert "not trusted here" in refusal(holder(), signed(document(), SigningKey.generate()))


def test_unsigned_documents_are_believed_only_by_a_reader_that_was_told_to() -> None:
    held = holder(keyring=None)
    assert held.offer(document(1) + b"\n")
    assert held.offer(document(2, entry("next"), prev=digest(document(1))))
    assert "no key was given" in refusal(held, signed(document(3)))


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "evalgate.signal/v2"},
        {"seq": 0},
        {"seq": "1"},
        {"seq": 1.5},
        {"entries": None},
        {"entries": [{}]},
        {"issued_at": "2027-01-15T08:00:00"},
        {"expires_at": "soon"},
        {"entries": [entry(), entry()]},
        {"entries": [entry(state="Green")]},
        {"entries": [entry(valid_until=NOW) | {"valid_until": None}]},
    ],
)
def test_a_wrong_schema_is_refused(changes: dict[str, object]) -> None:
    assert "not an evalgate.signal/v1 document" in refusal(holder(), signed(document(**changes)))  # type: ignore[arg-type]


def test_what_later_versions_add_is_ignored() -> None:
    held = holder()
    assert held.offer(signed(document(1, entry(colour="blue"), motto="onwards")))
    assert names(held) == ["cheap"]


class TestRotation:
    next_key = SigningKey.generate()
    both = Keyring.of([KEY.public, next_key.public])

    def test_while_two_keys_are_trusted_either_signs(self) -> None:
        held = holder(keyring=self.both)
        first, second = chain([entry()], [entry("new")])
        held.offer(signed(first))
        held.offer(signed(second, self.next_key))
        assert names(held) == ["new"]
        assert "rolled back" in refusal(held, signed(first))

    def test_when_a_key_is_withdrawn_what_it_alone_signed_counts_no_more(self) -> None:
        held = holder(keyring=self.both)
        held.offer(signed(document()))
        held.trust(Keyring.of([self.next_key.public]))
        assert names(held) == []
        assert "not trusted" in str(held.health().refused)

    def test_when_a_key_is_withdrawn_what_both_signed_goes_on_counting(self) -> None:
        held = holder(keyring=self.both)
        first, second = chain([entry()], [entry("new")])
        held.offer(signed(second, KEY, self.next_key))
        held.trust(Keyring.of([self.next_key.public]))
        assert names(held) == ["new"]
        assert "rolled back" in refusal(held, signed(first, self.next_key))

    def test_what_both_signed_is_remembered_of_both(self) -> None:
        held = holder(keyring=self.both)
        first, second, third = chain([entry()], [entry("new")], [entry("newest")])
        held.offer(signed(first, KEY, self.next_key))
        held.offer(signed(second, KEY, self.next_key))
        held.offer(signed(third))
        held.trust(Keyring.of([self.next_key.public]))
        assert names(held) == []
        assert "rolled back: seq 1, but seq 2" in refusal(held, signed(first, self.next_key))

    def test_a_stolen_key_that_is_withdrawn_does_not_shut_out_the_publisher(self) -> None:
        held = holder(keyring=self.both)
        held.offer(signed(document(2**60)))
        held.trust(Keyring.of([self.next_key.public]))
        assert held.offer(signed(document(3, entry("right"), prev=digest(b"2")), self.next_key))
        assert names(held) == ["right"]


class TestClock:
    def test_a_clock_that_is_set_back_prolongs_nothing_and_shortens_nothing(self) -> None:
        hands = Hands()
        held = holder(hands)
        held.offer(signed(document(1, entry("a", valid_until=NOW + 3600), entry("b", valid_until=NOW + 9000))))
        hands.pass_by(7200)
        hands.wall -= 86_400
        assert names(held) == ["b"]
        assert "the clock of this machine is behind" in str(held.health().problem)

    def test_a_clock_that_is_set_back_by_little_does_not_prolong_an_entry(self) -> None:
        hands = Hands()
        held = holder(hands)
        held.offer(signed(document(1, entry(valid_until=NOW + 100))))
        hands.pass_by(100)
        hands.wall -= 30
        assert names(held) == []

    def test_a_clock_that_runs_ahead_makes_nothing_eligible_and_is_forgiven(self) -> None:
        hands = Hands()
        held = holder(hands)
        held.offer(signed(document(1, entry(valid_until=NOW + 3600))))
        hands.wall += 86_400
        assert names(held) == []
        assert "expired" in refusal(held, signed(document(2, prev=digest(document(1, entry(valid_until=NOW + 3600))))))
        hands.wall -= 86_400
        assert names(held) == ["cheap"]

    def test_while_the_clock_is_behind_documents_are_believed_by_the_time_that_it_must_be(self) -> None:
        hands = Hands()
        held = holder(hands)
        first, second = chain([entry()], [entry("new", valid_until=NOW + 100)])
        held.offer(signed(first))
        hands.wall -= 86_400
        assert held.offer(signed(second))
        assert names(held) == ["new"]
        hands.pass_by(100)
        assert names(held) == []

    def test_when_publisher_and_reader_were_a_day_ahead_and_are_right_again_entries_expire_early(self) -> None:
        hands = Hands(wall=NOW + 86_400)
        held = holder(hands)
        first = document(1, entry(valid_until=NOW + 900_000), at=NOW + 86_400)
        held.offer(signed(first))
        hands.wall -= 86_400
        day, week = entry("day", valid_until=NOW + 80_000), entry("week", valid_until=NOW + 600_000)
        assert held.offer(signed(document(2, day, week, prev=digest(first))))
        assert names(held) == ["week"]


def test_a_time_that_no_calendar_has_is_refused() -> None:
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "99999-01-01T00:00:00Z", moment(NOW)[:-1]):
        held = holder()
        try:
            held.offer(signed(document(1, entry(valid_until=NOW) | {"valid_until": text})))
        except SignalError:
            assert names(held) == []
