"""One attempt over real HTTP: what is an answer, what may be tried again, and what ends the run."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path

import orjson
import pytest

from evalgate.errors import InputError, ProviderError
from evalgate.exchange import Message, Question, Request
from evalgate.providers import AttemptFailed
from evalgate.providers.http import message_of
from tests.conftest import Asked, Loopback, Sent, catalog, completion, failure, variant
from tests.providers.asking import KEY, ask, attempt


def test_a_plain_prompt_goes_to_completions_with_its_parameters(server: Loopback, tmp_path: Path) -> None:
    answer = ask(server.endpoint(tmp_path), Question("c", Request("hi", {"temperature": 0.0, "stop": ["\n"]})))
    (asked,) = server.asked
    assert (asked.path, answer.text) == ("/v1/completions", "answer to hi")
    assert asked.body == {"model": "toy", "prompt": "hi", "temperature": 0.0, "stop": ["\n"]}
    assert "Authorization" not in asked.headers
    assert answer.latency_ms > 0


def test_messages_go_to_chat_completions_under_the_name_served(server: Loopback, tmp_path: Path) -> None:
    house = catalog(tmp_path, variant(served_as="toy-v2"), base_url=server.url + "/", api_key_env="KEY")
    ask(house.endpoints("toy")["full"], Question("c", Request((Message("user", "é"),), {})))
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.body == {"model": "toy-v2", "messages": [{"role": "user", "content": "é"}]}
    assert asked.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 501, 502, 503, 529, 530])
def test_a_status_that_may_pass_is_a_failed_attempt(server: Loopback, tmp_path: Path, status: int) -> None:
    failed = attempt(server, tmp_path, failure(status, "busy"))
    assert failed.reason == f"HTTP {status}: busy"
    assert not failed.unreachable


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "2"}, 2.0),
        ({"retry-after-ms": "soon", "Retry-After": "3"}, 3.0),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({}, None),
    ],
)
def test_the_provider_may_say_when_to_try_again(
    server: Loopback, tmp_path: Path, headers: Mapping[str, str], seconds: float | None
) -> None:
    assert attempt(server, tmp_path, Sent(b"{}", 429, dict(headers))).retry_after == seconds


@pytest.mark.parametrize(
    "sent",
    [
        Sent(b"", reset=True),
        Sent(b'{"choices": []}' * 9, only=20),
        Sent(b"<html>"),
        Sent(b""),
        Sent(b"\xff\xfe"),
        Sent(b"[" * 5000 + b"]" * 5000),
        Sent(b"not gzip", headers={"Content-Encoding": "gzip"}),
        Sent(b"x", headers={"X-Long": "a" * 100_000}),
        Sent(b'{"error": {"message": "overloaded"}}'),
    ],
    ids=["reset", "truncated", "html", "empty", "not utf-8", "deep", "not gzip", "long header", "error"],
)
def test_a_response_that_is_no_answer_is_a_failed_attempt(server: Loopback, tmp_path: Path, sent: Sent) -> None:
    assert not attempt(server, tmp_path, sent).unreachable


@pytest.mark.parametrize("status", [400, 413, 422, 451])
def test_a_question_that_is_turned_down_is_an_answer_of_its_own_kind(
    server: Loopback, tmp_path: Path, status: int
) -> None:
    server.behave = lambda asked: failure(status, "too\nlong")
    answer = ask(server.endpoint(tmp_path))
    assert (answer.text, answer.finish_reason, answer.error) == ("", "refused", f"HTTP {status}: too long")


@pytest.mark.parametrize("status", [301, 307, 402, 404, 405])
def test_what_turns_every_call_away_ends_the_run_and_is_not_held_against_the_model(
    server: Loopback, tmp_path: Path, status: int
) -> None:
    server.behave = lambda asked: failure(status, "not here", Location="http://127.0.0.1:9/")
    with pytest.raises(
        ProviderError, match=rf"'here' at {re.escape(server.url)}/completions turns every call away \(HTTP {status}\)"
    ):
        ask(server.endpoint(tmp_path))
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 429])
def test_used_up_credit_ends_the_run_and_is_not_tried_again(server: Loopback, tmp_path: Path, status: int) -> None:
    # platform.openai.com/docs/guides/error-codes: 429, and as its type and code `insufficient_quota`
    error = {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"}
    server.behave = lambda asked: Sent(orjson.dumps({"error": error}), status)
    with pytest.raises(ProviderError, match="You exceeded your current quota; its credit is used up"):
        ask(server.endpoint(tmp_path))


def test_another_success_than_200_is_one(server: Loopback, tmp_path: Path) -> None:
    sent = completion("made")
    sent.status = 201
    server.behave = lambda asked: sent
    assert ask(server.endpoint(tmp_path)).text == "made"


def test_an_answer_of_ten_megabytes_is_refused(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: completion("x" * 10_000_000)
    with pytest.raises(ProviderError, match=r"provider 'here' sent an answer of more than 8 MiB; lower max_tokens"):
        ask(server.endpoint(tmp_path))


def test_a_slow_answer_is_a_failed_attempt(server: Loopback, tmp_path: Path) -> None:
    failed = attempt(server, tmp_path, Sent(b"{}", after=2), timeout=0.3)
    assert failed.reason == "no answer within 0.3 s"
    assert not failed.unreachable


def test_a_port_where_nobody_listens_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(AttemptFailed, match="no connection") as caught:
        ask(catalog(tmp_path, base_url="http://127.0.0.1:1/v1").endpoints("toy")["full"])
    assert caught.value.unreachable


def test_a_name_that_nobody_has_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(AttemptFailed, match="no connection") as caught:
        ask(catalog(tmp_path, base_url="http://nobody.invalid/v1").endpoints("toy")["full"])
    assert caught.value.unreachable


def test_a_host_that_swallows_every_packet_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]  # fill the queue of those who wait to be accepted
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        with pytest.raises(AttemptFailed, match="no connection in time") as caught:
            ask(catalog(tmp_path, base_url=url, timeout=0.5).endpoints("toy")["full"])
        for one in waiting:
            one.close()
    assert caught.value.unreachable


@pytest.mark.parametrize("url", ["http://[::1", "http://x:99999", "http://a..b/v1", "http://.", "http://" + "a" * 70])
def test_a_base_url_that_no_client_can_use_is_an_input_error(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="provider 'here': invalid base_url"):
        ask(catalog(tmp_path, base_url=url).endpoints("toy")["full"])


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_names_its_variable(server: Loopback, tmp_path: Path, status: int) -> None:
    server.behave = lambda asked: failure(status, f"wrong key {KEY}")
    with pytest.raises(ProviderError, match=rf"'here' rejects the key \(HTTP {status}\); check KEY$"):
        ask(server.endpoint(tmp_path, api_key_env="KEY"))


@pytest.mark.parametrize("padding", [0, 270, 285, 290, 295, 5000])
@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize("json", [True, False])
def test_a_key_that_is_echoed_in_an_error_is_never_told_not_even_in_part(
    server: Loopback, tmp_path: Path, status: int, padding: int, json: bool
) -> None:
    def echo(asked: Asked) -> Sent:
        message = "x" * padding + asked.headers["Authorization"]
        return failure(status, message) if json else Sent(message.encode(), status)

    server.behave = echo
    try:
        told = repr(ask(server.endpoint(tmp_path, api_key_env="KEY")))
    except (AttemptFailed, ProviderError) as raised:
        told = repr(raised)
    assert KEY[:4] not in told


@pytest.mark.parametrize("padding", [0, 285, 290, 295])
def test_not_even_a_placeholder_for_a_key_is_told_in_part(server: Loopback, tmp_path: Path, padding: int) -> None:
    server.behave = lambda asked: failure(500, "x" * padding + asked.headers["Authorization"])
    with pytest.raises(AttemptFailed) as caught:
        ask(server.endpoint(tmp_path, api_key_env="KEY"), key="placeholder")
    assert "plac" not in caught.value.reason


def test_a_key_that_is_echoed_in_an_answer_does_not_get_into_it(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: completion(f"you sent {asked.headers['Authorization']}", system_fingerprint=KEY)
    assert KEY not in repr(ask(server.endpoint(tmp_path, api_key_env="KEY")))


def test_a_key_is_found_as_it_stands_in_json(server: Loopback, tmp_path: Path) -> None:
    key = 'sk-"quoted"\\and-backslashed'
    server.behave = lambda asked: completion(f"you sent {key}")
    assert ask(server.endpoint(tmp_path, api_key_env="KEY"), key=key).text == "you sent [key]"


def test_a_placeholder_instead_of_a_key_may_be_a_word_of_the_answer(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: completion("The box is EMPTY.")
    assert ask(server.endpoint(tmp_path, api_key_env="KEY"), key="EMPTY").text == "The box is EMPTY."


@pytest.mark.parametrize("key", ["", "  ", "two\nlines", "nul\0", "ключ", "\udce9"])
def test_a_variable_without_a_key_in_it_is_an_input_error(server: Loopback, tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError, match="environment variable KEY") as caught:
        ask(server.endpoint(tmp_path, api_key_env="KEY"), key=key)
    assert not key.strip() or key not in str(caught.value)
    assert server.asked == []


def test_the_message_of_an_error_body_of_any_shape() -> None:
    assert message_of({"error": {"message": "a"}}) == "a"
    assert message_of({"error": "b"}) == "b"
    assert message_of({"message": "c"}) == "c"
    assert message_of({"detail": "d"}) == message_of({"detail": ["d"]}) == "d"
    # FastAPI
    assert message_of({"detail": [{"loc": ["body", "seed"], "msg": "not allowed", "type": "extra"}]}) == "not allowed"
    assert message_of({"object": "error", "message": "e", "type": "BadRequestError", "code": 400}) == "e"  # vLLM
    assert message_of({"error": "Bad Request", "message": "f"}) == "Bad Request: f"
    assert message_of({"errors": [{"message": "g"}, "h"]}) == "g; h"
    assert message_of({"error": {"status": 7}}) == '{"status":7}'
    assert message_of(None) == "null"
