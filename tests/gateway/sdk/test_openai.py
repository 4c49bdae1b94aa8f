"""The official `openai` package, unchanged, against a gateway that runs; `claude` is translated, `gpt` is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.gateway.sdk.conftest import KEY, MODELS, MOST, Running
from tests.gateway.sdk.upstream import CALLS, PERSON

TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
BOTH = pytest.mark.parametrize("model", MODELS)


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{running.url}/v1", api_key="sk-client", max_retries=0, timeout=20) as client:
        yield client


def says(words: str) -> Any:
    return [{"role": "system", "content": "Be kind."}, {"role": "user", "content": words}]


@BOTH
def test_a_client_that_is_tired_of_waiting_times_out(client: OpenAI, model: str) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.1).chat.completions.create(model=model, messages=says("late"))


@BOTH
def test_a_chat_is_answered_with_its_usage_and_its_delivery(client: OpenAI, model: str) -> None:
    got = client.chat.completions.create(model=model, messages=says("hi"))
    assert (got.choices[0].message.content, got.choices[0].finish_reason) == ("Hello, world", "stop")
    assert got.usage is not None
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (30, 9)
    assert got.usage.prompt_tokens_details is not None
    assert got.usage.prompt_tokens_details.cached_tokens == 20
    assert got.model_extra is not None
    assert got.model_extra["delivery"]["variant"] == f"{model}-bf16"


@BOTH
def test_a_stream_comes_in_pieces_without_usage_that_nobody_asked_for(client: OpenAI, model: str) -> None:
    chunks = list(client.chat.completions.create(model=model, messages=says("hi"), stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello, world"
    assert [chunk.usage for chunk in chunks if chunk.usage] == []
    assert chunks[-1].choices[0].finish_reason == "stop"


@BOTH
def test_a_stream_ends_with_the_usage_that_was_asked_for(client: OpenAI, model: str) -> None:
    asked = {"include_usage": True}
    *_, last = client.chat.completions.create(model=model, messages=says("hi"), stream=True, stream_options=asked)  # type: ignore[call-overload]
    assert last.choices == []
    assert last.usage.total_tokens == 39


@BOTH
def test_tools_are_called_in_parallel_and_their_results_answered(client: OpenAI, model: str) -> None:
    messages = says("weather?")
    message = client.chat.completions.create(model=model, messages=messages, tools=[TOOL]).choices[0].message
    assert message.tool_calls is not None
    calls = [(call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]  # type: ignore[union-attr]
    assert calls == list(CALLS)
    results: list[Any] = [{"role": "tool", "tool_call_id": call.id, "content": "20 °C"} for call in message.tool_calls]
    got = client.chat.completions.create(model=model, messages=[*messages, message, *results], tools=[TOOL])
    assert got.choices[0].message.content == "Hello, world"


@BOTH
def test_the_sdk_puts_streamed_tool_calls_together(client: OpenAI, model: str) -> None:
    with client.chat.completions.stream(model=model, messages=says("weather?"), tools=[TOOL]) as stream:
        got = stream.get_final_completion().choices[0]
    assert got.message.tool_calls is not None
    assert [(call.id, json.loads(call.function.arguments)) for call in got.message.tool_calls] == [
        (identity, given) for identity, _, given in CALLS
    ]
    assert got.finish_reason == "tool_calls"


@BOTH
def test_the_parse_helper_reads_an_answer_that_fits_the_schema(client: OpenAI, model: str) -> None:
    got = client.chat.completions.parse(model=model, messages=says("who?"), response_format=Person)
    assert got.choices[0].message.parsed == Person(**PERSON)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@BOTH
def test_an_upstreams_error_is_the_sdks_own(
    client: OpenAI, model: str, stream: bool, status: int, kind: type[openai.APIStatusError]
) -> None:
    with pytest.raises(kind, match=f"a {status}") as caught:
        client.chat.completions.create(model=model, messages=says(str(status)), stream=stream)
    assert caught.value.status_code == status
    assert caught.value.type


@BOTH
def test_a_limit_of_rate_says_when_to_come_back(client: OpenAI, model: str) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=model, messages=says("429"))
    assert caught.value.response.headers["retry-after"] == "120"
    assert caught.value.code == "rate_limit_exceeded"


@BOTH
def test_the_providers_trouble_with_its_key_is_no_trouble_with_the_clients(client: OpenAI, model: str) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model=model, messages=says("401"))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "kind", "word"),
    [
        ("sk-unknown", openai.AuthenticationError, "authentication_error"),
        ("sk-revoked", openai.PermissionDeniedError, "permission_error"),
        ("sk-spent", openai.RateLimitError, "rate_limit_error"),
    ],
)
def test_a_key_that_is_turned_away_raises_what_it_should(
    client: OpenAI, key: str, kind: type[openai.APIStatusError], word: str
) -> None:
    with pytest.raises(kind) as caught:
        client.with_options(api_key=key).chat.completions.create(model="gpt", messages=says("hi"))
    assert caught.value.type == word


def test_a_model_that_nobody_knows_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="nobody"):
        client.chat.completions.create(model="nobody", messages=says("hi"))


def test_a_request_that_is_too_large_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="larger") as caught:
        client.chat.completions.create(model="gpt", messages=says("x" * MOST))
    assert caught.value.status_code == 413


def test_what_the_upstream_has_no_words_for_is_a_bad_request_that_names_it(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="logit_bias"):
        client.chat.completions.create(model="claude", messages=says("hi"), logit_bias={"5": 1})


@BOTH
def test_a_stream_that_breaks_raises_after_its_first_words(client: OpenAI, running: Running, model: str) -> None:
    running.behave.heard.clear()
    stream = client.chat.completions.create(model=model, messages=says("break"), stream=True)
    assert any(chunk.choices[0].delta.content == "Hello" for chunk in stream)
    running.behave.heard.set()
    with pytest.raises(openai.APIError, match="Overloaded"):
        list(stream)


@BOTH
def test_a_stream_that_ends_too_early_raises_and_never_looks_complete(
    client: OpenAI, running: Running, model: str
) -> None:
    running.behave.heard.clear()
    stream = client.chat.completions.create(model=model, messages=says("cut"), stream=True)
    assert any(chunk.choices[0].delta.content == "Hello" for chunk in stream)
    running.behave.heard.set()
    with pytest.raises(openai.APIError, match="broke"):
        list(stream)


@BOTH
def test_a_stream_that_is_closed_early_is_closed_upstream(client: OpenAI, running: Running, model: str) -> None:
    running.upstream.left.clear()
    stream = client.chat.completions.create(model=model, messages=says("hang"), stream=True)
    assert any(chunk.choices[0].delta.content for chunk in stream)
    stream.close()
    assert running.upstream.left.wait(10)


def test_completions_of_a_plain_text_pass(client: OpenAI) -> None:
    assert client.completions.create(model="gpt", prompt="Say hi").choices[0].text == "Hello, world"


@BOTH
def test_an_operation_and_a_tier_are_told_by_what_the_sdk_has(client: OpenAI, model: str) -> None:
    tagged: Any = {"metadata": {"operation_id": "greet"}, "extra_headers": {"x-evalgate-tier": "realtime"}}
    got = client.chat.completions.with_raw_response.create(model=model, messages=says("hi"), **tagged)
    assert got.headers["x-evalgate-tier"] == "realtime"
    assert got.parse().choices[0].message.content == "Hello, world"


@pytest.mark.parametrize("encoding", [{}, {"encoding_format": "float"}])
def test_embeddings_pass(client: OpenAI, encoding: Any) -> None:
    got = client.embeddings.create(model="gpt", input="hi", **encoding)
    assert got.data[0].embedding == [0.5, -0.5]


def test_embeddings_of_anthropic_are_a_bad_request(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="/embeddings"):
        client.embeddings.create(model="claude", input="hi")


def test_the_models_are_listed(client: OpenAI) -> None:
    assert {model.id for model in client.models.list()} == set(MODELS)
    assert client.models.retrieve("claude").id == "claude"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


async def _concurrently(url: str) -> list[str | None]:
    import asyncio

    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-client", max_retries=0) as client:
        calls = (client.chat.completions.create(model=model, messages=says("hi")) for model in MODELS * 4)
        return [got.choices[0].message.content for got in await asyncio.gather(*calls)]


def test_the_asynchronous_client_asks_many_at_once(running: Running) -> None:
    import asyncio

    assert asyncio.run(_concurrently(running.url)) == ["Hello, world"] * 8
