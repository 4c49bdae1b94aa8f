"""The board says what routers do: by the signal that is published, not by what the board itself would make of it."""

from __future__ import annotations

import json
import re

from tests.e2e.conftest import House


def told(house: House, *options: str) -> set[str]:
    """What the board says of the router."""
    done = house.run("check", "-q", *options, COLUMNS="400")
    return {line.strip() for line in done.stdout.splitlines() if line.strip().startswith("router:")}


def routed(house: House) -> str:
    (decision,) = json.loads(house.run("route", "--json").stdout)
    return str(decision["variant"])


def publish(house: House) -> set[str]:
    return told(house, "--publish", "signal.json", "--unsigned")


def test_an_unpublished_board_moves_no_traffic_and_says_so(house: House) -> None:
    assert told(house) == {"router: traffic stays at full: no signal is published; published, it would go to same"}
    assert house.run("route").returncode == 2


def test_a_board_that_is_published_says_where_traffic_goes(house: House) -> None:
    assert publish(house) == {"router: traffic goes to same"}
    assert routed(house) == "same"


def test_a_published_signal_that_says_the_same_is_named(house: House) -> None:
    publish(house)
    (line,) = told(house)
    assert re.fullmatch(r"router: traffic goes to same( by the published signal \(seq 1 of .* UTC\))?", line)


def test_a_published_signal_that_sends_traffic_elsewhere_goes_on_holding(house: House) -> None:
    house.edit("gate: {margin: 0.05}", "gate: {margin: 0.005}")  # too little for so few cases
    publish(house)
    house.edit("gate: {margin: 0.005}", "gate: {margin: 0.05}")
    (line,) = told(house)
    assert "traffic goes to full by the published signal (seq 1 of" in line
    assert line.endswith("this board is not published and would send it to same")
    assert routed(house) == "full"


def test_a_margin_that_forgives_a_red_brings_nobody_back_on_the_same_answers(house: House) -> None:
    publish(house)
    house.edit("gate: {margin: 0.05}", "gate: {margin: 0.2}")
    (line,) = told(house)
    assert line.endswith("UTC)")  # the board says what is published: red until it passes on younger answers


def test_a_changed_baseline_stops_the_published_signal_and_the_board_says_so(house: House) -> None:
    publish(house)
    catalog = house.path / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("quantization: same", "quantization: renamed"))
    (line,) = told(house)
    assert "traffic goes to full by the published signal" in line
    assert routed(house) == "full"


def test_a_published_file_that_cannot_be_read_is_named(house: House) -> None:
    (house.path / "signal.json").write_text("{")
    (line,) = told(house)
    assert "traffic stays at full: the published signal cannot be read: signal.json" in line


def test_route_explains_the_order_and_the_tier(house: House) -> None:
    publish(house)
    shown = house.run("route", "--explain").stdout
    assert "asked in turn: same → full" in shown
    realtime = json.loads(house.run("route", "--tier", "realtime", "--json").stdout)[0]
    assert (realtime["variant"], realtime["order"]) == ("full", ["full"])


def test_route_chooses_for_a_request(house: House) -> None:
    publish(house)
    body = {
        "model": "toy",
        "messages": [{"role": "user", "content": "Colour"}],
        "metadata": {"operation_id": "name_colour"},
        "provider": {"max_price": {"prompt": 0.1}},
    }
    (house.path / "call.json").write_text(json.dumps(body))
    done = house.run("route", "--request", "call.json", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["variant"] is None
    assert "max_price" in json.loads(done.stdout)[0]["reason"]


def test_a_request_that_is_not_json_is_refused(house: House) -> None:
    publish(house)
    (house.path / "call.json").write_text("[" * 100_000)
    done = house.run("route", "--request", "call.json")
    assert done.returncode == 2
    assert "call.json: not JSON" in done.stderr


def test_a_signed_signal_of_another_store_is_shown_as_not_checked_and_routed_by_only_with_its_key(house: House) -> None:
    house.run("signal", "keygen")
    house.run("check", "-q", "--publish", "signal.json", "--key", "signal.key", "--store", "other.db")
    (line,) = told(house)
    assert "traffic goes to same by the published signal (seq 1 of" in line
    assert "not checked)" in line
    refused = house.run("route")
    assert refused.returncode == 2
    assert "signed, but no key was given" in refused.stderr
    assert "name_colour → same" in house.run("route", "--trust", "signal.pub").stdout
