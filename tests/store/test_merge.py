"""However a set of answers is split over stores, and however these are brought together, the result is the same."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.errors import InputError
from evalgate.exchange import Answer
from evalgate.store import Attempts, Bought, Scored, Store, migrate, open_store, open_to_read, schema
from evalgate.store.merge import Merged, merge, require_another
from tests.store.conftest import PASSWORD, Database, Server, bought

TABLES = (schema.answers, schema.bodies, schema.scores, schema.runs)
Shard = Sequence[tuple[Bought, dict[str, float]]]  # answers, each with its scores by grading


def content(store: Store) -> list[list[tuple[Any, ...]]]:
    with store.snapshot() as connection:
        return [[tuple(row) for row in connection.execute(sa.select(t).order_by(*t.primary_key))] for t in TABLES]


def fill(store: Store, shard: Shard) -> None:
    store.add([one for one, _ in shard])
    store.add_scores(Scored(one.key, grading, "m", score) for one, told in shard for grading, score in told.items())


@pytest.fixture
def shard(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "shard.db")) as opened:
        yield opened


def at(time: float, text: str = "text", request: str = "r") -> Bought:
    one = bought(request, text)
    return replace(one, answer=replace(one.answer, answered_at=time))


def test_all_of_a_shard_comes_over(shard: Store, store: Store) -> None:
    details = {"call": {"id": 2**60, "odd": "é\0"}}
    answer = Answer("text", "length", 3, 4, 0.1 + 0.2, "why", details, answered_at=1.1)
    shard.add([Bought("r", "c", 2, "full", Decimal("1234.567890123456"), answer)])
    shard.add_scores([Scored(bought("r").key, "g", "m", 0.1)])  # of an answer that is not there
    shard.add_scores([Scored(next(iter(shard_keys(shard))), grading, "m", 1 / 3) for grading in "gh"])
    shard.record_run("one", 1.5, {"run": "one"})
    assert merge(shard, store) == Merged(new=1, runs=1)
    came = content(store)
    assert came[2] == [row for row in content(shard)[2] if row[0] != bought("r").key]
    assert [came[0], came[1], came[3]] == [content(shard)[n] for n in (0, 1, 3)]


def shard_keys(store: Store) -> list[str]:
    with store.snapshot() as connection:
        return list(connection.scalars(sa.select(schema.answers.c.key)))


def test_what_is_known_is_left_alone_and_counted(shard: Store, store: Store) -> None:
    fill(shard, [(at(1.0), {"g": 1.0}), (at(1.0, request="other"), {})])
    merge(shard, store)
    before = content(store)
    assert merge(shard, store) == Merged(known=2)
    assert content(store) == before


def test_a_newer_answer_replaces_an_older_one_together_with_its_scores(shard: Store, store: Store) -> None:
    fill(store, [(at(1.0, "old"), {"g": 0.0, "h": 0.0})])
    fill(shard, [(at(2.0, "new"), {"g": 1.0})])
    assert merge(shard, store) == Merged(newer=1)
    assert content(store) == content(shard)


def test_an_older_answer_brings_nothing_not_even_its_scores(shard: Store, store: Store) -> None:
    fill(store, [(at(2.0, "new"), {})])
    fill(shard, [(at(1.0, "old"), {"g": 0.0})])
    before = content(store)
    assert merge(shard, store) == Merged(known=1)
    assert content(store) == before


def test_scores_of_another_grading_join_those_of_the_same_answer(shard: Store, store: Store) -> None:
    fill(store, [(at(1.0), {"g": 1.0})])
    fill(shard, [(at(1.0), {"h": 0.5})])
    assert merge(shard, store) == Merged(known=1)
    assert store.scores([at(1.0).key], "g") == {at(1.0).key: {"m": 1.0}}
    assert store.scores([at(1.0).key], "h") == {at(1.0).key: {"m": 0.5}}


def test_scores_that_were_left_behind_do_not_stick_to_a_new_answer(shard: Store, store: Store) -> None:
    store.add_scores([Scored(at(1.0).key, "g", "m", 0.0)])
    fill(shard, [(at(1.0), {})])
    merge(shard, store)
    assert store.scores([at(1.0).key], "g") == {}


def test_thousands_of_answers_come_over_in_small_transactions(shard: Store, store: Store) -> None:
    fill(shard, [(at(1.0, request=f"r{number}"), {"g": 1.0}) for number in range(1700)])
    written = []
    sa.event.listen(store._engine, "commit", lambda connection: written.append(1))
    assert merge(shard, store).new == 1700
    assert len(written) == 4
    assert content(store) == content(shard)


def test_whoever_is_stopped_in_the_middle_goes_on(shard: Store, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(shard, [(at(1.0, request=f"r{number}"), {"g": 1.0}) for number in range(1200)])
    write, calls = store.write, itertools.count()

    def stop_at_the_second(work: Any) -> Any:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return write(work)

    with monkeypatch.context() as stopped:
        stopped.setattr(store, "write", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            merge(shard, store)
    assert merge(shard, store) == Merged(new=700, known=500)
    assert content(store) == content(shard)


def test_answers_go_back_as_they_came(store: Store, tmp_path: Path) -> None:
    """From either database into the other one."""
    fill(
        store,
        [(replace(at(0.1 * number, request=f"r{number}"), cost=Decimal("0.1")), {"g": 1 / 3}) for number in range(5)],
    )
    store.record_run("one", 0.1, {"run": "one"})
    with open_store(str(tmp_path / "there.db")) as there:
        merge(store, there)
        assert content(there) == content(store)


def test_a_store_is_read_only_even_when_it_is_older(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(database.name) as store:
        fill(store, [(at(1.0), {"g": 1.0})])
        expected = content(store)
    version = database.query("SELECT value FROM meta")
    monkeypatch.setattr(migrate, "STEPS", (*migrate.STEPS, lambda connection: None))
    with open_to_read(database.name) as old, open_store(str(tmp_path / "target.db")) as target:
        assert merge(old, target) == Merged(new=1)
        assert content(target) == expected
    assert database.query("SELECT value FROM meta") == version


def test_an_answer_that_nobody_counted_is_compared_with_one_that_was(store: Store, tmp_path: Path) -> None:
    uncounted = at(1.0)
    counted = replace(uncounted, answer=replace(uncounted.answer, input_tokens=7, output_tokens=None))
    with open_store(str(tmp_path / "there.db")) as there:
        fill(store, [(uncounted, {})])
        fill(there, [(counted, {})])
        assert merge(there, store) == Merged(newer=1)
        assert merge(store, there) == Merged(known=1)
        assert store.find([counted.key])[counted.key].input_tokens == 7


def test_batches_that_are_not_fetched_stay_and_are_counted(database: Database, tmp_path: Path) -> None:
    open_store(database.name).__exit__()
    database.query("INSERT INTO batches VALUES ('b1', 'acme', 'c', 1.0)")
    with open_to_read(database.name) as source, open_store(str(tmp_path / "target.db")) as target:
        assert merge(source, target) == Merged(batches=1)


def test_a_store_cannot_be_merged_into_itself(store: Store, database: Database, tmp_path: Path) -> None:
    name = database.name
    if database.is_sqlite:
        name = str(tmp_path / "link.db")
        Path(name).symlink_to(database.name)
    with open_to_read(name) as same, pytest.raises(InputError, match="cannot be merged into itself"):
        require_another(same, store)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((at(1.0), {"g": 1.0}), (at(1.0), {"g": 0.0})),
        ((at(1.0, "a"), {"g": 1.0}), (at(1.0, "b"), {"g": 0.0})),
        ((at(1.0, "a"), {"g": 1.0}), (at(1.0, "b"), {})),
        ((replace(at(1.0), variant="renamed"), {}), (at(1.0), {"g": 0.0})),
        ((replace(at(1.0), cost=Decimal(1)), {"g": 1.0}), (at(1.0), {"h": 0.0})),
    ],
)
def test_who_comes_first_does_not_matter_even_between_two_of_the_same_moment(
    store: Store, tmp_path: Path, one: tuple[Bought, dict[str, float]], other: tuple[Bought, dict[str, float]]
) -> None:
    names = [str(tmp_path / "one.db"), str(tmp_path / "other.db")]
    for name, each in zip(names, (one, other), strict=True):
        with open_store(name) as opened:
            fill(opened, [each])
    found = []
    for order in (names, names[::-1]):
        empty(store)
        for name in order:
            with open_to_read(name) as source:
                merge(source, store)
        found.append(content(store))
    assert found[0] == found[1]
    assert found[0][1:3] in [content_of(name)[1:3] for name in names]  # one of both, whole


def test_the_commands_take_urls_and_tell_no_password(postgresql: Server, tmp_path: Path) -> None:
    one, other, file = postgresql.new_database().name, postgresql.new_database().name, str(tmp_path / "file.db")
    with open_store(one) as store:
        fill(store, [(at(1.0), {"g": 1.0})])
    said = ""
    for arguments in (
        ("merge", one, "--store", file),
        ("merge", file, one, "--store", other),
        ("store", "stats", "--json", "--store", other),
        ("store", "export", str(tmp_path / "all.jsonl"), "--store", other),
        ("store", "gc", "--older-than", "1d", "--yes", "--store", other),
        ("merge", one, "--store", one),
    ):
        command = [sys.executable, "-m", "evalgate", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == (2 if arguments == ("merge", one, "--store", one) else 0), done.stderr
        said += done.stdout + done.stderr
    assert "postgres:***@" in said
    assert PASSWORD not in said
    assert "deleted:\n  1 answer" in said


SCORE = st.sampled_from([0.0, 0.5, 1.0])
SCORED = st.tuples(
    st.builds(at, st.sampled_from([1.0, 2.0]), st.sampled_from(["a", "b"]), st.sampled_from(["r", "s", "t"])),
    st.dictionaries(st.sampled_from(["g", "h"]), SCORE),
)
SHARD = st.lists(SCORED, max_size=3, unique_by=lambda each: each[0].key)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(shards=st.lists(SHARD, min_size=1, max_size=3), data=st.data())
def test_neither_order_nor_repetition_nor_grouping_matters(
    store: Store, tmp_path_factory: pytest.TempPathFactory, shards: list[Shard], data: st.DataObject
) -> None:
    """Also where shards asked the same, at the same time, and disagree on the scores."""
    folder = tmp_path_factory.mktemp("shards")
    names = [str(folder / f"{number}.db") for number in range(len(shards))]
    for name, each in zip(names, shards, strict=True):
        with open_store(name) as opened:
            fill(opened, each)
            opened.record_run(f"run{len(each)}", float(len(each)), {"of": name})
    reference = str(folder / "reference.db")
    for name in names:
        bring(name, reference)
    empty(store)
    between = str(folder / "between.db")
    for name in data.draw(st.permutations([*names, *names])):
        by_way_of = data.draw(st.booleans())
        if by_way_of:
            bring(name, between)
        with open_to_read(between if by_way_of else name) as source:
            merge(source, store)
    with open_store(reference) as expected:
        assert content(store) == content(expected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    told=st.lists(st.tuples(st.integers(0, 3), st.dictionaries(st.sampled_from(["g", "h"]), SCORE)), max_size=8),
    data=st.data(),
)
def test_any_split_brought_together_in_any_order_is_the_one_store(
    store: Store,
    tmp_path_factory: pytest.TempPathFactory,
    told: list[tuple[int, dict[str, float]]],
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    whole = [(at(float(number), request=f"r{number}"), scores) for number, (_, scores) in enumerate(told)]
    with open_store(str(folder / "whole.db")) as one:
        fill(one, whole)
        expected = content(one)
    empty(store)
    new = 0
    for which in data.draw(st.permutations(range(4))):
        name = str(folder / f"{which}.db")
        with open_store(name) as opened:
            fill(opened, [each for each, (place, _) in zip(whole, told, strict=True) if place == which])
        with open_to_read(name) as source:
            new += merge(source, store).new
    assert new == len(whole)
    assert content(store) == expected


def content_of(name: str) -> list[list[tuple[Any, ...]]]:
    with open_to_read(name) as store:
        return content(store)


def bring(source: str, target: str) -> None:
    with open_to_read(source) as one, open_store(target) as other:
        merge(one, other)


def empty(store: Store) -> None:
    store.write(lambda connection: [connection.execute(table.delete()) for table in TABLES])


def test_attempts_and_orders_are_not_forgotten(shard: Store, tmp_path: Path) -> None:
    tried = {"number": 2}
    Attempts(shard).remember("sort", "base", [("key", 5.0, tried)])
    Attempts(shard).keep_order("sort", 0, b"a" * 32)
    with open_store(str(tmp_path / "whole.db")) as whole:
        Attempts(whole).remember("sort", "base", [("key", 4.0, {"number": 1}), ("other", 1.0, {})])
        Attempts(whole).keep_order("sort", 0, b"b" * 16)
        for _ in range(2):
            merge(shard, whole)
            assert Attempts(whole).of("sort", "base") == [{}, tried]
            assert Attempts(whole).order("sort", 0) == b"a" * 32
