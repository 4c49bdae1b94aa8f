"""What is printed where nobody looks through a window, and what a command that only looks leaves behind."""

from __future__ import annotations

import re

import pytest

from tests.e2e.conftest import House

LONG = "same-weights-in-a-precision-that-has-a-long-name-of-its-own-and-another-one"


def piped(house: House, *arguments: str, **environment: str) -> list[str]:
    """The lines that a pipe gets of a command, without COLUMNS unless it is given."""
    return house.run(*arguments, **{"COLUMNS": "", **environment}).stdout.splitlines()


@pytest.fixture
def checked(house: House) -> House:
    catalog = house.path / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("{id: same,", f"{{id: {LONG},"))
    house.run("check", "-q", "--publish", "signal.json")
    return house


@pytest.mark.parametrize(
    ("command", "row"),
    [
        (["check", "-q"], rf"  green +{LONG} .*→.* \d+/\d+ .* \d+ % +–$"),
        (["plan"], rf"  {LONG} .* \d+\.\d+ +\d+\.\d$"),
        (["route"], rf"  → +{LONG} .* green: not worse than 0\.05 \(e-value .* at n=\d+\)$"),
        (["store", "stats"], rf"  {LONG} .* \d{{4}}-\d\d-\d\d  \d{{4}}-\d\d-\d\d$"),
    ],
)
def test_a_table_that_is_piped_is_as_wide_as_it_needs(checked: House, command: list[str], row: str) -> None:
    lines = piped(checked, *command)
    assert any(re.search(row, line) for line in lines), "\n".join(lines)


def test_answers_beside_each_other_are_piped_as_wide_as_they_need(checked: House) -> None:
    cases = checked.path / "suites" / "cases.jsonl"
    cases.write_text(
        cases.read_text().replace('"target": "shade', '"target": "the one and only shade of a colour with number')
    )
    checked.record()
    checked.run("check", "-q")
    lines = piped(checked, "show", "name_colour", "worse", "--limit", "1")
    assert any(
        re.fullmatch(r"  the one and only shade of a colour with number \d+ +│ <b>mud</b>", line) for line in lines
    )


def test_a_stated_width_moves_columns_below_the_row(checked: House) -> None:
    wide, narrow = (piped(checked, "check", "-q", COLUMNS=columns) for columns in ("", "100"))
    assert max(map(len, narrow)) <= 100 < max(map(len, wide))


@pytest.mark.parametrize(
    "command",
    [
        ["plan"],
        ["route"],
        ["show", "name_colour", "same"],
        ["report"],
        ["batches"],
        ["store", "stats"],
        ["store", "gc", "--yes"],
        ["store", "export", "-"],
    ],
)
def test_a_command_that_only_looks_makes_no_store(house: House, command: list[str]) -> None:
    before = sorted(house.path.rglob("*"))
    house.run(*command)
    assert sorted(house.path.rglob("*")) == before


@pytest.mark.parametrize("command", [["show", "name_colour", "same"], ["report"]])
def test_where_nothing_was_checked_the_next_step_is_told(house: House, command: list[str]) -> None:
    done = house.run(*command)
    assert done.returncode == 2
    assert "nothing was checked yet: evalgate check" in done.stderr
