"""The official `anthropic` package, unchanged, against a gateway that runs; `gpt` is translated, `claude` is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from pydantic import BaseModel

from tests.gateway.sdk.conftest import MODELS, MOST, Running
from tests.gateway.sdk.upstream import CALLS, PERSON

TOOL: Any = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}
BOTH = pytest.mark.parametrize("model", MODELS)


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def client(running: Running) -> Iterator[Anthropic]:
    with Anthropic(base_url=running.url, api_key="sk-client", max_retries=0, timeout=20) as client:
        yield client


def asks(words: str, model: str = "gpt", **more: Any) -> Any:
    return {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": words}], **more}


@BOTH
def test_a_client_that_is_tired_of_waiting_times_out(client: Anthropic, model: str) -> None:
    with pytest.raises(anthropic.APITimeoutError):
        client.with_options(timeout=0.1).messages.create(**asks("late", model))


@BOTH
def test_a_message_is_answered_with_its_usage(client: Anthropic, model: str) -> None:
    got = client.messages.create(**asks("hi", model, system="Be kind.", metadata={"user_id": "u"}))
    assert [block.text for block in got.content] == ["Hello, world"]
    assert got.stop_reason == "end_turn"
    assert (got.usage.input_tokens, got.usage.cache_read_input_tokens, got.usage.output_tokens) == (10, 20, 9)


@BOTH
def test_the_sdk_puts_a_streamed_message_together(client: Anthropic, model: str) -> None:
    with client.messages.stream(**asks("hi", model)) as stream:
        pieces = list(stream.text_stream)
        got = stream.get_final_message()
    assert pieces == ["Hello", ", ", "world"]
    assert (got.stop_reason, got.content[0].text) == ("end_turn", "Hello, world")  # type: ignore[union-attr]
    assert (got.usage.input_tokens, got.usage.cache_read_input_tokens, got.usage.output_tokens) == (10, 20, 9)


@BOTH
def test_tools_are_used_in_parallel_and_their_results_answered(client: Anthropic, model: str) -> None:
    asked = asks("weather?", model, tools=[TOOL], tool_choice={"type": "any"})
    message = client.messages.create(**asked)
    assert [(block.id, block.name, block.input) for block in message.content] == list(CALLS)  # type: ignore[union-attr]
    results = [{"type": "tool_result", "tool_use_id": block.id, "content": "20 °C"} for block in message.content]  # type: ignore[union-attr]
    told = [*asked["messages"], {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    got = client.messages.create(**{**asked, "messages": told})
    assert got.content[0].text == "Hello, world"  # type: ignore[union-attr]


@BOTH
def test_the_sdk_puts_streamed_tool_use_together(client: Anthropic, model: str) -> None:
    with client.messages.stream(**asks("weather?", model, tools=[TOOL])) as stream:
        got = stream.get_final_message()
    assert [(block.id, block.name, block.input) for block in got.content] == list(CALLS)  # type: ignore[union-attr]
    assert got.stop_reason == "tool_use"


@BOTH
def test_the_parse_helper_reads_an_answer_that_fits_the_schema(client: Anthropic, model: str) -> None:
    got = client.messages.parse(**asks("who?", model), output_format=Person)
    assert got.parsed_output == Person(**PERSON)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (422, anthropic.UnprocessableEntityError, "invalid_request_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (503, anthropic.InternalServerError, "overloaded_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
@BOTH
def test_an_upstreams_error_is_the_sdks_own(
    client: Anthropic, model: str, stream: bool, status: int, kind: type[anthropic.APIStatusError], word: str
) -> None:
    with pytest.raises(kind, match=f"a {status}") as caught:
        client.messages.create(**asks(str(status), model), stream=stream)
    assert (caught.value.status_code, caught.value.type) == (status, word)


def test_an_overloaded_upstream_is_overloaded(client: Anthropic) -> None:
    with pytest.raises(anthropic.InternalServerError) as caught:
        client.messages.create(**asks("529", "claude"))
    assert (caught.value.status_code, caught.value.type) == (529, "overloaded_error")


@pytest.mark.parametrize(
    ("key", "kind", "word"),
    [
        ("sk-unknown", anthropic.AuthenticationError, "authentication_error"),
        ("sk-revoked", anthropic.PermissionDeniedError, "permission_error"),
        ("sk-spent", anthropic.RateLimitError, "rate_limit_error"),
    ],
)
def test_a_key_that_is_turned_away_raises_what_it_should(
    client: Anthropic, key: str, kind: type[anthropic.APIStatusError], word: str
) -> None:
    with pytest.raises(kind) as caught:
        client.with_options(api_key=key).messages.create(**asks("hi"))
    assert caught.value.type == word


def test_a_model_that_nobody_knows_is_not_found(client: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.create(**asks("hi", "nobody"))
    assert caught.value.type == "not_found_error"


def test_a_request_that_is_too_large_is_refused(client: Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="larger") as caught:
        client.messages.create(**asks("x" * MOST))
    assert caught.value.status_code == 413


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_upstream_has_no_words_for_is_a_bad_request_that_names_it(client: Anthropic, stream: bool) -> None:
    with pytest.raises(anthropic.BadRequestError, match="top_k"):
        client.messages.create(**asks("hi"), stream=stream, extra_body={"top_k": 5})


@BOTH
def test_a_stream_that_breaks_raises_after_its_first_words(client: Anthropic, running: Running, model: str) -> None:
    running.behave.heard.clear()
    with client.messages.stream(**asks("break", model)) as stream:
        assert next(iter(stream.text_stream)) == "Hello"
        running.behave.heard.set()
        with pytest.raises(anthropic.APIError, match="Overloaded"):
            stream.until_done()


@BOTH
def test_a_stream_that_ends_too_early_raises_and_never_looks_complete(
    client: Anthropic, running: Running, model: str
) -> None:
    running.behave.heard.clear()
    with client.messages.stream(**asks("cut", model)) as stream:
        assert next(iter(stream.text_stream)) == "Hello"
        running.behave.heard.set()
        with pytest.raises(anthropic.APIError, match="broke"):
            stream.until_done()


@BOTH
def test_a_stream_that_is_closed_early_is_closed_upstream(client: Anthropic, running: Running, model: str) -> None:
    running.upstream.left.clear()
    with client.messages.stream(**asks("hang", model)) as stream:
        assert next(iter(stream.text_stream)) == "Hello"
    assert running.upstream.left.wait(10)
