"""Every mistake gets exit code 2 (4 for what is down), one clear line that names the place, and loses nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import House


def refused(house: House, *expected: str, code: int = 2, **environment: str) -> str:
    done = house.run("check", "-q", **environment)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    line = done.stderr.strip()
    assert "\n" not in line, line
    for text in expected:
        assert text in line, line
    return line


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("margin: 0.05", "margn: 0.05", ("suites/name_colour.yaml:9:8 gate.margn", "did you mean 'margin'?")),
        ("baseline: full", "baseline: full\nbaseline: same", (":4:1 baseline: duplicate key", "line 3")),
        ("cases: cases.jsonl", "cases: nowhere.jsonl", ("suites/nowhere.jsonl", "cannot be read")),
        ("  - type: exact\n", "  []\n", (":7:1 assert", "empty; expected at least 1")),
        ("baseline: full", "baseline: ful", (":3:1 baseline", "did you mean 'full'?")),
        ("{{ input }}", "{{ inputs }}", (":5:1 prompt", "'inputs' is undefined", "case")),
        ("gate: {margin: 0.05}", "gate: {margin: 0.05", ("malformed YAML",)),
        ("margin: 0.05", "margin: 5", (":9:8 gate.margin", "less than 1")),
        ("type: exact", "type: exakt", (":8:5 assert.0.type", "did you mean 'exact'?")),
        ("model: toy", "model: boy", ("no model 'boy'", "did you mean 'toy'?")),
    ],
)
def test_a_mistake_in_the_suite(house: House, old: str, new: str, expected: tuple[str, ...]) -> None:
    house.edit(old, new)
    refused(house, *expected)


def test_an_empty_dataset(house: House) -> None:
    (house.path / "suites" / "cases.jsonl").write_text("\n")
    refused(house, "suites/cases.jsonl", "no cases")


def test_duplicate_case_ids(house: House) -> None:
    cases = house.path / "suites" / "cases.jsonl"
    cases.write_text(cases.read_text() + '\n{"id": "c000", "input": "other", "target": "x"}')
    refused(house, "cases.jsonl:301", "duplicate case id 'c000'", "cases.jsonl:1")


def test_a_case_without_the_target_that_the_grader_needs(house: House) -> None:
    cases = house.path / "suites" / "cases.jsonl"
    cases.write_text(cases.read_text() + '\n{"id": "bare", "input": "other"}')
    refused(house, "cases.jsonl:301", "'bare'", "no target", "exact")


def test_a_variant_without_a_price(house: House) -> None:
    catalog = house.path / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace(", price: {input: 0.5, output: 1.0}", ""))
    refused(house, "catalog.yaml:8", "price: missing")


def test_a_recording_that_does_not_exist(house: House) -> None:
    (house.path / "same.jsonl.gz").unlink()
    refused(house, "catalog.yaml:8", "the recording does not exist")


def test_a_case_that_was_not_recorded_is_named(house: House) -> None:
    house.edit("Colour {{ input }}:", "Color {{ input }}:")
    refused(house, "no recorded answer", "case 'c")


def test_a_key_variable_that_is_not_set(house: House) -> None:
    catalog = house.path / "catalog.yaml"
    remote = "providers:\n  - {id: far, base_url: 'http://127.0.0.1:9/v1', api_key_env: FAR_KEY}\n"
    text = catalog.read_text().replace("providers:\n", remote)
    catalog.write_text(
        text.replace("id: worse, provider: tape", "id: worse, provider: far").replace("recording: worse.jsonl.gz, ", "")
    )
    refused(house, "FAR_KEY", "not set")
    done = house.run("check", "-q", FAR_KEY="sk-very-secret")
    assert done.returncode == 4  # nobody listens on port 9
    assert "cannot be reached" in done.stderr
    assert "sk-very-secret" not in done.stderr + done.stdout


def test_a_store_written_by_a_newer_schema_is_left_alone(house: House) -> None:
    house.run("check", "-q")
    store = house.path / ".evalgate" / "evalgate.db"
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE name = 'schema'")
        before = connection.execute("SELECT count(*) FROM answers").fetchone()
    connection.close()
    refused(house, "newer evalgate", "schema 99")
    with sqlite3.connect(store) as connection:
        assert connection.execute("SELECT count(*) FROM answers").fetchone() == before
    connection.close()


def test_no_suites_here_says_what_to_do(house: House) -> None:
    (house.path / "suites").rename(house.path / "elsewhere")
    refused(house, "no suite given", "evalgate check my-suite.yaml")


def test_an_unknown_option_is_a_usage_error(house: House) -> None:
    assert house.run("check", "--publsh", "x").returncode == 2


def test_a_metric_that_decides_twice(house: House) -> None:
    house.edit("{margin: 0.05}", "{margin: 0.05, metrics: [score, score]}")
    refused(house, "gate.metrics.1", "named twice")


def test_a_picture_that_cannot_be_written(house: House) -> None:
    house.run("check", "-q")
    done = house.run("report", "--picture", "/dev/null/picture.svg")
    assert done.returncode == 4
    assert done.stderr.startswith("evalgate: /dev/null/picture.svg: the picture cannot be written")


def test_output_that_finds_no_room_is_said_in_one_line(house: House) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "evalgate", "schema", "suite"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 4
    assert done.stderr.splitlines() == ["evalgate: the output cannot be written: No space left on device"]
