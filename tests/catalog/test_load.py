"""A catalogue becomes endpoints, or an `InputError` with file and line."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.catalog import Catalog, Endpoint, Variant, load_catalog
from evalgate.errors import InputError
from tests.conftest import JSON, catalog, outcome, variant, written


def refusal(folder: Path, *variants: dict[str, object], **provider: object) -> str:
    with pytest.raises(InputError) as caught:
        catalog(folder, *variants, **provider)
    return str(caught.value).replace(str(folder) + "/", "")


def endpoint(folder: Path, provider: dict[str, object] | None = None, **changes: object) -> Endpoint:
    return catalog(folder, variant(**changes), **(provider or {})).endpoints("toy")["full"]


PRICES = st.decimals(0, 100_000, places=6, allow_nan=False)
TOKENS = st.integers(0, 10_000_000)


@given(PRICES, PRICES, TOKENS, TOKENS)
def test_cost_is_exact_to_the_picodollar(input_: Decimal, output: Decimal, asked: int, said: int) -> None:
    price = variant(price={"input": str(input_), "output": str(output)})
    cost = Variant.model_validate(price).price.cost(asked, said)
    assert cost * 10**12 == int(input_ * 10**6) * asked + int(output * 10**6) * said


@pytest.mark.parametrize(
    ("written_", "price"), [(0.15, "0.15"), ("0.15", "0.15"), (3, "3"), (0, "0"), (1e-6, "0.000001")]
)
def test_a_price_is_what_was_written_to_the_last_digit(tmp_path: Path, written_: object, price: str) -> None:
    assert endpoint(tmp_path, price={"input": written_, "output": 0}).price.input == Decimal(price)


@pytest.mark.parametrize("price", [-1, 1e-7, 100_001, "free", True, None, "nan", "Infinity", "1e999"])
def test_a_price_that_is_no_price_is_refused(tmp_path: Path, price: object) -> None:
    assert "price.input" in refusal(tmp_path, variant(price={"input": price, "output": 0}))


@given(
    st.sampled_from(
        ["id", "provider", "quantization", "price", "serving", "capabilities", "path", "recording", "other"]
    ),
    JSON,
)
def test_any_value_of_any_key_is_a_catalogue_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    result = outcome(lambda: catalog(tmp_path_factory.getbasetemp(), variant(**{key: value})))
    assert isinstance(result, Catalog) or "catalog.yaml:1" in str(result)


@given(
    st.sampled_from(
        ["protocol", "base_url", "api_key_env", "api_version", "concurrency", "timeout", "stream", "other"]
    ),
    JSON,
)
def test_any_provider_is_a_catalogue_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    result = outcome(lambda: catalog(tmp_path_factory.getbasetemp(), **{key: value}))
    assert isinstance(result, Catalog) or "catalog.yaml:1" in str(result)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"price": None}, "models.0.variants.0.price"),
        ({"provider": "their"}, "models.0.variants.0.provider: no provider 'their'; did you mean 'here'?"),
        ({"quantization": "FP 8"}, "quantization: string should match pattern"),
        ({"quantisation": "fp8"}, "quantisation: unknown key; did you mean 'quantization'?"),
        ({"recording": "tape.gz"}, "recording: provider 'here' is not of protocol replay"),
        ({"capabilities": {"context": 0}}, "capabilities.context"),
    ],
)
def test_a_variant_that_cannot_be_used_is_refused(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    assert told in refusal(tmp_path, variant(**changes))


def test_a_variant_without_a_price_is_refused(tmp_path: Path) -> None:
    bare = {key: value for key, value in variant().items() if key != "price"}
    assert "models.0.variants.0.price: missing; this key is required" in refusal(tmp_path, bare)


def test_two_variants_two_models_or_two_providers_of_one_id_are_refused(tmp_path: Path) -> None:
    assert "variants.1.id: duplicate variant id 'full'" in refusal(tmp_path, variant(), variant())
    model, provider = {"id": "m", "variants": [variant()]}, {"id": "here", "base_url": "http://x"}
    for kind, models, providers in (("model", [model, model], [provider]), ("provider", [model], [provider, provider])):
        path = written(tmp_path, "twice.yaml", {"models": models, "providers": providers})
        with pytest.raises(InputError, match=f"duplicate {kind} id"):
            load_catalog(path)


@pytest.mark.parametrize("url", ["ftp://x/v1", "http://", "x/v1", "http://x/v1?a=b", "http://x/v 1", "http://x/#"])
def test_a_base_url_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    assert "providers.0.base_url: string should match pattern" in refusal(tmp_path, base_url=url)


def test_an_http_provider_needs_its_base_url(tmp_path: Path) -> None:
    assert "providers.0.base_url: missing; an HTTP provider needs its base_url" in refusal(tmp_path, base_url=None)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("base_url", "https://me:sk-secret@host/v1"),
        ("base_url", "https://sk-secret@host"),
        ("api_key_env", "sk-secret"),
        ("api_key_env", "Bearer sk-secret"),
        ("api_key", "sk-secret"),
    ],
)
def test_a_key_that_was_written_into_the_catalogue_is_refused_and_not_shown(
    tmp_path: Path, key: str, value: str
) -> None:
    told = refusal(tmp_path, **{key: value})
    assert "api_key_env" in told
    assert "secret" not in told


def test_a_recording_must_be_named_and_be_there(tmp_path: Path) -> None:
    assert "recording: missing" in refusal(tmp_path, variant(), protocol="replay")
    for name in ("tape.gz", ".", "nul\0"):
        told = refusal(tmp_path, variant(recording=name), protocol="replay")
        assert "recording: the recording does not exist" in told


def test_an_unknown_model_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model 'boy'; did you mean 'toy'\?"):
        catalog(tmp_path).endpoints("boy")


@pytest.mark.parametrize(
    "changes",
    [
        {"served_as": "toy-v2"},
        {"path": "broker"},
        {"tag": "eu"},
        {"quantization": "fp8"},
        {"serving": {"context": 2048}},
        {"provider_": {"base_url": "http://127.0.0.1:10/v1"}},
    ],
)
def test_the_config_hash_changes_with_what_could_change_an_answer(tmp_path: Path, changes: dict[str, object]) -> None:
    provider = changes.pop("provider_", {})
    assert endpoint(tmp_path, provider, **changes).config != endpoint(tmp_path).config  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"price": {"input": 9, "output": 9}},
        {"price": {"input": 1, "output": 2, "as_of": "2026-11-30"}},
        {"capabilities": {"tools": True}},
        {"capabilities": {"tool_choice": ["auto"]}},
        {"observed": {"source": "somebody", "at": "2026-11-30T12:00Z", "requests": 5}},
        {"imported": {"somebody": {"as_of": "2026-11-30", "wrote": {"price": "v01234567"}}}},
        {"served_as": "toy"},
        {"quantization": {"label": "bf16", "source": "measured", "bits_per_weight": 16}},
        {"provider_": {"timeout": 5, "retries": 0, "concurrency": 1, "api_key_env": "KEY"}},
        {"provider_": {"connect_timeout": 1, "first_byte_timeout": 2, "stream": True}},
        {"provider_": {"requests_per_minute": 60, "tokens_per_minute": 1000}},
    ],
)
def test_the_config_hash_does_not_change_with_price_pace_or_words(tmp_path: Path, changes: dict[str, object]) -> None:
    provider = changes.pop("provider_", {})
    one, other = endpoint(tmp_path, provider, **changes), endpoint(tmp_path)  # type: ignore[arg-type]
    assert (one.config, one.kin) == (other.config, other.kin)


def test_no_hash_knows_what_is_written_of_the_model(tmp_path: Path) -> None:
    about = {"family": "toy", "author": "us", "released": "2026-01-01", "open_weights": True, "context": 8192}
    use = {"requests": 7, "source": "somebody", "as_of": "2026-11-30"}
    model = {"id": "toy", **about, "popularity": use, "aliases": ["toys"], "variants": [variant()]}
    here = {"id": "here", "base_url": "http://127.0.0.1:9/v1"}
    found = load_catalog(written(tmp_path, "about.yaml", {"providers": [here], "models": [model]}))
    assert found.endpoints("toy")["full"].config == endpoint(tmp_path).config
    assert found.about["toy"].family == "toy"


@pytest.mark.parametrize("day", ["20261130", 20261130, "2026-11-30T12:00", "2026-13-01", "today", True])
def test_a_day_that_is_none_is_refused(tmp_path: Path, day: object) -> None:
    assert "price.as_of" in refusal(tmp_path, variant(price={"input": 1, "output": 1, "as_of": day}))


def test_the_config_hash_of_a_known_catalogue_stays_what_it_was(tmp_path: Path) -> None:
    # taken before there was any protocol but openai and replay: answers that were bought by it are still found
    here = endpoint(tmp_path, tag="eu", served_as="toy-v2", serving={"context": 2048})
    assert here.config == "sha256:56b926bb7255dfc0d95a7f137306786d203ef4a39bf408bfee490a7da2d92e51"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1/", "http://127.0.0.1:9/v1//"])
def test_neither_hash_knows_how_the_url_is_spelt(tmp_path: Path, url: str) -> None:
    one, other = endpoint(tmp_path), endpoint(tmp_path, {"base_url": url})
    assert (one.config, one.kin) == (other.config, other.kin)
    assert one.former_config == one.config != other.former_config


def test_nor_how_host_and_port_are(tmp_path: Path) -> None:
    urls = ("https://api.example/V1", "https://API.Example:443/V1", "https://api.example/V1/")
    assert len({endpoint(tmp_path, {"base_url": url}).config for url in urls}) == 1
    for url in ("https://api.example/v1", "http://api.example/V1", "https://api.example:80/V1"):
        assert endpoint(tmp_path, {"base_url": url}).config != endpoint(tmp_path, {"base_url": urls[0]}).config


def test_the_kin_of_an_endpoint_does_not_know_what_its_provider_is_called(tmp_path: Path) -> None:
    one = endpoint(tmp_path)
    other = replace(one, provider=one.provider.model_copy(update={"id": "elsewhere"}))
    assert one.kin == other.kin
    assert one.config != other.config


def test_the_config_hash_of_a_recording_is_that_of_its_content(tmp_path: Path) -> None:
    tape = tmp_path / "tape.gz"
    tape.write_bytes(b"one")
    first = endpoint(tmp_path, {"protocol": "replay"}, recording="tape.gz").config
    tape.write_bytes(b"two")
    assert endpoint(tmp_path, {"protocol": "replay"}, recording="tape.gz").config != first


def test_a_recording_that_vanished_after_loading_is_an_input_error(tmp_path: Path) -> None:
    tape = tmp_path / "tape.gz"
    tape.write_bytes(b"one")
    loaded = endpoint(tmp_path, {"protocol": "replay"}, recording="tape.gz")
    tape.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        _ = loaded.config


def test_undisclosed_is_a_value_and_never_a_guess(tmp_path: Path) -> None:
    quantization = endpoint(tmp_path, quantization="undisclosed").quantization
    assert (quantization.label, quantization.source) == ("undisclosed", "undisclosed")
