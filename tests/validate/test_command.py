"""The command as it is called: exit codes, what a terminal shows, and files that are no suites."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evalgate.cli.validate import command
from tests.conftest import suite_file

ROWS = [{"id": f"c{n}", "input": f"number {n} of {n * n}", "target": f"shade {n}"} for n in range(100)]
LONG = {"cases": ROWS, "gate": {"margin": 0.1}}


def invoked(*arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)), standalone_mode=False, env={"COLUMNS": "80"})


def test_a_fine_suite_exits_0_and_shows_what_is_asked_first(tmp_path: Path) -> None:
    told = invoked(suite_file(tmp_path, **LONG))
    assert told.return_value == 0, told.output
    assert "✓ name_colour" in told.output
    assert "100 of 100" in told.output
    assert "prompt  Colour number" in told.output
    assert "1 suite: 1 fine; nobody was asked; next: evalgate plan" in told.output


def test_nothing_is_wider_than_the_terminal_and_nothing_is_obeyed(tmp_path: Path) -> None:
    rows = [{**row, "input": f"{row['input']} \x1b[31m {'word ' * 40}{'x' * 200}"} for row in ROWS]
    rows[3]["target"] = "\u202eevil\x1b]0;title\x07" * 20
    assertions = [
        {"type": kind, "metric": f"{kind}_metric_{n}"} for n, kind in enumerate(("token_f1", "edit_distance"))
    ]
    told = invoked(suite_file(tmp_path, cases=rows, assert_=assertions, gate={"margin": 0.02}))
    assert max(map(len, told.output.splitlines())) <= 80
    assert "\x1b" not in told.output
    assert "\u202e" not in told.output


def test_a_broken_suite_exits_2_and_strict_minds_warnings(tmp_path: Path) -> None:
    assert invoked(suite_file(tmp_path, **LONG, assert_=[{"type": "regex", "pattern": ".*"}])).return_value == 2
    warned = suite_file(tmp_path, cases=ROWS, gate={"margin": 0.06})
    assert invoked(warned).return_value == 0
    assert invoked(warned, "--strict").return_value == 2


def test_one_broken_suite_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("operation: [\n")
    suite_file(tmp_path, **LONG).rename(tmp_path / "b.yaml")
    suite_file(tmp_path, **LONG, prompt="{{ nothing }}").rename(tmp_path / "c.yaml")
    told = invoked(tmp_path, "--json", tmp_path / "out.json")
    assert told.return_value == 2
    found = json.loads((tmp_path / "out.json").read_text())["suites"]
    assert [each["outcome"] for each in found] == ["broken", "fine", "broken"]
    assert "a.yaml:2" in found[0]["findings"][0]["told"]
    assert "c.yaml" in found[2]["findings"][0]["told"]
    assert "3 suites: 1 fine, 2 broken" in told.output


def test_json_on_stdout_is_json_alone(tmp_path: Path) -> None:
    told = invoked(suite_file(tmp_path, **LONG), "--json", "-")
    assert json.loads(told.stdout)["suites"][0]["outcome"] == "fine"


@pytest.mark.parametrize("arguments", [["--agreement", "l.jsonl"], ["--metric", "m"]])
def test_options_that_do_not_fit_together_are_refused(tmp_path: Path, arguments: list[str]) -> None:
    one, other = suite_file(tmp_path, **LONG).rename(tmp_path / "a.yaml"), suite_file(tmp_path, **LONG)
    told = invoked(one, other, *arguments)
    assert told.exception is not None
    assert arguments[0] in str(told.exception)
