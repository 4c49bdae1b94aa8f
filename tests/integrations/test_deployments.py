"""Which deployments of a gateway may serve a call: whatever is not known keeps the cheaper one out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalgate.conformance.documents import Draft, Writer
from evalgate.conformance.world import MODEL, World
from evalgate.errors import InputError
from evalgate.formats.canonical import canonical
from evalgate.integrations.call import Said, said
from evalgate.integrations.deployments import Deployment, Deployments
from evalgate.signal.reader import Eligible
from evalgate.signal.reader.view import decode, rows_of
from tests.integrations.signals import world

SORT = Said("sort", standard=True)


@pytest.fixture
def place(tmp_path: Path) -> World:
    return world(tmp_path)


def deployment(place: World, name: str, *, variant: str | None = None, **more: Any) -> Deployment:
    info = {"evalgate_variant": variant or name, **more}
    return {"model_info": info, "litellm_params": {"model": f"openai/{MODEL}", "api_base": place.base_url(name)}}


def rules(place: World, draft: Draft) -> Deployments:
    rows = rows_of(decode(canonical(Writer(place).write(draft, 1, None))))

    def eligible(operation: str, model: str) -> tuple[Eligible, ...]:
        row = rows.get((operation, model))
        return row.entries if row else ()

    return Deployments(place.catalog(), eligible)


GREEN = Draft({"sort": {"cheap": "green", "cheapest": "red"}})
BOTH = Draft({"sort": {"cheap": "green", "cheapest": "green"}})


def names(group: list[Deployment]) -> list[str]:
    return [each["model_info"]["evalgate_variant"] for each in group]


def test_only_the_green_variant_may_serve(place: World) -> None:
    group = [deployment(place, "cheap"), deployment(place, "cheapest")]
    assert names(rules(place, GREEN).allowed(group, SORT)) == ["cheap"]


def test_of_several_green_ones_the_cheapest_is_taken(place: World) -> None:
    group = [deployment(place, "cheap"), deployment(place, "cheapest")]
    assert names(rules(place, BOTH).cheapest(group, SORT)) == ["cheapest"]
    assert names(rules(place, BOTH).cheapest(group[:1], SORT)) == ["cheap"]


def test_a_baseline_always_may_and_steps_back_for_who_is_cheaper(place: World) -> None:
    group = [deployment(place, "baseline", evalgate_baseline=True), deployment(place, "cheap")]
    assert names(rules(place, GREEN).allowed(group, SORT)) == ["baseline", "cheap"]
    assert names(rules(place, GREEN).cheapest(group, SORT)) == ["cheap"]
    assert names(rules(place, Draft({})).cheapest(group, SORT)) == ["baseline"]


@pytest.mark.parametrize(
    "call", [Said(None, standard=True), Said("other", standard=True), Said("sort", standard=False)]
)
def test_a_call_of_no_operation_of_another_or_of_another_tier_gets_no_variant(place: World, call: Said) -> None:
    assert rules(place, GREEN).allowed([deployment(place, "cheap")], call) == []


@pytest.mark.parametrize(
    "draft",
    [
        Draft(GREEN.states, variant_config="sha256:" + "f" * 64),
        Draft(GREEN.states, baseline_config="sha256:" + "f" * 64),
    ],
)
def test_another_configuration_than_the_judged_one_keeps_it_out(place: World, draft: Draft) -> None:
    assert rules(place, draft).allowed([deployment(place, "cheap")], SORT) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"model": "openai/another"},
        {"model": "openai/x" + MODEL, "api_base": None},
        {"model": MODEL, "api_base": "http://elsewhere/v1"},
    ],
)
def test_a_deployment_that_is_not_what_was_judged_keeps_out_and_is_no_start(place: World, parameters: Any) -> None:
    wrong = {**deployment(place, "cheap"), "litellm_params": parameters}
    deployments = rules(place, GREEN)
    assert deployments.allowed([wrong], SORT) == []
    with pytest.raises(InputError, match="the deployment that is marked as 'cheap' is another one"):
        deployments.require([wrong])


def test_a_mark_that_the_catalogue_does_not_know_is_no_start_and_serves_nobody(place: World) -> None:
    unknown = deployment(place, "cheap", variant="cheep")
    deployments = rules(place, GREEN)
    assert deployments.allowed([unknown], SORT) == []
    with pytest.raises(InputError, match="the catalogue has no variant 'cheep'"):
        deployments.require([unknown])


def test_in_a_group_with_marks_who_has_none_may_not_serve_and_without_any_all_may(place: World) -> None:
    bare: Deployment = {"model_info": {"id": "1"}, "litellm_params": {"model": "openai/gpt"}}
    assert rules(place, GREEN).allowed([bare, deployment(place, "cheap")], SORT) == [deployment(place, "cheap")]
    assert rules(place, GREEN).allowed([bare], SORT) == [bare]


def test_a_twin_at_another_address_does_not_serve_by_the_mark_of_the_judged_one(place: World) -> None:
    judged = deployment(place, "cheap")
    twin = {**judged, "litellm_params": {**judged["litellm_params"], "api_base": "http://elsewhere.example/v1"}}
    for group in ([judged, twin], [twin, judged]):
        assert rules(place, GREEN).allowed(group, SORT) == [judged]
        assert rules(place, GREEN).cheapest(group, SORT) == [judged]


def test_who_is_called_by_its_id_is_judged_by_the_group_that_it_is_of(place: World) -> None:
    marked, plain = deployment(place, "cheap"), {"model_info": {}, "litellm_params": {"model": "openai/anything"}}
    assert rules(place, GREEN).allowed([plain], SORT, [plain, marked]) == []
    assert rules(place, GREEN).allowed([marked], SORT, [plain, marked]) == [marked]
    assert rules(place, GREEN).allowed([plain], SORT, [plain]) == [plain]


def test_a_variant_that_saves_nothing_does_not_take_the_baselines_place(place: World) -> None:
    catalog = place.folder / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("input: 0.5, output: 1.5", "input: 1, output: 3"))
    assert rules(place, GREEN).allowed([deployment(place, "cheap")], SORT) == []


@pytest.mark.parametrize(
    ("headers", "metadata", "tier", "expected"),
    [
        ({"X-Evalgate-Operation": "sort"}, [], None, Said("sort", standard=True)),
        ({}, [{"operation_id": "sort"}], None, Said("sort", standard=True)),
        ({"x-evalgate-operation": "sort"}, [{"operation_id": "sort"}, None], None, Said("sort", standard=True)),
        ({"x-evalgate-operation": "sort"}, [{"operation_id": "other"}], None, Said(None, standard=True)),
        ({}, [{"operation_id": 5}], None, Said(None, standard=True)),
        ({"x-evalgate-tier": "realtime"}, [], None, Said(None, standard=False)),
        ({"x-evalgate-tier": "Standard"}, [], None, Said(None, standard=False)),
        ({"x-evalgate-tier": "standard"}, [{"tier": "realtime"}], None, Said(None, standard=False)),
        ({}, [], "realtime", Said(None, standard=False)),
        ({}, [], "flex", Said(None, standard=True)),
        (None, [None], ["realtime"], Said(None, standard=True)),
    ],
)
def test_what_a_call_says_of_itself(headers: Any, metadata: Any, tier: object, expected: Said) -> None:
    assert said(headers, metadata, tier) == expected
