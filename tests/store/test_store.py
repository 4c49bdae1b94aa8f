"""What is put into the store comes out of it, and nothing is bought twice."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.errors import StoreError
from evalgate.exchange import Answer, FinishReason
from evalgate.store import Bought, Scored, Store, answer_key, dialect, open_store, schema
from tests.conftest import JSON
from tests.store.conftest import Database, bought

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
TOKENS = st.integers(0, 10_000_000)
ANSWERS = st.builds(
    Answer,
    text=TEXT,
    finish_reason=st.sampled_from(get_args(FinishReason)),
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    latency_ms=st.floats(0, 1e7),
    error=st.none() | TEXT,
    details=st.dictionaries(TEXT, JSON, max_size=2),
    answered_at=st.floats(0, 4e9),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(ANSWERS, max_size=4))
def test_answers_come_out_as_they_went_in(store: Store, answers: list[Answer]) -> None:
    group = [Bought("r", "c", number, "v", Decimal(0), answer, since=5e9) for number, answer in enumerate(answers)]
    store.add(group)
    assert store.find([one.key for one in group]) == {one.key: one.answer for one in group}


@given(st.tuples(TEXT, TEXT, st.integers(0, 99)), st.tuples(TEXT, TEXT, st.integers(0, 99)))
def test_two_answers_have_one_key_exactly_when_all_that_identifies_them_is_equal(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    # the parts are hashes in practice, which have no line ends
    one, other = ((part[0].replace("\n", ""), part[1].replace("\n", ""), part[2]) for part in (one, other))
    assert (answer_key(*one) == answer_key(*other)) is (one == other)


def test_an_answer_that_is_known_is_left_alone(store: Store) -> None:
    store.add([bought("r", "first")])
    store.add([bought("r", "second"), bought("other")])
    assert [answer.text for answer in store.find([bought("r").key]).values()] == ["first"]


def test_an_answer_that_is_replaced_takes_its_scores_along(store: Store) -> None:
    key, other = bought("r").key, bought("other").key
    store.add([bought("r", "first"), bought("other")])
    store.add_scores([Scored(key, "g", "m", 1.0), Scored(other, "g", "m", 0.5)])
    store.add([replace(bought("r", "second"), since=2.0)])  # what is there was answered at 1
    assert store.find([key])[key].text == "second"
    assert store.scores([key, other], "g") == {other: {"m": 0.5}}


def test_a_group_with_the_same_answer_twice_keeps_the_first(store: Store) -> None:
    store.add([bought("r", "first"), bought("r", "second")])
    assert store.find([bought("r").key])[bought("r").key].text == "first"


def test_thousands_of_keys_are_looked_up_and_unknown_ones_are_absent(store: Store) -> None:
    group = [bought(f"r{number}") for number in range(1500)]
    store.add(group)
    found = store.find([*(one.key for one in group), "unknown"])
    assert set(found) == {one.key for one in group}
    assert store.find([]) == {}


def test_what_was_paid_is_exact_to_the_picodollar_and_adds_up(store: Store, database: Database) -> None:
    store.add([bought("a", cost="0.000000000001"), bought("b", cost="0.1"), bought("c", cost="0.2")])
    assert database.query("SELECT sum(picodollars) FROM answers") == [(300_000_000_001,)]


def test_the_dearest_answer_there_can_be_fits(store: Store, database: Database) -> None:
    cost = 2 * Decimal(10_000_000) * 100_000 / 1_000_000  # tokens in and out at the highest price of a catalogue
    store.add([replace(bought("r"), cost=cost)])
    assert database.query("SELECT picodollars FROM answers") == [(int(cost * 10**12),)]


def test_scores_come_back_by_answer_and_metric_of_one_grading(store: Store) -> None:
    store.add_scores([Scored("a", "g", "m", 0.25), Scored("a", "g", "n", 1.0), Scored("b", "g", "m", 0.0)])
    store.add_scores([Scored("a", "other", "m", 0.5), Scored("a", "g", "m", 0.75)])
    assert store.scores(["a", "b", "c"], "g") == {"a": {"m": 0.25, "n": 1.0}, "b": {"m": 0.0}}
    store.add_scores([])


def test_boards_come_back_newest_first(store: Store) -> None:
    for run, at in (("one", 1.0), ("three", 3.0), ("two", 2.0)):
        store.record_run(run, at, {"run": run, "odd": "é\0"})
    assert [board["run"] for board in store.boards()] == ["three", "two", "one"]


def test_a_reader_does_not_wait_for_a_writer(store: Store, database: Database) -> None:
    store.add([bought("r")])
    with open_store(database.name) as other, other._engine.begin() as writing:
        dialect.be_the_only_writer(writing)
        writing.execute(schema.bodies.delete())
        assert len(store.find([bought("r").key])) == 1


def test_a_writer_that_waits_in_vain_says_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.store.dialect.PATIENCE_SECONDS", 0.1)
    with open_store(database.name) as store, open_store(database.name) as other:
        with other._engine.begin() as writing:
            dialect.be_the_only_writer(writing)
            with pytest.raises(StoreError, match=r"cannot be written: .*(locked|lock timeout)"):
                store.add([bought()])
        store.add([bought()])
        assert database.count("answers") == 1


def test_a_commit_survives_the_loss_of_power(database: Database) -> None:
    if database.is_sqlite:
        name, asked = database.name, {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": 2}  # 2 is FULL
    else:
        name, asked = f"{database.name}%20-csynchronous_commit%3Doff", {"SHOW synchronous_commit": "on"}
    with open_store(name) as store, store._engine.connect() as connection:
        for query, expected in asked.items():
            assert connection.exec_driver_sql(query).scalar() == expected


def test_two_stores_on_one_database_write_at_once(store: Store, database: Database) -> None:
    def write(mine: str) -> None:
        with open_store(database.name) as other:
            for number in range(20):
                other.add([bought(f"{mine}{number}"), bought(f"both{number}", mine)])

    threads = [threading.Thread(target=write, args=(mine,)) for mine in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (database.count("answers"), database.count("bodies")) == (60, 60)


def test_a_group_that_cannot_be_written_leaves_nothing_of_itself(store: Store, database: Database) -> None:
    database.query("DROP TABLE bodies")
    with pytest.raises(StoreError, match=r"cannot be written: .*bodies"):
        store.add([bought("r")])
    assert database.count("answers") == 0


def test_what_cannot_be_read_is_a_store_error(store: Store, database: Database) -> None:
    database.query("DROP TABLE scores")
    with pytest.raises(StoreError, match=r"cannot be read: .*scores"):
        store.scores(["k"], "g")
