"""What holds for a streamed answer as for any other: servers that do not stream, keys that are echoed, bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalgate.errors import ProviderError
from evalgate.exchange import Message, Question, Request
from evalgate.providers import AttemptFailed
from tests.conftest import Asked, Loopback, Sent, completion, failure
from tests.providers.asking import CHAT, KEY, ask, ask_all, at, events, stream
from tests.providers.chunks import DONE, HELLO, WHOLE, chunk


def test_a_server_that_does_not_stream_is_read_as_it_is(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: completion("whole")
    answer = ask(server.endpoint(tmp_path, stream=True))
    assert answer.text == "whole"
    assert "first_token_ms" not in answer.details


def test_a_server_that_does_not_count_in_streams_is_asked_without_from_then_on(
    server: Loopback, tmp_path: Path
) -> None:
    def behave(asked: Asked) -> Sent:
        if "stream_options" in asked.body:
            return failure(400, "Unrecognized request argument supplied: stream_options")  # as Azure says it
        return stream(events(*HELLO, chunk(finish="stop")) + DONE)

    server.behave = behave
    first, second = ask_all(server.endpoint(tmp_path, stream=True), [CHAT, CHAT])
    assert first.text == second.text == "Hello!"
    assert ["stream_options" in asked.body for asked in server.asked] == [True, False, False]


def test_another_refusal_is_the_answer(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: failure(400, "unknown parameter")
    assert ask(server.endpoint(tmp_path, stream=True), CHAT).finish_reason == "refused"
    assert len(server.asked) == 1


@pytest.mark.parametrize("cut", range(0, len(KEY) + 1, 3))
def test_a_key_that_is_echoed_in_two_pieces_does_not_get_into_the_answer(
    server: Loopback, tmp_path: Path, cut: int
) -> None:
    pieces = [chunk({"content": KEY[:cut]}), chunk({"content": KEY[cut:]}), chunk(finish="stop")]
    arguments = [chunk({"tool_calls": [{"index": 0, "function": {"arguments": it}}]}) for it in (KEY[:cut], KEY[cut:])]
    server.behave = lambda asked: stream(events(*pieces, *arguments) + DONE)
    answer = ask(at(server, tmp_path, stream=True), CHAT)
    assert answer.text == "[key]"
    assert KEY not in repr(answer)


def test_a_key_that_is_echoed_in_an_error_of_a_stream_is_not_told(server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda asked: stream(events({"error": {"message": f"no: {KEY}"}}))
    with pytest.raises(AttemptFailed, match=r"^no: \[key\]$"):
        ask(at(server, tmp_path, stream=True), CHAT)


def test_an_endless_stream_is_refused(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    piece = events(chunk({"content": "x" * 1000}))
    server.behave = lambda asked: stream(*[piece] * 200)
    monkeypatch.setattr("evalgate.providers.streaming.MAX_STREAM_BYTES", 1 << 16)
    with pytest.raises(ProviderError, match="provider 'here' sent an answer of more than"):
        ask(server.endpoint(tmp_path, stream=True), CHAT)
    server.behave = lambda asked: stream(*[piece] * 50, events(chunk(finish="stop")) + DONE)
    monkeypatch.setattr("evalgate.providers.http.MAX_BODY_BYTES", 1 << 15)
    with pytest.raises(ProviderError, match="provider 'here' sent an answer of more than"):
        ask(server.endpoint(tmp_path, stream=True), CHAT)


def test_streaming_is_not_part_of_what_was_asked(server: Loopback, tmp_path: Path) -> None:
    assert server.endpoint(tmp_path, stream=True).config == server.endpoint(tmp_path).config
    question = Question("c", Request((Message("user", "hi"),), {"temperature": 0.0}))
    server.behave = lambda asked: stream(events(*WHOLE) + DONE)
    ask(server.endpoint(tmp_path, stream=True), question)
    assert dict(question.request.parameters) == {"temperature": 0.0}
