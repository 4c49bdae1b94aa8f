"""OpenRouter's list of endpoints, trap by trap, and the `provider` object that holds it to the signal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from evalgate.catalog import load_catalog
from evalgate.cli import command
from evalgate.errors import EvalgateError, InputError
from evalgate.integrations.openrouter import Imported, catalogue, percentiles, provider_object, read_endpoints
from tests.integrations.signals import decide, openrouter_catalog, signal, world

FP8: dict[str, Any] = {
    "name": "DeepInfra | meta-llama/llama-3.1-70b-instruct",
    "provider_name": "DeepInfra",
    "tag": "deepinfra/fp8",
    "quantization": "fp8",
    "context_length": 131072,
    "max_completion_tokens": 16384,
    "pricing": {"prompt": "0.00000023", "completion": "0.0000004", "request": "0", "image": "0"},
    "supported_parameters": ["tools", "temperature", "structured_outputs"],
    "uptime_last_30m": 99.5,
    "latency_last_30m": {"p50": 312, "p75": 410, "p90": 600, "p99": 1500},
    "throughput_last_30m": {"p50": 41.5},
}


def document(*endpoints: object) -> dict[str, object]:
    return {"data": {"id": "meta-llama/llama-3.1-70b-instruct", "name": "Llama", "endpoints": list(endpoints)}}


def imported(*endpoints: object) -> Imported:
    return read_endpoints(document(*endpoints), "list.json")


def only(**changes: object) -> dict[str, Any]:
    (variant,) = imported({**FP8, **changes}).variants
    return variant


def test_prices_are_texts_in_usd_per_token_and_become_usd_per_million() -> None:
    assert only()["price"] == {"input": 0.23, "output": 0.4}


def test_a_price_finer_than_the_catalogue_is_rounded_up_so_that_nobody_looks_cheaper_than_it_is() -> None:
    pricing = {"prompt": "0.0000000000001", "completion": "0"}
    assert only(pricing=pricing)["price"] == {"input": 0.000001, "output": 0.0}


@pytest.mark.parametrize("price", ["-1", "free", "", None, "NaN", "Infinity", "0.23", True, [], "1e999999999"])
def test_a_price_that_is_none_per_token_leaves_the_endpoint_out_with_the_reason(price: object) -> None:
    found = imported({**FP8, "pricing": {"prompt": price, "completion": "0"}})
    assert found.variants == ()
    assert "pricing.prompt: expected USD per token" in found.skipped[0]


def test_a_price_per_request_cannot_be_held_by_a_catalogue() -> None:
    found = imported({**FP8, "pricing": {"prompt": "0", "completion": "0", "request": "0.01"}})
    assert "price per request" in found.skipped[0]


@pytest.mark.parametrize("label", [None, "unknown", ""])
def test_a_quantization_that_is_not_told_is_undisclosed(label: str | None) -> None:
    assert only(quantization=label)["quantization"] == "undisclosed"


@pytest.mark.parametrize(
    "label", ["int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32"]
)
def test_every_other_quantization_is_taken_as_declared(label: str) -> None:
    assert only(quantization=label)["quantization"] == label


def test_one_host_with_two_precisions_is_two_variants_told_apart_by_tag() -> None:
    found = imported(FP8, {**FP8, "tag": "deepinfra/turbo", "quantization": "fp4"})
    assert [each["id"] for each in found.variants] == [
        "llama-3.1-70b-instruct@deepinfra/fp8",
        "llama-3.1-70b-instruct@deepinfra/turbo",
    ]


def test_two_endpoints_of_one_tag_cannot_be_told_apart_so_the_second_is_left_out() -> None:
    found = imported(FP8, {**FP8, "quantization": "int4"})
    assert len(found.variants) == 1
    assert "second endpoint of this tag" in found.skipped[0]


@pytest.mark.parametrize("tag", [None, "", 5])
def test_an_endpoint_without_a_tag_is_left_out(tag: object) -> None:
    assert "no tag" in imported({**FP8, "tag": tag}, FP8).skipped[0]


def test_capabilities_are_those_that_are_listed_and_json_mode_is_not_a_schema() -> None:
    assert only()["capabilities"] == {"tools": True, "json_schema": True, "context": 131072, "max_output": 16384}
    bare = only(supported_parameters=["response_format"], max_completion_tokens=None, context_length=0)
    assert bare["capabilities"] == {"tools": False, "json_schema": False}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"p50": 312, "p99": None}, {"p50": 312.0}),
        (312, {"p50": 312.0}),
        (None, {}),
        ("fast", {}),
        (True, {}),
        (-1, {}),
    ],
)
def test_percentiles_may_be_an_object_a_bare_number_or_null(given: object, expected: dict[str, float]) -> None:
    assert percentiles(given) == expected


def test_latency_is_remarked_in_milliseconds_as_it_is_published() -> None:
    assert (
        imported(FP8).observed["llama-3.1-70b-instruct@deepinfra/fp8"] == "first token 312 ms, 42 tokens/s, up 99.5 %"
    )


def test_the_catalogue_loads_and_holds_the_endpoint_to_its_tag(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text(catalogue([imported(FP8)]))
    (endpoint,) = load_catalog(path).endpoints("meta-llama/llama-3.1-70b-instruct").values()
    assert (endpoint.variant.tag, endpoint.provider.protocol) == ("deepinfra/fp8", "openrouter")
    assert endpoint.cost(1_000_000, 0) == endpoint.price.input


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.sampled_from([*FP8, "prompt", "completion", "p50"]), c),
    )
)
def test_whatever_an_endpoint_holds_it_is_a_variant_or_left_out_with_a_reason(endpoint: object) -> None:
    changed = {**FP8, **endpoint} if isinstance(endpoint, dict) else endpoint
    found = imported(changed)
    assert len(found.variants) + len(found.skipped) == 1
    if found.variants:
        catalogue([found])


@pytest.mark.parametrize("document", [None, [], {}, {"data": []}, {"data": {"id": "a/b"}}, {"error": {"code": 404}}])
def test_another_document_is_refused_with_what_was_expected(document: object) -> None:
    with pytest.raises(InputError, match=r"list.json: expected the answer of GET /models"):
        read_endpoints(document, "list.json")


def test_import_writes_a_catalogue_says_what_it_left_out_and_replaces_no_file(tmp_path: Path) -> None:
    source, output = tmp_path / "endpoints.json", tmp_path / "catalog.yaml"
    source.write_text(json.dumps(document(FP8, {**FP8, "tag": None})))
    arguments = ["catalog", "import", "openrouter", str(source), "--output", str(output)]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert "left out meta-llama/llama-3.1-70b-instruct endpoint 2: no tag" in done.stderr
    assert load_catalog(output).endpoints("meta-llama/llama-3.1-70b-instruct")
    with pytest.raises(EvalgateError, match="there is a file already"):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_the_cheapest_green_one_is_first_the_baseline_last_and_nobody_else_is_asked(tmp_path: Path) -> None:
    catalog = openrouter_catalog(tmp_path)
    document = signal(world(tmp_path), catalog, sort={"cheap": "green", "cheapest": "red"})
    assert provider_object(decide(document, catalog)[0]) == {
        "order": ["deepinfra/fp8", "novita/bf16"],
        "only": ["deepinfra/fp8", "novita/bf16"],
        "allow_fallbacks": False,
        "quantizations": ["bf16", "fp8"],
    }


def test_a_tag_that_stands_for_a_whole_host_keeps_out_its_other_endpoints_by_name(tmp_path: Path) -> None:
    catalog = openrouter_catalog(tmp_path)
    document = signal(world(tmp_path), catalog, sort={"cheap": "red", "cheapest": "green"})
    found = provider_object(decide(document, catalog)[0])
    assert (found["order"], found["ignore"]) == (["deepinfra", "novita/bf16"], ["deepinfra/fp8"])


def test_when_nothing_is_green_only_the_baseline_is_asked(tmp_path: Path) -> None:
    catalog = openrouter_catalog(tmp_path)
    document = signal(world(tmp_path), catalog, sort={"cheap": "red", "cheapest": "unknown"})
    assert provider_object(decide(document, catalog)[0])["only"] == ["novita/bf16"]


def test_when_nobody_there_may_be_asked_no_object_is_made(tmp_path: Path) -> None:
    catalog = openrouter_catalog(tmp_path, baseline_is_there=False)
    document = signal(world(tmp_path), catalog, sort={"cheap": "red"})
    with pytest.raises(InputError, match="send it to the baseline, baseline"):
        provider_object(decide(document, catalog)[0])
