"""What was bought can be looked at, tidied up, carried away, and brought together from several machines."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pyarrow import parquet

from evalgate.store import open_store
from tests.e2e.conftest import CASES, House

SUITE = "suites/name_colour.yaml"
STORE = ".evalgate/evalgate.db"


@pytest.fixture(scope="module")
def paid(built: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    house = House(shutil.copytree(built.path, tmp_path_factory.mktemp("paid"), dirs_exist_ok=True))
    for variant in ("full", "worse"):
        assert house.run("run", SUITE, "--variant", variant).returncode == 0
    return house.path


@pytest.fixture
def bought(paid: Path, tmp_path: Path) -> House:
    """A house in which two variants have answered everything."""
    return House(shutil.copytree(paid, tmp_path, dirs_exist_ok=True))


def change(house: House, statement: str, *values: object, store: str = STORE) -> None:
    with closing(sqlite3.connect(house.path / store)) as connection, connection:
        connection.execute(statement, values)


def total(house: House, store: str = STORE) -> dict[str, object]:
    told = house.run("store", "stats", "--json", "--store", store)
    assert told.returncode == 0, told.stderr
    found: dict[str, object] = json.loads(told.stdout)["total"]
    return found


def test_stats_say_what_was_bought_from_whom(bought: House) -> None:
    done = bought.run("store", "stats")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][0] == STORE
    assert lines[2][:5] == ["full", "300", "0", "3,000", "600"]
    assert lines[3][0] == "worse"
    assert lines[4][:3] == ["total", "600", "0"]
    assert all(line == line.rstrip() for line in done.stdout.splitlines())
    told = json.loads(bought.run("store", "stats", "--json").stdout)
    assert told["total"]["answers"] == 2 * CASES
    assert told["total"]["usd"] == "0.004620000000"  # 300 × (10 × 1 + 2 × 2 + 10 × 0.1 + 2 × 0.2) / 1,000,000


def test_stats_show_the_configurations_of_a_variant_that_has_several(bought: House) -> None:
    change(
        bought, "UPDATE answers SET config = 'sha256:0123456789' WHERE variant = 'full' AND repeat = 0 AND key < '8'"
    )
    assert "01234567 " in bought.run("store", "stats").stdout


def test_a_hostile_name_gives_the_terminal_no_orders(bought: House) -> None:
    change(bought, "UPDATE answers SET variant = ?", "\x1b[2J[red]\u202eevil")
    shown = bought.run("store", "stats").stdout
    assert "␛[2J[red]‹U+202E›evil" in shown
    assert "\x1b" not in shown


def test_a_store_that_is_not_there_is_a_usage_error_and_is_not_made(house: House) -> None:
    before = sorted(house.path.iterdir())
    for command in (("stats",), ("gc", "--yes"), ("export", "x.jsonl")):
        done = house.run("store", *command, "--store", "nowhere.db")
        assert done.returncode == 2
        assert done.stderr == "evalgate: store nowhere.db: there is no such file\n"
    assert sorted(house.path.iterdir()) == before


def test_gc_says_what_would_go_and_deletes_only_with_yes(bought: House) -> None:
    change(bought, "UPDATE answers SET answered_at = 1 WHERE variant = 'worse'")
    for _ in range(2):
        done = bought.run("store", "gc", "--older-than", "90d")
        assert done.returncode == 0
        assert "300 answers, bought for 0.0004 USD" in done.stdout
        assert "nothing was deleted; with --yes it is" in done.stdout
    assert total(bought)["answers"] == 2 * CASES
    done = bought.run("store", "gc", "--older-than", "90d", "--yes")
    assert "deleted:\n  300 answers" in done.stdout
    assert "freed " in done.stdout
    assert total(bought)["answers"] == CASES
    assert "no answers: all are younger" in bought.run("store", "gc", "--older-than", "90d", "--yes").stdout


def test_gc_without_a_selection_touches_no_answer_and_says_so(bought: House) -> None:
    change(bought, "INSERT INTO scores VALUES ('lost', 'g', 'm', 1.0)")
    done = bought.run("store", "gc", "--yes")
    assert "no answers: none are selected (--older-than 90d, --unused)" in done.stdout
    assert "1 score without an answer" in done.stdout
    assert total(bought)["answers"] == 2 * CASES


def test_gc_finds_the_answers_that_the_catalogue_has_no_use_for(bought: House) -> None:
    assert "no answers" in bought.run("store", "gc", "--unused").stdout
    catalog = bought.path / "catalog.yaml"
    kept = [line for line in catalog.read_text().splitlines() if "{id: worse," not in line]
    (bought.path / "smaller.yaml").write_text("\n".join(kept))
    done = bought.run("store", "gc", "--unused", "--catalog", "smaller.yaml", "--yes")
    assert "300 answers" in done.stdout
    again = bought.run("run", SUITE, "--variant", "full")
    assert "0 requests sent" in again.stdout


@pytest.mark.parametrize("duration", ["90", "0d"])
def test_gc_refuses_what_is_no_duration(house: House, duration: str) -> None:
    done = house.run("store", "gc", "--older-than", duration)
    assert done.returncode == 2
    assert "expected a duration such as 30m, 24h or 7d" in done.stderr


def test_an_export_has_one_row_for_each_answer(house: House) -> None:
    house.run("check", "-q")
    for name in ("all.jsonl", "all.jsonl.gz", "all.parquet"):
        done = house.run("store", "export", name)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{name}: {total(house)['answers']:,} answers\n"
    rows = [json.loads(line) for line in (house.path / "all.jsonl").read_text().splitlines()]
    assert rows == [json.loads(line) for line in house.run("store", "export", "-").stdout.splitlines()]
    table = parquet.read_table(house.path / "all.parquet")
    assert [row["key"] for row in rows] == table.column("key").to_pylist()
    worse = {row["scores"][0]["score"] for row in rows if row["text"] == "<b>mud</b>"}
    assert worse == {0.0}


def test_an_export_of_one_variant_without_text(bought: House) -> None:
    done = bought.run("store", "export", "-", "--variant", "worse", "--no-text")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == CASES
    assert {row["variant"] for row in rows} == {"worse"}
    assert "text" not in rows[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x.csv",), "expected a name that ends in .jsonl, .jsonl.gz or .parquet"),
        (("-", "--format", "parquet"), "Parquet cannot be written to stdout"),
        (("x.jsonl", "--variant", "wors"), "did you mean 'worse'?"),
    ],
)
def test_an_export_that_cannot_be_meant_is_a_usage_error(bought: House, arguments: tuple[str, ...], said: str) -> None:
    done = bought.run("store", "export", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(bought.path.glob("x.*"))


def test_an_export_of_nothing_is_refused(house: House) -> None:
    open_store(str(house.path / STORE)).__exit__()
    done = house.run("store", "export", "x.jsonl")
    assert (done.returncode, done.stderr) == (2, f"evalgate: store {STORE}: has no answers to export\n")


def test_an_export_that_finds_no_room_is_said_in_one_line(bought: House) -> None:
    done = bought.run("store", "export", "/dev/full", "--format", "jsonl")
    assert done.returncode == 4
    assert done.stderr == "evalgate: /dev/full: the export cannot be written: No space left on device\n"


def test_whoever_reads_only_the_first_rows_is_told_of_no_failure_and_of_no_verdict(bought: House) -> None:
    command = [sys.executable, "-m", "evalgate", "store", "export", "-"]
    with subprocess.Popen(command, cwd=bought.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert json.loads(running.stdout.readline())["variant"] in {"full", "worse"}
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 141  # as a shell has it; 0 would be a verdict


def test_shards_that_were_brought_together_answer_a_check_without_a_request(house: House) -> None:
    house.run("check", "-q", "--store", "whole.db")
    for shard in range(2):
        name = f"shard{shard}.db"
        shutil.copy(house.path / "whole.db", house.path / name)
        change(house, "DELETE FROM answers WHERE (substr(key, 32) IN ('0', '3', '5', 'a', 'f')) = ?", shard, store=name)
        change(house, "DELETE FROM bodies WHERE key NOT IN (SELECT key FROM answers)", store=name)
        change(house, "DELETE FROM scores WHERE key NOT IN (SELECT key FROM answers)", store=name)
    done = house.run("merge", "shard0.db", "shard1.db", "--store", "all.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["shard0.db", "shard1.db"]
    assert total(house, "all.db") == total(house, "whole.db")
    whole = json.loads(house.run("check", "-q", "--store", "all.db", "--json", "-").stdout)
    assert whole["requests"] == 0
    again = house.run("merge", "shard1.db", "shard0.db", "--store", "all.db")
    assert all(": 0 answers new, " in line and "known, 0 newer" in line for line in again.stdout.splitlines())


def test_a_killed_shard_is_merged_with_what_it_had(bought: House) -> None:
    """Nothing closes the store of a process that is killed: its last answers are in the log beside it."""
    with closing(sqlite3.connect(bought.path / STORE)) as still_open:
        still_open.execute("SELECT * FROM answers LIMIT 1").fetchone()
        change(bought, "UPDATE answers SET answered_at = 5")
        for ending in ("", "-wal"):
            shutil.copy(bought.path / f"{STORE}{ending}", bought.path / f"killed.db{ending}")
    done = bought.run("merge", "killed.db", "--store", "all.db")
    assert done.stdout == "killed.db: 600 answers new, 0 known, 0 newer than what was there\n"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.write_bytes(b"junk" * 500), "not an evalgate store"),
        (lambda path: path.touch(), "not an evalgate store"),
        (lambda path: path.symlink_to(STORE), "cannot be merged into itself"),
    ],
)
def test_a_source_that_cannot_be_meant_is_a_usage_error_and_nothing_is_copied(
    bought: House, make: object, said: str
) -> None:
    bought.run("run", SUITE, "--variant", "same", "--store", "good.db")
    make(bought.path / "bad.db")
    before = total(bought)
    done = bought.run("merge", "good.db", "bad.db")
    assert done.returncode == 2
    assert done.stderr.startswith("evalgate: store bad.db: ")
    assert said in done.stderr
    assert total(bought) == before
    assert not (bought.path / "bad.db-wal").exists()


def test_a_mistyped_source_makes_no_target(house: House) -> None:
    assert house.run("merge", "nowhere.db", "--store", "all.db").returncode == 2
    assert not list(house.path.glob("*.db"))


def test_the_help_loads_no_database(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom evalgate.cli import command\n"
        "for words in (['store', '--help'], ['store', 'gc', '--help'], ['merge', '--help']):\n"
        "    command.main(words, standalone_mode=False)\n"
        "print([name for name in ('sqlalchemy', 'pydantic', 'rich', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"
