"""Slices are told beside the verdict: on the board, and in `show`."""

from __future__ import annotations

import json

from tests.e2e.conftest import House


def test_scores_are_told_for_each_value_of_a_slice(house: House) -> None:
    cases = house.path / "suites" / "cases.jsonl"
    rows = [json.loads(line) for line in cases.read_text().splitlines()]
    cases.write_text("\n".join(json.dumps({**row, "metadata": {"half": n % 2}}) for n, row in enumerate(rows)))
    house.edit("gate:", "slices: [metadata.half]\ngate:")
    done = house.run("check", "-q", "--json", "board.json")
    assert done.returncode in (0, 1, 3), done.stderr
    board = json.loads((house.path / "board.json").read_text())
    worse = next(v for v in board["operations"][0]["verdicts"] if v["variant"]["id"] == "worse")
    named = {f"{each['key']}={each['value']}" for each in worse["slices"]}
    assert named == {"metadata.half=0", "metadata.half=1"}
    assert sum(each["cases"] for each in worse["slices"]) == worse["cases"]
    shown = house.run("show", "name_colour", "worse").stdout
    assert "metadata.half=1" in shown
