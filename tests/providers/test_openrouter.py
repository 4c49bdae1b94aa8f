"""OpenRouter: a variant is one endpoint, and an answer of anybody else never counts for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from evalgate.errors import EvalgateError, InputError, ProviderError
from evalgate.exchange import JsonValue
from evalgate.providers import AttemptFailed
from evalgate.providers.openrouter import read
from evalgate.providers.reply import Reply
from tests.conftest import JSON, Loopback, Sent, catalog, variant
from tests.providers.asking import CHAT, KEY, ask, at, events, stream

# the shape of a real response, ids and counts changed
RESPONSE: dict[str, JsonValue] = {
    "id": "gen-1791084135-7wgkROHXIojJJ2sMtIIm",
    "object": "chat.completion",
    "created": 1791084135,
    "model": "deepseek/deepseek-v4",
    "provider": "DeepInfra",
    "system_fingerprint": None,
    "choices": [
        {
            "index": 0,
            "logprobs": None,
            "finish_reason": "length",
            "native_finish_reason": "max_tokens",
            "message": {"role": "assistant", "content": "OK", "refusal": None, "reasoning": "hm"},
        }
    ],
    "usage": {
        "prompt_tokens": 8,
        "completion_tokens": 9,
        "total_tokens": 17,
        "cost": 0.000013,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 7},
    },
}


def sent(**changes: JsonValue) -> Sent:
    body = {key: value for key, value in {**RESPONSE, **changes}.items() if value != "absent"}
    return Sent(json.dumps(body).encode())


def refused(server: Loopback, folder: Path, response: Sent, tag: str = "deepinfra/fp8") -> str:
    server.behave = lambda asked: response
    with pytest.raises(ProviderError) as caught:
        ask(at(server, folder, {"tag": tag}, protocol="openrouter"), CHAT)
    assert " models.0.variants.0: pinned to" in str(caught.value)
    return str(caught.value)


def test_a_variant_is_pinned_to_its_endpoint(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: sent()
    answer = ask(at(server, tmp_path, {"tag": "deepinfra/fp8"}, protocol="openrouter"), CHAT)
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.body["provider"] == {"only": ["deepinfra/fp8"], "allow_fallbacks": False}
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert (answer.text, answer.finish_reason) == ("OK", "length")
    assert answer.details == {
        "served_model": "deepseek/deepseek-v4",
        "reasoning": "hm",
        "reasoning_tokens": 7,
        "cached_tokens": 4,
        "provider": "DeepInfra",
        "native_finish_reason": "max_tokens",
    }


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("amazon-bedrock", "Amazon Bedrock"),
        ("io-net/bf16", "Io Net"),
        ("z-ai/fp8", "Z.AI"),
        ("google-vertex/us-east5", "Google"),
        ("google-ai-studio", "Google AI Studio"),
        ("GMICloud/fp8", "gmicloud"),
    ],
)
def test_a_provider_is_known_by_its_letters(server: Loopback, tmp_path: Path, tag: str, name: str) -> None:
    server.behave = lambda asked: sent(provider=name)
    assert ask(at(server, tmp_path, {"tag": tag}, protocol="openrouter"), CHAT).details["provider"] == name


def test_another_provider_ends_the_run_and_is_named(server: Loopback, tmp_path: Path) -> None:
    told = refused(server, tmp_path, sent(provider="Together"))
    assert "pinned to 'deepinfra/fp8', and 'Together' answered" in told
    assert "write answers_as: 'Together' into the variant" in told
    refused(server, tmp_path, sent(provider="Google"), "google-ai-studio")


@pytest.mark.parametrize("provider", ["absent", None, 7])
def test_a_response_that_does_not_say_who_answered_ends_the_run(
    server: Loopback, tmp_path: Path, provider: JsonValue
) -> None:
    assert "the response does not say who answered" in refused(server, tmp_path, sent(provider=provider))


def test_a_name_that_nobody_could_guess_is_written_in_the_catalogue(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: sent(provider="Stealth 2")
    plain = at(server, tmp_path, {"tag": "sneaky"}, protocol="openrouter")
    named = at(server, tmp_path, {"tag": "sneaky", "answers_as": "Stealth 2"}, protocol="openrouter")
    assert ask(named, CHAT).text == "OK"
    assert named.config == plain.config


def test_a_stream_says_who_answers_too(server: Loopback, tmp_path: Path) -> None:
    begin = {"provider": "DeepInfra", "choices": [{"index": 0, "delta": {"content": "OK"}, "finish_reason": None}]}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "eos"}]}
    pieces = b": OPENROUTER PROCESSING\n\n", events(begin, last), b"data: [DONE]\n\n"
    server.behave = lambda asked: stream(*pieces)
    answer = ask(at(server, tmp_path, {"tag": "deepinfra/fp8"}, protocol="openrouter", stream=True), CHAT)
    assert (answer.details["provider"], answer.details["native_finish_reason"]) == ("DeepInfra", "eos")
    with pytest.raises(ProviderError, match="'DeepInfra' answered"):
        ask(at(server, tmp_path, {"tag": "together"}, protocol="openrouter", stream=True), CHAT)


def test_a_variant_without_a_tag_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"catalog.yaml:1:\d+ models.0.variants.0.tag: missing; protocol openrouter pins"
    ):
        catalog(tmp_path, variant(), protocol="openrouter")


def test_its_public_url_need_not_be_written(tmp_path: Path) -> None:
    house = catalog(tmp_path, variant(tag="a"), protocol="openrouter", base_url=None)
    assert house.endpoints("toy")["full"].provider.base_url == "https://openrouter.ai/api/v1"


def error(code: object, message: str, **metadata: JsonValue) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "metadata": metadata}}).encode()


def test_what_the_provider_behind_it_said_is_told(server: Loopback, tmp_path: Path) -> None:
    endpoint = at(server, tmp_path, {"tag": "deepseek"}, protocol="openrouter")
    raw = '{"error":{"message":"max_tokens is too large"}}'
    server.behave = lambda asked: Sent(error(400, "Provider returned error", raw=raw, provider_name="DeepSeek"), 400)
    answer = ask(endpoint, CHAT)
    assert answer.finish_reason == "refused"
    assert answer.error == f"HTTP 400: Provider returned error: {raw}"


def test_an_error_that_comes_with_status_200_is_a_failed_attempt(server: Loopback, tmp_path: Path) -> None:
    # openrouter.ai/docs/api-reference/errors: "otherwise the status is 200 and any error is emitted in the body"
    endpoint = at(server, tmp_path, {"tag": "deepinfra"}, protocol="openrouter")
    server.behave = lambda asked: Sent(error(429, "Rate limited", raw="try later"))
    with pytest.raises(AttemptFailed, match=r"^Rate limited: try later$") as caught:
        ask(endpoint, CHAT)
    assert caught.value.throttled
    choice: JsonValue = {"finish_reason": "error", "error": {"code": 502, "message": "broke off"}, "message": {}}
    server.behave = lambda asked: sent(choices=[choice])
    with pytest.raises(AttemptFailed, match=r"^broke off$"):
        ask(endpoint, CHAT)
    server.behave = lambda asked: sent(choices=[{"finish_reason": "error", "message": {"content": "half an"}}])
    with pytest.raises(AttemptFailed, match=r"^the response ends in an error$"):
        ask(endpoint, CHAT)


def test_a_flagged_input_is_not_a_rejected_key(server: Loopback, tmp_path: Path) -> None:
    # the same page, "Moderation errors"
    endpoint = at(server, tmp_path, {"tag": "openai"}, protocol="openrouter")
    flagged = {"reasons": ["violence"], "flagged_input": "…", "provider_name": "OpenAI", "model_slug": "openai/gpt-4o"}
    server.behave = lambda asked: Sent(error(403, "Your input was flagged", **flagged), 403)
    answer = ask(endpoint, CHAT)
    assert (answer.finish_reason, answer.error) == ("content_filter", "HTTP 403: Your input was flagged")
    server.behave = lambda asked: Sent(error(403, "Key disabled"), 403)
    with pytest.raises(ProviderError, match="rejects the key"):
        ask(endpoint, CHAT)


@given(JSON, JSON, JSON)
def test_any_json_is_an_answer_or_a_failed_attempt(provider: JsonValue, native: JsonValue, text: JsonValue) -> None:
    choice: JsonValue = {"message": {"content": text}, "native_finish_reason": native}
    for body in (provider, {"provider": provider, "choices": [choice, native]}, {"choices": [native], "error": text}):
        try:
            read(Reply(200, body), 1.0, str)
        except (AttemptFailed, EvalgateError):
            continue
