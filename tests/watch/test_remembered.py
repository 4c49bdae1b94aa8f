"""What is kept of a watch when it dies at a bad moment, and the story that is told of it afterwards."""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from evalgate.cli.history import story
from evalgate.errors import InfrastructureError, StoreError
from evalgate.report.timeline_picture import timeline_figure
from evalgate.signal.timeline import Timeline
from evalgate.store import Store, Watching
from tests.watch.conftest import DAILY, World


def swap(world: World) -> None:
    world.wrong["cheap"] = lambda number: number % 3 > 0


def told_of(world: World) -> Timeline:
    with world.store() as store:
        return story(store, "name_colour", "local/default")


def database(world: World, statement: str) -> None:
    with sqlite3.connect(world.store_name) as connection:
        connection.execute(statement)
    connection.close()


def test_an_alarm_that_could_not_be_kept_is_found_again_from_the_same_answers(world: World) -> None:
    world.check()
    world.watch(days=1)
    swap(world)
    database(world, "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(StoreError, match="disk full"):
        world.watch(days=1, certify=False)
    assert world.entry().state == "green"
    calls = world.calls()
    database(world, "DROP TRIGGER full")
    world.watch(certify=False)
    assert world.calls() == calls
    assert world.entry().state == "red"


def test_an_alarm_that_could_not_be_published_is_kept_and_published_by_the_next_look(world: World) -> None:
    world.check()
    world.watch(days=1)
    swap(world)
    place = world.folder / "signal.json"
    place.unlink()
    place.mkdir()  # nothing can be written there
    with pytest.raises(InfrastructureError):
        world.watch(days=1, certify=False)
    with world.store() as store:
        kept = Watching(store).watched()
    assert {str(each["state"]) for each in kept.values()} == {"kept", "red"}
    place.rmdir()
    calls = world.calls()
    world.watch(certify=False)
    assert world.calls() == calls
    assert world.entry().state == "red"


def test_a_certification_that_was_not_told_is_told_by_the_next_look(world: World) -> None:
    world.more["cheap"] = {"system_fingerprint": "fp_1"}
    world.check()
    world.watch(days=1)
    world.more["cheap"] = {"system_fingerprint": "fp_2"}
    world.watch(days=1, certify=False)
    place = world.folder / "signal.json"
    suspended = place.read_bytes()
    house, published = world.house, world.publication

    def unpublished(store, *, certify=True):  # type: ignore[no-untyped-def]
        made = house(store, certify=certify)
        judge = made.certify

        async def die(contest, since):  # type: ignore[no-untyped-def]
            assert judge is not None
            await judge(contest, since)
            raise Died

        object.__setattr__(made, "certify", die)
        return made

    world.house = unpublished  # type: ignore[method-assign]
    with pytest.raises(Died):
        world.watch()
    del published
    assert place.read_bytes() == suspended
    calls = world.calls()
    world.house = house  # type: ignore[method-assign]
    world.watch()
    assert world.calls() == calls  # its answers are known
    assert world.entry().state == "green"


def test_the_story_agrees_with_the_document_that_routers_read(world: World) -> None:
    world.check()
    world.watch(days=1)
    swap(world)
    world.watch(days=1)
    world.wrong.clear()
    for _ in range(9):
        world.watch(days=1)
    told = told_of(world)
    for name in ("cheap", "other"):
        entry = world.entry(name)
        assert told.now[name] == entry
        assert told.state_at(name, world.at) == entry.state
        changes = [each for each in told.of(name).moments if each.kind == "told" and "still" not in each.told]
        assert int(changes[-1].at) == int(entry.since.timestamp())
    states = [each.state for each in told.of("cheap").moments if each.kind == "told" and "still" not in each.told]
    assert states[:2] == ["green", "red"]


def test_a_story_has_the_evidence_of_each_step(world: World) -> None:
    world.check()
    world.watch(days=1)
    swap(world)
    world.watch(days=1)
    kinds = [moment.kind for moment in told_of(world).of("cheap").moments]
    assert kinds == ["verdict", "told", "certified", "watched", "watched", "red", "ordered", "told"]
    (red,) = [moment for moment in told_of(world).moments if moment.kind == "red"]
    assert red.evidence["found"]


def test_the_picture_shows_every_variant_and_is_the_same_each_time(world: World) -> None:
    world.check()
    world.watch(days=1)
    told = told_of(world)
    drawn = timeline_figure(told, now=world.at)
    assert drawn == timeline_figure(told, now=world.at)
    assert drawn.startswith(b"<?xml")


def test_a_name_that_means_harm_is_drawn_as_text(world: World) -> None:
    world.more["cheap"] = {"model": "cheap"}
    world.check()
    world.watch(days=1)
    world.more["cheap"] = {"model": "<script>alert(1)</script>\x1b[2J"}
    world.watch(days=1, certify=False)
    assert b"<script" not in timeline_figure(told_of(world), now=world.at)


class Died(Exception):
    """The process is no more."""


KILLED_AT = [int(number) for number in os.environ.get("EVALGATE_KILLED_AT", "3 7 11").split()]


@pytest.mark.parametrize("nth", KILLED_AT)
def test_whatever_write_it_dies_at_the_next_look_comes_to_the_same_end(
    world: World, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    world.check()
    world.watch(days=1)
    swap(world)
    before = world.calls()
    writes, write = itertools.count(1), Store.write

    def dying(store: Store, work: Callable[[sa.Connection], object]) -> object:
        if next(writes) == nth:
            raise Died
        return write(store, work)

    with monkeypatch.context() as killed:
        killed.setattr(Store, "write", dying)
        with contextlib.suppress(Died):
            world.watch(days=1)
    for table in ("claims", "workers", "leases"):  # as of a process that is gone
        database(world, f"DELETE FROM {table}")
    world.watch()
    assert (world.entry().state, world.entry("other").state) == ("red", "green")
    rounds = [(event.variant, event.content["round"]) for event in world.events() if event.kind == "watched"]
    assert sorted(rounds) == [("cheap", 1), ("cheap", 2), ("other", 1), ("other", 2)]
    bought = world.calls() - before
    assert all(DAILY <= count <= DAILY + 10 for count in bought.values())  # again only what was under way
