"""LiteLLM's price list: for what the catalogue has, and for what is asked for by name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.catalog import CatalogFile
from evalgate.catalog.merge import merge
from evalgate.errors import InputError
from evalgate.integrations.litellm_prices import read_prices

DAY = date(2026, 11, 30)
GROQ: dict[str, Any] = {
    "litellm_provider": "groq",
    "mode": "chat",
    "input_cost_per_token": 5.9e-07,
    "output_cost_per_token": 7.9e-07,
    "max_tokens": 32768,
    "max_input_tokens": 128000,
    "max_output_tokens": 32768,
    "supports_function_calling": True,
    "supports_response_schema": False,
}
GPT = {
    **GROQ,
    "litellm_provider": "openai",
    "input_cost_per_token_batches": 2.95e-07,
    "output_cost_per_token_batches": 3.95e-07,
}
LIST = {
    "sample_spec": {"litellm_provider": "one of …", "input_cost_per_token": 0.0, "mode": "chat"},
    "groq/llama-3.3-70b-versatile": GROQ,
    "gpt-4o-mini": GPT,
    "text-embedding-3-small": {**GPT, "mode": "embedding"},
}
EMPTY: dict[str, Any] = {"version": 1, "providers": [], "models": []}


def catalogue(**provider: Any) -> dict[str, Any]:
    here = {"id": "fast", "base_url": "https://api.groq.com/openai/v1/", "api_key_env": "KEY", **provider}
    price = {"input": 1, "output": 1}
    variant = {
        "id": "v",
        "provider": "fast",
        "served_as": "llama-3.3-70b-versatile",
        "quantization": "fp8",
        "price": price,
    }
    return {"version": 1, "providers": [here], "models": [{"id": "llama", "variants": [variant]}]}


def taken(*wanted: str, **changes: Any) -> dict[str, Any]:
    document = {**LIST, "groq/llama-3.3-70b-versatile": {**GROQ, **changes}}
    offer = read_prices(document, "list.json", DAY, EMPTY, wanted or ("groq/llama-3.3-70b-versatile",))
    (model,) = offer.models
    (variant,) = model["variants"]
    return dict(variant)


def test_what_the_catalogue_has_is_found_by_the_providers_address_and_the_name_there() -> None:
    offer = read_prices(LIST, "list.json", DAY, catalogue())
    found = merge(catalogue(), offer)
    assert [change.name for change in found.conflicts] == ["v#price"]  # a person wrote it
    assert found.data["models"][0]["variants"][0]["capabilities"]["context"] == 128000
    assert (found.added, found.gone) == ([], [])


def test_nothing_is_said_of_precision() -> None:
    assert "quantization" not in read_prices(LIST, "list.json", DAY, catalogue()).models[0]["variants"][0]


def test_a_model_that_is_asked_for_is_added_with_its_provider() -> None:
    offer = read_prices(LIST, "list.json", DAY, EMPTY, ["groq/llama-3.3-70b-versatile=meta-llama/llama-3.3-70b"])
    data = merge(EMPTY, offer).data
    file = CatalogFile.model_validate(data)
    (variant,) = file.models[0].variants
    assert (file.models[0].id, variant.id) == ("meta-llama/llama-3.3-70b", "llama-3.3-70b-versatile@groq")
    assert (variant.served_as, variant.quantization.label) == ("llama-3.3-70b-versatile", "undisclosed")
    assert file.providers[0].api_key_env == "GROQ_API_KEY"


def test_prices_are_per_million_and_of_the_lists_day() -> None:
    assert taken()["price"] == {"input": 0.59, "output": 0.79, "as_of": "2026-11-30"}


def test_a_price_above_a_length_of_prompt_counts_and_one_of_another_tier_does_not() -> None:
    price = taken(input_cost_per_token_above_200k_tokens=1e-06, output_cost_per_token_above_200k_tokens_priority=9e-06)
    assert (price["price"]["input"], price["price"]["output"]) == (1.0, 0.79)


def test_max_tokens_alone_is_no_limit_for_it_means_several_things() -> None:
    assert "max_output" not in taken(max_output_tokens=None)["capabilities"]


def test_a_batch_price_becomes_a_discount() -> None:
    assert taken("gpt-4o-mini")["batch_discount"] == 0.5


@pytest.mark.parametrize("price", [None, "free", -1, True, 5, [], "NaN"])
def test_a_price_that_is_none_leaves_the_model_out_with_the_reason(price: object) -> None:
    document = {**LIST, "groq/llama-3.3-70b-versatile": {**GROQ, "input_cost_per_token": price}}
    offer = read_prices(document, "list.json", DAY, catalogue())
    assert offer.models == ()
    assert "input_cost_per_token: expected USD per token" in offer.skipped[0]


@pytest.mark.parametrize("key", ["gpt-4o-minni", "text-embedding-3-small", "sample_spec"])
def test_a_model_that_is_not_there_or_does_not_chat_is_an_error(key: str) -> None:
    with pytest.raises(InputError, match="no chat model"):
        read_prices(LIST, "list.json", DAY, EMPTY, [key])


def test_a_provider_without_a_known_address_must_be_in_the_catalogue() -> None:
    document = {"own/m": {**GROQ, "litellm_provider": "own"}}
    with pytest.raises(InputError, match="add it to `providers:` as own"):
        read_prices(document, "list.json", DAY, EMPTY, ["own/m"])
    with_own = {**EMPTY, "providers": [{"id": "own", "base_url": "http://own/v1"}]}
    assert read_prices(document, "list.json", DAY, with_own, ["own/m"]).models


@pytest.mark.parametrize("document", [None, [], {}, {"a": 5}, {"data": {"endpoints": []}}])
def test_another_document_is_refused_with_what_was_expected(document: object) -> None:
    with pytest.raises(InputError, match=r"list.json: expected LiteLLM's model_prices"):
        read_prices(document, "list.json", DAY, EMPTY)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["mode", "x"]), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*GPT, "input_cost_per_token_above_200k_tokens"]), ANYTHING, max_size=4))
def test_whatever_an_entry_holds_the_catalogue_stays_one(changes: dict[str, Any]) -> None:
    document = {**LIST, "groq/llama-3.3-70b-versatile": {**GROQ, **changes}}
    offer = read_prices(document, "list.json", DAY, catalogue())
    CatalogFile.model_validate(merge(catalogue(), offer).data)
