"""The signal as it is published, and the route that follows from it."""

from __future__ import annotations

import json

from tests.e2e.conftest import House


def published(house: House) -> dict[str, object]:
    house.run("check", "-q", "--publish", "signal.json")
    return json.loads((house.path / "signal.json").read_text())


def routed(house: House) -> dict[str, object]:
    (decision,) = json.loads(house.run("route", "--json").stdout)
    return decision


def test_the_signal_has_an_entry_for_every_variant(house: House) -> None:
    document = published(house)
    assert document["schema"] == "evalgate.signal/v1"
    assert document["seq"] == 1
    assert {entry["variant"]["id"]: entry["state"] for entry in document["entries"]}["same"] == "green"
    assert {entry["variant"]["id"]: entry["state"] for entry in document["entries"]}["worse"] == "red"


def test_publishing_again_counts_on_and_names_the_document_before(house: House) -> None:
    published(house)
    second = published(house)
    assert second["seq"] == 2
    assert str(second["prev"]).startswith("sha256:")


def test_checking_known_answers_again_makes_no_pass_and_no_younger_green(house: House) -> None:
    first, second = published(house), published(house)
    for before, after in zip(first["entries"], second["entries"], strict=True):
        assert after["valid_until"] == before["valid_until"]
        assert after["green_runs"] == before["green_runs"]


def test_traffic_goes_to_the_cheapest_green_variant(house: House) -> None:
    published(house)
    decision = routed(house)
    assert decision["variant"] == "same"
    assert round(float(decision["saving"]), 6) == 0.5


def test_a_cheaper_variant_that_is_red_is_named_with_its_reason(house: House) -> None:
    published(house)
    candidates = {each["variant"]: each for each in routed(house)["candidates"]}
    assert not candidates["worse"]["eligible"]
    assert "proven worse" in candidates["worse"]["reason"]


def test_a_variant_whose_configuration_changed_is_not_eligible(house: House) -> None:
    published(house)
    catalog = house.path / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("quantization: same", "quantization: int4"))
    decision = routed(house)
    assert decision["variant"] == "full"
    assert "configuration changed" in {c["variant"]: c["reason"] for c in decision["candidates"]}["same"]


def test_a_signal_that_is_not_there_says_how_to_publish_one(house: House) -> None:
    done = house.run("route")
    assert done.returncode == 2
    assert "evalgate check --publish" in done.stderr


def test_a_damaged_signal_is_refused(house: House) -> None:
    published(house)
    (house.path / "signal.json").write_text('{"schema": "evalgate.signal/v2"}')
    done = house.run("route")
    assert done.returncode == 2
    assert "not a signal document" in done.stderr
