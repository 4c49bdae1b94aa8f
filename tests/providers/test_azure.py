"""Azure OpenAI: two kinds of URL, a header of its own, and a content filter that says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalgate.errors import InputError
from evalgate.providers import AttemptFailed
from evalgate.providers.access import root_of
from evalgate.providers.http import HttpClient
from tests.conftest import Loopback, Sent, catalog, completion, questions
from tests.providers.asking import CHAT, KEY, ask, at

DATED = "2024-10-21"
# learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter, "Content filtered in the prompt"
FILTERED = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure Content management policy.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": True, "severity": "medium"}},
        },
    }
}


@pytest.mark.parametrize("part", ["", "/", "/openai", "/openai/", "/openai/v1", "/openai/v1/"])
@pytest.mark.parametrize("version", [None, "v1", "preview"])
def test_the_new_api_names_the_deployment_in_the_body(
    server: Loopback, tmp_path: Path, part: str, version: str | None
) -> None:
    url = server.url.removesuffix("/v1") + part
    ask(at(server, tmp_path, {"served_as": "my-gpt"}, protocol="azure", base_url=url, api_version=version), CHAT)
    (asked,) = server.asked
    assert asked.path == "/openai/v1/chat/completions"
    assert asked.query == ("" if version is None else f"api-version={version}")
    assert asked.body["model"] == "my-gpt"
    assert asked.headers["api-key"] == KEY
    assert "Authorization" not in asked.headers


@pytest.mark.parametrize("part", ["", "/openai"])
def test_the_older_api_names_it_in_the_path(server: Loopback, tmp_path: Path, part: str) -> None:
    url = server.url.removesuffix("/v1") + part
    endpoint = at(server, tmp_path, {"served_as": "my gpt/4"}, protocol="azure", base_url=url, api_version=DATED)
    ask(endpoint, CHAT)
    ask(endpoint, questions(1)[0])
    assert [(asked.path, asked.query) for asked in server.asked] == [
        ("/openai/deployments/my gpt/4/chat/completions", f"api-version={DATED}"),
        ("/openai/deployments/my gpt/4/completions", f"api-version={DATED}"),
    ]


def test_other_paths_of_the_same_api_get_the_version_too(tmp_path: Path) -> None:
    import asyncio

    provider = catalog(tmp_path, protocol="azure", api_version=DATED).endpoints("toy")["full"].provider

    async def url() -> str:
        client = HttpClient(provider, None)
        await client.close()
        return client.url("/batches?limit=1")

    assert asyncio.run(url()) == f"{root_of(provider)}/batches?limit=1&api-version={DATED}"


def test_a_version_is_for_azure_and_a_resource_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"providers.0.api_version: protocol openai has none; leave it out"):
        catalog(tmp_path, api_version=DATED)
    with pytest.raises(InputError, match=r"providers.0.base_url: missing"):
        catalog(tmp_path, protocol="azure", base_url=None)
    for version in ("2024", "latest", "2024-10-21&x=y", ""):
        with pytest.raises(InputError, match=r"providers.0.api_version: string should match"):
            catalog(tmp_path, protocol="azure", api_version=version)


def test_the_version_is_part_of_the_config(tmp_path: Path) -> None:
    versions = (None, "v1", DATED)
    configs = {catalog(tmp_path, protocol="azure", api_version=it).endpoints("toy")["full"].config for it in versions}
    assert len(configs) == len(versions)


def test_a_filtered_prompt_is_an_answer_of_its_own_kind(server: Loopback, tmp_path: Path) -> None:
    endpoint = at(server, tmp_path, protocol="azure")
    server.behave = lambda asked: Sent(json.dumps(FILTERED).encode(), 400)
    answer = ask(endpoint, CHAT)
    assert (answer.text, answer.finish_reason, answer.failed) == ("", "content_filter", True)
    assert str(answer.error).startswith("HTTP 400: The response was filtered due to the prompt")


def test_a_filtered_answer_is_what_was_left_of_it(server: Loopback, tmp_path: Path) -> None:
    choice = {"index": 0, "finish_reason": "content_filter", "message": {"content": "half a sen"}}
    server.behave = lambda asked: completion("", choices=[choice])
    answer = ask(at(server, tmp_path, protocol="azure"), CHAT)
    assert (answer.text, answer.finish_reason, answer.failed) == ("half a sen", "content_filter", False)


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_key_that_is_echoed_is_never_told(server: Loopback, tmp_path: Path, status: int) -> None:
    server.behave = lambda asked: Sent(json.dumps({"error": {"message": asked.headers["api-key"]}}).encode(), status)
    try:
        told = repr(ask(at(server, tmp_path, protocol="azure"), CHAT))
    except Exception as raised:
        told = repr(raised)
    assert "[key]" in told
    assert KEY not in told


def test_a_failed_attempt_is_one_here_too(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: Sent(b"{}", 429, {"Retry-After": "9", "x-ratelimit-remaining-tokens": "0"})
    with pytest.raises(AttemptFailed) as caught:
        ask(at(server, tmp_path, protocol="azure"), CHAT)
    assert (caught.value.retry_after, caught.value.throttled) == (9, True)
