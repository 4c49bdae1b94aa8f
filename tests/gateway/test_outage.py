"""A store's server that is away when the gateway starts: calls are served, and it is followed once it is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from evalgate.gateway.keys import digest, mint
from evalgate.store import open_store
from evalgate.store.keys import VirtualKey, VirtualKeys
from tests.gateway.test_process import ASKED, serving
from tests.store.conftest import Server, postgresql

__all__ = ["postgresql"]


def comes_true(what: Callable[[], bool]) -> bool:
    until = time.monotonic() + 30
    while not (so := what()) and time.monotonic() < until:
        time.sleep(0.1)
    return so


def test_a_store_that_is_away_at_the_start_is_made_when_it_comes(tmp_path: Path, postgresql: Server) -> None:
    database = postgresql.new_database()
    postgresql.stop()
    try:
        with serving(tmp_path, {"store": database.name, "workers": 2, "metrics_port": None}) as up:
            assert up.client.post("/v1/chat/completions", json=ASKED).status_code == 200
            postgresql.start()
            assert comes_true(lambda: up.client.get("/v1/files").status_code == 200)
            assert comes_true(lambda: up.client.get("/readyz").json()["store"]["problem"] is None)
    finally:
        postgresql.start()


def test_who_needs_a_key_is_told_to_come_back_until_the_store_is_there(tmp_path: Path, postgresql: Server) -> None:
    database, secret = postgresql.new_database(), mint()
    with open_store(database.name) as store:
        VirtualKeys(store).add(VirtualKey("ci", digest(secret), time.time()))
    postgresql.stop()
    try:
        with serving(tmp_path, {"store": database.name, "keys": "required", "metrics_port": None}) as up:
            up.client.headers["authorization"] = f"Bearer {secret}"
            refused = up.client.post("/v1/chat/completions", json=ASKED)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
            postgresql.start()
            assert comes_true(lambda: up.client.post("/v1/chat/completions", json=ASKED).status_code == 200)
    finally:
        postgresql.start()
