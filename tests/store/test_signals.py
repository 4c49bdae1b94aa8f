"""The history of the signal only grows, and its numbers only rise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalgate.errors import StoreError
from evalgate.store import KeptSignal, Signals, Store, open_store, open_to_read
from tests.store.conftest import OF_VERSION_4, Database, back_to_version_1, later_than

FIRST = KeptSignal("acme/prod", 1, 1.0, "sha256:" + "0" * 64, b"{}", b"[1]", None)


def test_what_was_kept_is_found_again(store: Store) -> None:
    signals = Signals(store)
    second = replace(FIRST, seq=2, entries=b"[2]", signatures=b"[]")
    for each in (FIRST, second):
        assert signals.append("acme/prod", lambda latest, made=each: made) == each
    assert signals.latest("acme/prod") == signals.at("acme/prod", 2) == second
    assert list(signals.newest_first("acme/prod", 9)) == [second, FIRST]
    assert list(signals.newest_first("acme/prod", 1)) == [second]
    assert signals.streams() == ["acme/prod"]


def test_streams_are_numbered_on_their_own(store: Store) -> None:
    signals = Signals(store)
    for stream in ("a", "b"):
        signals.append(stream, lambda latest, name=stream: replace(FIRST, stream=name))
    assert (signals.latest("a"), signals.latest("c")) == (replace(FIRST, stream="a"), None)


@pytest.mark.parametrize("made", [FIRST, replace(FIRST, seq=0), replace(FIRST, stream="another", seq=9)])
def test_a_number_that_is_taken_is_refused(store: Store, made: KeptSignal) -> None:
    signals = Signals(store)
    signals.append("acme/prod", lambda latest: FIRST)
    with pytest.raises(StoreError, match="nothing was kept"):
        signals.append("acme/prod", lambda latest: made)
    assert list(signals.newest_first("acme/prod", 9)) == [FIRST]


def test_a_large_number_is_a_number(store: Store) -> None:
    large = replace(FIRST, seq=2**53)
    assert Signals(store).append("acme/prod", lambda latest: large) == large
    assert Signals(store).at("acme/prod", 2**53) == large


def test_a_store_of_an_older_evalgate_has_no_history_and_says_nothing_worse(database: Database) -> None:
    open_store(database.name).__exit__()
    for table in later_than(*OF_VERSION_4):
        database.query(f"DROP TABLE {table}")
    database.query("UPDATE meta SET value = '4' WHERE name = 'schema'")
    with open_to_read(database.name) as store:
        assert Signals(store).latest("acme/prod") is None
        assert Signals(store).streams() == []
        assert list(Signals(store).newest_first("acme/prod", 9)) == []
    with open_store(database.name) as store:
        Signals(store).append("acme/prod", lambda latest: FIRST)
        assert Signals(store).latest("acme/prod") == FIRST


def test_a_store_of_version_1_is_given_a_history(database: Database) -> None:
    open_store(database.name).__exit__()
    back_to_version_1(database)
    with open_store(database.name) as store:
        assert Signals(store).append("acme/prod", lambda latest: FIRST) == FIRST
