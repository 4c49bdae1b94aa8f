"""OpenRouter's list of endpoints, trap by trap."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.catalog import CatalogFile
from evalgate.catalog.offer import Offer
from evalgate.errors import InputError
from evalgate.integrations.openrouter_endpoints import percentiles, read_endpoints

AT = datetime(2026, 11, 30, 12, 30, tzinfo=UTC)
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

MORE = ("prompt", "completion", "p50", "overrides", "perf_last_30m_by_workload", "supports_tool_choice", "status")


def document(*endpoints: object) -> dict[str, object]:
    return {"data": {"id": "meta-llama/llama-3.1-70b-instruct", "name": "Llama", "endpoints": list(endpoints)}}


def offered(*endpoints: object) -> Offer:
    return read_endpoints(document(*endpoints), "list.json", AT)


def variants(*endpoints: object) -> list[dict[str, Any]]:
    return [variant for model in offered(*endpoints).models for variant in model["variants"]]


def only(**changes: object) -> dict[str, Any]:
    (variant,) = variants({**FP8, **changes})
    return variant


def observed(**changes: object) -> dict[str, Any]:
    return only(**changes)["observed"]


def test_prices_are_texts_in_usd_per_token_and_become_usd_per_million() -> None:
    assert only()["price"] == {"input": 0.23, "output": 0.4, "as_of": "2026-11-30"}


def test_a_price_finer_than_the_catalogue_is_rounded_up_so_that_nobody_looks_cheaper_than_it_is() -> None:
    pricing = {"prompt": "0.0000000000001", "completion": "0"}
    assert only(pricing=pricing)["price"] == {"input": 0.000001, "output": 0.0, "as_of": "2026-11-30"}


def test_a_price_that_is_dearer_at_some_hours_or_for_long_prompts_is_the_dearest_of_them() -> None:
    overrides = [
        {"utc_start": "08:00", "prompt": "0.0000005"},
        {"min_prompt_tokens": 200000, "completion": "0.0000003"},
    ]
    price = only(pricing={**FP8["pricing"], "overrides": overrides})["price"]
    assert (price["input"], price["output"]) == (0.5, 0.4)


@pytest.mark.parametrize("overrides", ["night", [5], {"prompt": "0"}, [{"prompt": "cheap"}]])
def test_an_override_that_cannot_be_read_leaves_the_endpoint_out_for_it_might_be_dearer(overrides: object) -> None:
    found = offered({**FP8, "pricing": {**FP8["pricing"], "overrides": overrides}})
    assert found.models == ()
    assert "pricing." in found.skipped[0]


@pytest.mark.parametrize("price", ["-1", "free", "", None, "NaN", "Infinity", "0.23", True, [], "1e999999999"])
def test_a_price_that_is_none_per_token_leaves_the_endpoint_out_with_the_reason(price: object) -> None:
    found = offered({**FP8, "pricing": {"prompt": price, "completion": "0"}})
    assert found.models == ()
    assert "pricing.prompt: expected USD per token" in found.skipped[0]


def test_a_price_per_request_cannot_be_held_by_a_catalogue() -> None:
    found = offered({**FP8, "pricing": {"prompt": "0", "completion": "0", "request": "0.01"}})
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
    found = variants(FP8, {**FP8, "tag": "deepinfra/turbo", "quantization": "fp4"})
    assert [each["id"] for each in found] == [
        "llama-3.1-70b-instruct@deepinfra/fp8",
        "llama-3.1-70b-instruct@deepinfra/turbo",
    ]


def test_two_endpoints_of_one_tag_cannot_be_told_apart_so_the_second_is_left_out() -> None:
    found = offered(FP8, {**FP8, "quantization": "int4"})
    assert len(found.models[0]["variants"]) == 1
    assert "second endpoint of this tag" in found.skipped[0]


@pytest.mark.parametrize("tag", [None, "", 5])
def test_an_endpoint_without_a_tag_is_left_out(tag: object) -> None:
    assert "no tag" in offered({**FP8, "tag": tag}, FP8).skipped[0]


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


def test_what_was_observed_has_its_source_its_time_and_its_n() -> None:
    workload = {"latency": {"p50": 300}, "throughput": {"p50": 40}, "request_count": 81060}
    assert observed(perf_last_30m_by_workload={"text_generation": workload}, status=0, uptime_last_1d=98) == {
        "source": "openrouter",
        "at": "2026-11-30T12:30Z",
        "requests": 81060,
        "first_token_ms": {"p50": 300.0},
        "tokens_per_second": {"p50": 40.0},
        "uptime": {"30m": 99.5, "1d": 98.0},
        "degraded": False,
    }


def test_without_workloads_the_figures_of_the_endpoint_are_taken_and_n_is_not_known() -> None:
    assert observed()["first_token_ms"] == {"p50": 312.0, "p75": 410.0, "p90": 600.0, "p99": 1500.0}
    assert "requests" not in observed()


def test_requests_of_other_workloads_are_not_counted() -> None:
    assert "requests" not in observed(perf_last_30m_by_workload={"embeddings": {"request_count": 7}})


def test_a_latency_that_must_be_seconds_is_left_out() -> None:
    assert "first_token_ms" not in observed(latency_last_30m={"p50": 0.25, "p99": 2.5})


@pytest.mark.parametrize(("status", "degraded"), [(0, False), (-2, True), (1, True)])
def test_every_status_but_0_is_degraded(status: int, degraded: bool) -> None:
    assert observed(status=status)["degraded"] is degraded


def test_only_values_of_tool_choice_that_are_said_to_work_are_taken() -> None:
    choices = {"auto": True, "none": True, "required": False, "function": None}
    assert only(supports_tool_choice=choices)["capabilities"]["tool_choice"] == ["auto", "none"]
    without = only(supports_tool_choice=choices, supported_parameters=[])["capabilities"]
    assert "tool_choice" not in without


def test_of_the_model_is_taken_what_an_estimate_may_look_at() -> None:
    given = document({**FP8, "perf_last_30m_by_workload": {"text_generation": {"request_count": 7}}}, FP8)
    given["data"] |= {"created": 1721692800, "architecture": {"tokenizer": "Llama3"}}  # type: ignore[operator]
    (model,) = read_endpoints(given, "list.json", AT).models
    assert {key: value for key, value in model.items() if key != "variants"} == {
        "id": "meta-llama/llama-3.1-70b-instruct",
        "name": "Llama",
        "author": "meta-llama",
        "family": "llama",
        "released": "2024-07-23",
        "context": 131072,
        "popularity": {"requests": 7, "source": "openrouter", "as_of": "2026-11-30"},
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda c: st.lists(c) | st.dictionaries(st.sampled_from([*FP8, *MORE]), c),
    )
)
def test_whatever_an_endpoint_holds_it_is_a_variant_or_left_out_with_a_reason(endpoint: object) -> None:
    changed = {**FP8, **endpoint} if isinstance(endpoint, dict) else endpoint
    found = offered(changed)
    assert len(found.models) + len(found.skipped) == 1
    if found.models:
        CatalogFile.model_validate({"providers": list(found.providers), "models": list(found.models)})


@pytest.mark.parametrize("document", [None, [], {}, {"data": []}, {"data": {"id": "a/b"}}, {"error": {"code": 404}}])
def test_another_document_is_refused_with_what_was_expected(document: object) -> None:
    with pytest.raises(InputError, match=r"list.json: expected the answer of GET /models"):
        read_endpoints(document, "list.json", AT)
