"""The providers' keys: sent to them, and seen nowhere else, whatever comes back."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.gateway.house import CHEAP, house
from tests.gateway.upstream import DONE, STOP, Play, answers, event, fails, says, streams

KEY = "sk-0123456789abcdef-secret"
NAMED = ", api_key_env: ACME_KEY"


async def echoes_in_pieces(talk: object) -> None:
    data = event({"content": f"your key is {KEY}, I think"})
    await streams(data[:70], data[70:90], data[90:], STOP, DONE, pause=0.02)(talk)  # type: ignore[arg-type]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "play",
    [
        answers(f"your key is {KEY}, I think"),
        answers(headers={"authorization": f"Bearer {KEY}"}),
        fails(400, f"the key {KEY} may not"),
        fails(401, f"wrong key {KEY}"),
        fails(500, f"failed for {KEY}"),
        says(200, f"<html>{KEY}".encode()),
        streams(event({"content": "a"}), b'data: {"error": {"message": "%s"}}\n\n' % KEY.encode()),
        echoes_in_pieces,
    ],
)
def test_a_key_that_an_upstream_echoes_goes_no_further(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, play: Play, stream: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    with house(tmp_path, CHEAP, provider=NAMED, environment={"ACME_KEY": KEY}, wants_answers=True) as up:
        up.upstream.will("cheap", play)
        response = up.ask(stream=stream)
        assert up.upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in response.text
        assert KEY not in str(response.headers)
        assert KEY not in caplog.text
        assert not any(KEY.encode() in (told.answer or b"") for told in up.delivered)


def test_a_clients_own_key_is_not_sent_on(tmp_path: Path) -> None:
    with house(tmp_path, CHEAP) as up:
        up.ask(headers={"authorization": "Bearer eg-mine", "x-api-key": "eg-mine", "cookie": "a=eg-mine"})
        assert "eg-mine" not in str(up.upstream.requests[0].headers)


def test_a_key_that_is_not_set_is_the_operators_trouble(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with house(tmp_path, CHEAP, provider=NAMED) as up:
        response = up.ask()
        assert response.status_code == 502
        assert "ACME_KEY" not in response.text
    assert "ACME_KEY" in caplog.text
