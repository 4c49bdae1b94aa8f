"""`evalgate watch`, `history` and `why` as commands: killed, started twice, and told nonsense."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Asked, Loopback, Sent
from tests.store.conftest import Database, database, postgresql  # noqa: F401  (fixtures)
from tests.warm import evalgate
from tests.watch.conftest import World, world_in

ROUND = 30  # cases of one side in a round
PLACE = ("--store", "watch.db", "--suites", "suite.yaml", "--publish", "signal.json", "--unsigned")


@pytest.fixture
def checked(tmp_path: Path, server: Loopback) -> World:
    """A world with a published certification."""
    world = world_in(tmp_path, server)
    world.at = time.time() - 60
    world.check()
    server.asked.clear()
    return world


@pytest.fixture
def anywhere(tmp_path: Path, server: Loopback, database: Database) -> World:  # noqa: F811
    """The same, with its store in a file or in PostgreSQL."""
    world = world_in(tmp_path, server, store=database.name)
    world.at = time.time() - 60
    world.check()
    server.asked.clear()
    return world


def place_of(world: World) -> tuple[str, ...]:
    return ("--store", world.store_name, *PLACE[2:])


def environment() -> dict[str, str]:
    return os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


def start(world: World, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "evalgate", *arguments],
        cwd=world.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return evalgate(*arguments, cwd=world.folder, env=environment())


def asked(server: Loopback) -> Counter[tuple[str, str]]:
    return Counter((str(each.body["model"]), each.prompt) for each in server.asked)


def slow_from(world: World, calls: int) -> threading.Event:
    """Let the server take its time from so many calls on; it is quick again when the event is set."""
    free = threading.Event()

    def behave(each: Asked) -> Sent:
        slow = len(world.server.asked) > calls and not free.is_set()
        return replace(world.behave(each), after=60 if slow else 0.0)

    world.server.behave = behave
    return free


def test_a_watch_that_is_killed_goes_on_where_it_stopped_and_buys_nothing_twice(anywhere: World) -> None:
    free = slow_from(anywhere, 40)
    with start(anywhere, "watch", *place_of(anywhere)) as process:
        while len(anywhere.server.asked) <= 45:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    free.set()
    found = run(anywhere, "watch", *place_of(anywhere))
    assert found.returncode == 0, found.stderr
    counts = asked(anywhere.server)
    assert {model: sum(name == model for name, _ in counts) for model in ("full", "cheap", "other")} == {
        "full": ROUND,
        "cheap": ROUND,
        "other": ROUND,
    }
    assert sum(count - 1 for count in counts.values()) <= 3 * 10  # those that were under way
    again = run(anywhere, "watch", *place_of(anywhere), "--json", "-")
    assert json.loads(again.stdout)["operations"][0]["asked"] == 0
    assert "nothing is asked again" in again.stderr
    assert asked(anywhere.server) == counts


def test_of_two_watchers_at_once_the_second_says_who_is_at_it_and_asks_nothing(anywhere: World) -> None:
    free = slow_from(anywhere, 40)
    with start(anywhere, "watch", *place_of(anywhere)) as first:
        while len(anywhere.server.asked) <= 45:
            assert first.poll() is None
            time.sleep(0.02)
        second = run(anywhere, "watch", *place_of(anywhere))
        assert second.returncode == 0
        assert f"process {first.pid} on " in second.stdout
        first.kill()
    free.set()
    assert max(asked(anywhere.server).values()) == 1


def test_a_loop_ends_cleanly_when_it_is_told_to(checked: World) -> None:
    with start(checked, "watch", "--every", "1h", *PLACE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "other:" in line:
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads((checked.folder / "signal.json").read_text())["seq"] == 2


def test_a_loss_is_found_told_and_can_be_looked_up(checked: World) -> None:
    checked.wrong["cheap"] = lambda number: number % 5 > 0
    found = run(checked, "watch", *PLACE)
    assert found.returncode == 1, found.stdout + found.stderr
    states = {
        e["variant"]["id"]: e["state"] for e in json.loads((checked.folder / "signal.json").read_text())["entries"]
    }
    assert states == {"cheap": "red", "other": "green"}
    told = run(checked, "history", "name_colour", "cheap", "--store", "watch.db", "--svg", "watch.svg")
    assert told.returncode == 0, told.stderr
    assert "green → red" in told.stdout
    assert (checked.folder / "watch.svg").read_bytes().startswith(b"<?xml")
    why = run(checked, "why", "name_colour", "cheap", "--store", "watch.db", "--json", "-")
    known = json.loads(why.stdout)
    assert known["entry"]["state"] == "red"
    assert not known["eligible"]
    assert known["router"]["variant"] == "full" or known["router"]["variant"] == "other"


def test_why_tells_what_was_known_at_another_time(checked: World) -> None:
    issued = json.loads((checked.folder / "signal.json").read_text())["issued_at"]
    checked.wrong["cheap"] = lambda number: number % 5 > 0
    run(checked, "watch", *PLACE)
    known = json.loads(
        run(checked, "why", "name_colour", "cheap", "--at", issued, "--store", "watch.db", "--json", "-").stdout
    )
    assert known["seq"] == 1
    assert known["entry"]["state"] == "green"
    early = run(checked, "why", "name_colour", "cheap", "--at", "2020-01-01", "--store", "watch.db")
    assert "nothing was published then" in early.stdout


def test_an_operation_that_no_suite_is_of_is_named_with_what_there_is(checked: World) -> None:
    found = run(checked, "watch", "name_color", *PLACE)
    assert found.returncode == 2
    assert "did you mean 'name_colour'" in found.stderr


def test_without_a_check_there_is_nothing_to_watch(tmp_path: Path, server: Loopback) -> None:
    world = world_in(tmp_path, server)
    found = run(world, "watch", *PLACE)
    assert found.returncode == 2
    assert "evalgate check" in found.stderr
    assert not server.asked


def test_a_suite_that_watches_nonsense_is_told_where(checked: World) -> None:
    text = checked.suite.read_text()
    checked.suite.write_text(text.replace('"cases_per_day": 30', '"cases_per_day": 0'))
    found = run(checked, "watch", *PLACE)
    assert found.returncode == 2
    assert "gate.watch.cases_per_day" in found.stderr


def test_a_green_that_would_run_out_between_two_rounds_is_refused(checked: World) -> None:
    text = checked.suite.read_text()
    checked.suite.write_text(text.replace('"cases_per_day": 30', '"every": "8d"'))
    found = run(checked, "watch", *PLACE)
    assert found.returncode == 2
    assert "would run out before the next round" in found.stderr
    assert not checked.server.asked


def test_history_of_an_unknown_operation_is_an_error(checked: World) -> None:
    found = run(checked, "history", "name_color", "--store", "watch.db")
    assert found.returncode == 2
    assert "name_colour" in found.stderr
