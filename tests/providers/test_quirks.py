"""What servers of the real world send, on every wire; `docs/collecting.md` has a table of these."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path

import pytest

from evalgate.errors import ProviderError
from evalgate.exchange import Answer
from evalgate.providers import anthropic, openai
from evalgate.providers.anthropic import parse_message
from evalgate.providers.batch_results import answer_of, row_of
from evalgate.providers.openai import parse_response
from evalgate.providers.reply import Reply
from tests.conftest import Loopback, Sent, failure
from tests.providers.asking import CHAT, ask, at, attempt, events, stream
from tests.providers.chunks import DONE, chunk

WIRES = {
    "openai": {},
    "azure": {"protocol": "azure"},
    "openrouter": {"protocol": "openrouter"},
    "anthropic": {"protocol": "anthropic"},
}


def asked(server: Loopback, folder: Path, wire: str, **provider: object) -> Answer:
    changes = {"tag": "deepinfra"} if wire == "openrouter" else {}
    return ask(at(server, folder, changes, **WIRES[wire], **provider), CHAT)


def body(wire: str, content: str | None, stopped: str | None, **more: object) -> dict[str, object]:
    """The same answer on each wire."""
    if wire == "anthropic":
        blocks = [] if content is None else [{"type": "text", "text": content}]
        return {"type": "message", "content": blocks, "stop_reason": stopped, "model": "toy", **more}
    message = {"role": "assistant", "content": content}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": stopped}],
        "model": "toy",
        "provider": "DeepInfra",
        **more,
    }


def sent(content: object, status: int = 200, **headers: str) -> Sent:
    return Sent(
        json.dumps(content).encode(), status, {name.replace("_", "-"): value for name, value in headers.items()}
    )


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("usage", [{}, {"usage": None}, {"usage": {}}, {"usage": "none"}, {"usage": {"x": 1}}])
def test_an_answer_that_was_not_counted_has_unknown_tokens(
    server: Loopback, tmp_path: Path, wire: str, usage: Mapping[str, object]
) -> None:
    server.behave = lambda asked: sent(body(wire, "a", None, **usage))
    answer = asked(server, tmp_path, wire)
    assert (answer.text, answer.input_tokens, answer.output_tokens) == ("a", None, None)


REASONED = [
    # prompt, completion, total, reasoning, all output
    (10, 100, 110, 90, 100),  # within, as the API says
    (10, 20, 120, 90, 110),  # beside, and the total is the sum of all three
    (10, 20, None, 90, 110),  # more than the completion that should contain them
    (10, 0, None, 90, 90),
    (10, 20, 30, 0, 20),
    (10, 20, 150, 0, 140),  # beside, under no name of its own
    (10, 20, 25, 5, 20),  # a total that is no sum says nothing
]


@pytest.mark.parametrize(("prompt", "completed", "total", "reasoning", "output"), REASONED)
def test_reasoning_that_is_booked_beside_the_completion_is_output(
    prompt: int, completed: int, total: int | None, reasoning: int, output: int
) -> None:
    usage = {"prompt_tokens": prompt, "completion_tokens": completed, "total_tokens": total}
    usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    message = {"content": "a", "reasoning_content": "hm"}
    answer = parse_response({"choices": [{"message": message}], "usage": usage}, 1.0)
    assert answer.output_tokens == output


def test_a_total_that_has_more_without_any_reasoning_is_not_output() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 150}
    assert parse_response({"choices": [{"text": "a"}], "usage": usage}, 1.0).output_tokens == 20


def test_nothing_at_all_may_have_no_tokens() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 0}
    assert parse_response({"choices": [{"text": ""}], "usage": usage}, 1.0).output_tokens == 0
    assert parse_response({"choices": [{"text": "a"}], "usage": usage}, 1.0).output_tokens is None


FILTERS = {
    "openai": ("content_filter", {"code": "content_filter", "message": "filtered"}),
    "azure": ("content_filter", {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}, "message": "f"}),
    "openrouter": ("content_filter", {"code": 403, "metadata": {"reasons": ["hate"]}, "message": "flagged"}),
    "anthropic": ("refusal", {"type": "content_filter", "message": "filtered"}),
}


@pytest.mark.parametrize("wire", WIRES)
def test_a_content_filter_is_one_thing_by_whichever_form(server: Loopback, tmp_path: Path, wire: str) -> None:
    reason, error = FILTERS[wire]
    forms = [sent(body(wire, None, reason)), sent(body(wire, "", reason)), sent({"error": error}, 400)]
    forms += [sent({"error": error}, 403), sent({"error": error}, 200)]
    for form in forms:
        server.behave = lambda asked, form=form: form
        answer = asked(server, tmp_path, wire)
        assert (answer.text, answer.kind, answer.failed, answer.finish_reason) == (
            "",
            "filtered",
            True,
            "content_filter",
        )


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
def test_a_content_filter_in_a_stream_is_the_same(server: Loopback, tmp_path: Path, wire: str) -> None:
    if wire == "openai":
        said = events(chunk({"content": ""}), chunk(finish="content_filter")) + DONE
    else:
        start = {"type": "message_start", "message": {"model": "toy", "content": []}}
        end = {"type": "message_delta", "delta": {"stop_reason": "refusal"}}
        said = events(start, end, {"type": "message_stop"})
    server.behave = lambda asked: stream(said)
    answer = asked(server, tmp_path, wire, stream=True)
    assert (answer.text, answer.kind, answer.failed) == ("", "filtered", True)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("stopped", ["length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens"])
def test_every_word_for_the_token_limit_is_a_truncation(
    server: Loopback, tmp_path: Path, wire: str, stopped: str
) -> None:
    server.behave = lambda asked: sent(body(wire, "a", stopped))
    assert asked(server, tmp_path, wire).truncated


@pytest.mark.parametrize("wire", WIRES)
def test_used_up_credit_is_not_tried_again_though_the_status_is_200(
    server: Loopback, tmp_path: Path, wire: str
) -> None:
    error = {"code": "insufficient_quota", "type": "billing_error", "message": "You exceeded your current quota"}
    server.behave = lambda asked: sent({"error": error})
    with pytest.raises(ProviderError, match="You exceeded your current quota; its credit is used up"):
        asked(server, tmp_path, wire)
    server.behave = lambda asked: stream(events({"error": error}))
    with pytest.raises(ProviderError, match="its credit is used up"):
        asked(server, tmp_path, wire, stream=True)


@pytest.mark.parametrize(("code", "told"), [(401, "rejects the key"), (404, "check base_url"), (402, "credit")])
def test_a_status_within_a_body_of_200_is_that_status(server: Loopback, tmp_path: Path, code: int, told: str) -> None:
    server.behave = lambda asked: sent({"error": {"code": code, "message": "no"}})
    with pytest.raises(ProviderError, match=told):
        ask(server.endpoint(tmp_path))


def test_a_refusal_within_a_body_of_200_is_one(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: sent({"object": "error", "message": "too long", "code": 400})  # vLLM
    answer = ask(server.endpoint(tmp_path))
    assert (answer.kind, answer.error) == ("refused", "HTTP 400: too long")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"detail": "Model is loading"}, "the response has no choices: Model is loading"),
        ({"message": "busy"}, "the response has no choices: busy"),
        ({"object": "error", "message": "busy"}, "busy"),
        ({"error": {"message": "overloaded"}}, "overloaded"),
        ({"object": "error", "message": "out of memory", "code": 500}, "out of memory"),
        ({}, "the response has no choices"),
    ],
)
def test_the_words_of_a_server_are_kept(server: Loopback, tmp_path: Path, said: object, told: str) -> None:
    assert attempt(server, tmp_path, sent(said)).reason == told
    if "error" in json.dumps(said):
        assert attempt(server, tmp_path, stream(events(said)), CHAT, stream=True).reason == told


@pytest.mark.parametrize("status", [400, 422])
def test_the_words_of_fastapi_are_kept(server: Loopback, tmp_path: Path, status: int) -> None:
    server.behave = lambda asked: sent({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs"}]}, status)
    assert ask(server.endpoint(tmp_path)).error == f"HTTP {status}: Extra inputs"


def test_the_choice_of_index_0_is_the_answer_wherever_it_stands(server: Loopback, tmp_path: Path) -> None:
    choices = [{"index": 1, "text": "other", "finish_reason": "length"}, {"index": 0, "text": "it"}]
    server.behave = lambda asked: sent({"choices": choices})
    assert ask(server.endpoint(tmp_path)).text == "it"
    pieces = [{"choices": [{**each, "text": letter}]} for letter in "it" for each in choices[::-1]]
    for order in (pieces, pieces[1:] + pieces[:1], [{"choices": choices}]):
        server.behave = lambda asked, order=order: stream(events(*order) + DONE)
        assert ask(server.endpoint(tmp_path, stream=True)).text in ("it", "ti")


def test_a_server_that_counts_its_choices_from_1_is_read(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: sent({"choices": [{"index": 1, "text": "it"}]})
    assert ask(server.endpoint(tmp_path)).text == "it"
    server.behave = lambda asked: stream(events({"choices": [{"index": 1, "text": "it"}]}) + DONE)
    assert ask(server.endpoint(tmp_path, stream=True)).text == "it"


def test_a_whole_body_is_the_answer_though_no_end_of_it_comes(server: Loopback, tmp_path: Path) -> None:
    whole = json.dumps(body("openai", "a", "stop")).encode()
    server.behave = lambda asked: Sent(b"", pieces=(whole[:20], whole[20:], 20.0))
    assert ask(server.endpoint(tmp_path, timeout=10), CHAT).text == "a"


BROKEN = [
    (rb'{"choices": [{"text": "a \ud800 b", "finish_reason": "stop"}]}', "a \ufffd b"),
    (rb'{"choices": [{"text": "\ud83d\ude00\udc00"}]}', "\U0001f600\ufffd"),
    (b'{"choices": [{"text": "a", "logprobs": {"token_logprobs": [NaN, -Infinity]}}], "x": 1e999}', "a"),
    (b'{"choices": [{"text": "a"}], "usage": {"prompt_tokens": NaN}, "n": 99999999999999999999999999}', "a"),
    (b'\xef\xbb\xbf{"choices": [{"text": "a"}]}', "a"),
    (b'{"choices": [{"text": "a \xff b"}]}', "a \ufffd b"),
]


@pytest.mark.parametrize(("data", "text"), BROKEN)
def test_one_wrong_letter_does_not_discard_an_answer(server: Loopback, tmp_path: Path, data: bytes, text: str) -> None:
    server.behave = lambda asked: Sent(data)
    assert ask(server.endpoint(tmp_path)).text == text
    server.behave = lambda asked: Sent(data + b"\n\n", only=len(data))  # whole, though more was promised
    assert ask(server.endpoint(tmp_path)).text == text


NOW = "Fri, 27 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "Fri, 27 Nov 2026 10:00:07 GMT", "Date": NOW}, 7, 7),  # by the server's own clock
        ({"Retry-After": "Friday, 27-Nov-26 10:00:07 GMT", "Date": NOW}, 7, 7),
        ({"Retry-After": "Fri, 27 Nov 2026 09:00:00 GMT", "Date": NOW}, 0, 0),
        ({"Retry-After": "1m30s"}, 90, 90),
        ({"x-ms-retry-after-ms": "250"}, 0.25, 0.25),
        ({"Retry-After": "0"}, 0, 0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6s"}, 6, 6),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m0s"}, 60, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, 9, 9),
        ({"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "8"}, 8, 8),
    ],
)
def test_when_to_try_again_is_read_in_every_form(
    server: Loopback, tmp_path: Path, headers: dict[str, str], least: float, most: float
) -> None:
    failed = attempt(server, tmp_path, Sent(b"{}", 429, headers))
    assert failed.retry_after is not None
    assert least <= failed.retry_after <= most


def test_a_date_to_try_again_is_read_by_our_clock_where_the_server_shows_none(server: Loopback, tmp_path: Path) -> None:
    failed = attempt(server, tmp_path, Sent(b"{}", 503, {"Retry-After": formatdate(time.time() + 60, usegmt=True)}))
    assert failed.retry_after is not None
    assert 50 < failed.retry_after <= 60.1


@pytest.mark.parametrize("headers", [{"x-ratelimit-remaining-requests": "5"}, {"Retry-After": "soon"}, {}])
def test_who_says_nothing_of_when_is_left_to_the_backoff(
    server: Loopback, tmp_path: Path, headers: dict[str, str]
) -> None:
    assert attempt(server, tmp_path, Sent(b"{}", 429, headers)).retry_after is None


def test_a_redirect_is_an_address_to_mend(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: Sent(b"", 307, {"Location": "http://elsewhere.example/"})
    with pytest.raises(ProviderError, match=r"HTTP 307.*check base_url"):
        ask(server.endpoint(tmp_path))


@pytest.mark.parametrize("nothing", [Sent(b"", 204), Sent(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})])
def test_what_cannot_be_read_is_tried_again(server: Loopback, tmp_path: Path, nothing: Sent) -> None:
    assert attempt(server, tmp_path, nothing).reason.startswith("the response is not JSON")


def test_thinking_that_took_all_tokens_is_no_empty_text() -> None:
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "s"}]
    for content in (blocks, [{"type": "redacted_thinking", "data": "x"}]):
        assert parse_message({"content": content, "stop_reason": "max_tokens"}, 1.0).kind == "cut_in_reasoning"
    message = {"content": None, "reasoning_content": "hm"}
    body = {"choices": [{"message": message, "finish_reason": "length"}]}
    assert parse_response(body, 1.0).kind == "cut_in_reasoning"


def test_what_was_paid_in_vain_says_how_much_came(server: Loopback, tmp_path: Path) -> None:
    said = events(*(chunk({"content": "abcd"}), chunk({"reasoning": "ef"})))
    assert attempt(server, tmp_path, stream(said), CHAT, stream=True).arrived == 6
    assert attempt(server, tmp_path, stream(said, 5.0), CHAT, stream=True, timeout=0.3).arrived == 6
    assert attempt(server, tmp_path, Sent(b"{}", after=2), timeout=0.2).arrived == 0
    assert attempt(server, tmp_path, Sent(b"<html>")).arrived == 6
    broken = stream(said + events({"error": {"message": "the provider broke off"}}))
    assert attempt(server, tmp_path, broken, CHAT, stream=True).arrived == 6
    assert attempt(server, tmp_path, failure(500)).arrived is None
    assert attempt(server, tmp_path, Sent(b"", reset=True)).arrived is None
    assert attempt(server, tmp_path, Sent(b'{"error": "busy"}')).arrived is None


def test_a_stream_that_is_one_but_by_its_label_is_read(server: Loopback, tmp_path: Path) -> None:
    whole = events(chunk({"content": "a"}), chunk(finish="stop"))
    for label in ("application/json", "text/plain", ""):
        server.behave = lambda asked, label=label: Sent(whole + DONE, headers={"Content-Type": label})
        assert ask(server.endpoint(tmp_path, stream=True), CHAT).text == "a"
    cut = Sent(events(chunk({"content": "a"})))
    assert "broke off" in attempt(server, tmp_path, cut, CHAT, stream=True).reason


READS = {"openai": openai.read, "azure": openai.read, "anthropic": anthropic.read}


def in_a_batch(wire: str, content: object, status: int = 200) -> Answer:
    return answer_of(Reply(status, json.loads(json.dumps(content))), READS[wire], str)


@pytest.mark.parametrize("wire", READS)
def test_the_same_holds_in_a_batch(wire: str) -> None:
    reason, error = FILTERS[wire]
    for form in (in_a_batch(wire, body(wire, None, reason)), in_a_batch(wire, {"error": error}, 400)):
        assert (form.kind, form.failed) == ("filtered", True)
    answer = in_a_batch(wire, body(wire, "a", "MAX_TOKENS"))
    assert (answer.truncated, answer.input_tokens, answer.output_tokens) == (True, None, None)
    assert answer.details["served_model"] == "toy"
    refused = in_a_batch(wire, {"object": "error", "message": "too long", "code": 400})
    assert (refused.kind, refused.error) == ("refused", "HTTP 400: too long")
    for spent in ({"type": "billing_error", "message": "x"}, {"code": "insufficient_quota", "message": "x"}):
        assert in_a_batch(wire, {"error": spent}).kind == "failed"
    assert str(in_a_batch(wire, {"detail": "Model is loading"}).error).endswith("Model is loading")


def test_a_line_of_a_batch_may_have_a_wrong_letter() -> None:
    row = row_of(rb'{"custom_id": "k", "response": {"body": {"text": "\ud800", "logprob": NaN}}}')
    assert row == ("k", {"custom_id": "k", "response": {"body": {"text": "\ufffd", "logprob": None}}})
