"""The key goes to the provider and nowhere else."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from evalgate.errors import EvalgateError
from evalgate.store import Store
from tests.collect.conftest import KEY, collect
from tests.conftest import Asked, Loopback, Sent, completion, failure, questions


def echoed(status: int, *, json: bool) -> Sent:
    return failure(status, f"you sent Bearer {KEY}") if json else Sent(f"{'x' * 285} Bearer {KEY}".encode(), status)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("json", [True, False])
@pytest.mark.parametrize("status", [200, 400, 401, 402, 404, 422, 429, 500, 503])
def test_an_echoed_key_is_in_no_error_no_answer_no_log_and_not_in_the_store(
    server: Loopback, store: Store, tmp_path: Path, status: int, json: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.behave = lambda asked: echoed(status, json=json)
    try:
        told = repr(collect(store, server.endpoint(tmp_path, api_key_env="KEY", retries=1), questions(3)))
    except EvalgateError as raised:
        told = str(raised)
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY[3:8] not in told
    assert KEY not in caplog.text
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("evalgate.db"))
    assert KEY.encode() not in written


def test_a_key_that_the_model_repeats_is_not_stored(server: Loopback, store: Store, tmp_path: Path) -> None:
    def repeat(asked: Asked) -> Sent:
        return completion(f"Your key is {asked.headers['Authorization']}.", system_fingerprint=KEY)

    server.behave = repeat
    collected = collect(store, server.endpoint(tmp_path, api_key_env="KEY"), questions(1))
    assert collected.texts == ["Your key is Bearer [key]."]
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("evalgate.db"))
    assert b"Your key is" in written
    assert KEY.encode() not in written
