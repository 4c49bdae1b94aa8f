"""Two processes on one store: both make it, both write to it, and every answer is kept exactly once."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from evalgate.store import open_store
from tests.store.conftest import Database, bought

GROUPS, SIZE = 15, 20
WRITING = """
import sys
from dataclasses import replace
from evalgate.store import open_store
from tests.store.conftest import bought
name, mine, groups, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
with open_store(name) as store:
    for group in range(groups):
        numbers = [group * size + number for number in range(size)]
        if mine == "b":
            numbers.reverse()  # the order in which two transactions would wait for each other for ever
        since = 2.0 if group % 2 else 0.0  # what is there was answered at 1, and makes way or does not
        store.add([replace(bought(f"both{number}", mine), since=since) for number in numbers])
        store.add([bought(f"{mine}{number}", mine) for number in numbers])
"""


def test_two_processes_keep_every_answer_exactly_once(database: Database) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", WRITING, database.name]
    processes = [subprocess.Popen([*command, mine, str(GROUPS), str(SIZE)], **pipes) for mine in "ab"]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in processes] == ["", ""]
    assert (database.count("answers"), database.count("bodies")) == (3 * GROUPS * SIZE, 3 * GROUPS * SIZE)
    with open_store(database.name) as store:
        for mine, writers in (("a", {"a"}), ("b", {"b"}), ("both", {"a", "b"})):
            found = store.find([bought(f"{mine}{number}").key for number in range(GROUPS * SIZE)])
            assert len(found) == GROUPS * SIZE
            assert {answer.text for answer in found.values()} <= writers


def test_a_new_sqlite_store_is_opened_while_somebody_else_is_making_it(tmp_path: Path) -> None:
    path = str(tmp_path / "new.db")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA user_version = 1")  # the file is no longer empty
        other.execute("BEGIN IMMEDIATE")  # SQLite does not wait for this one when the file is to be turned into WAL
        other.execute("SELECT * FROM sqlite_master").fetchall()
        done = threading.Timer(0.3, other.execute, ["COMMIT"])
        done.start()
        with open_store(path) as store:
            assert store.find(["nobody"]) == {}
        done.join()
