"""What other rooms hang into the gateway: routes, background work, calls of the process itself, its door."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, MutableMapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evalgate.errors import InputError
from evalgate.gateway.caller import ANYBODY, Caller
from evalgate.gateway.gateway import gateway
from evalgate.gateway.refusal import Refused
from evalgate.gateway.settings import GatewaySettings
from tests.gateway.house import CHEAP, HELLO, TASK, House, catalog_in, house


class Strict:
    """A door for one key, whose holder may do one thing."""

    def __init__(self) -> None:
        self.booked: list[str] = []

    def admit(self, headers: Mapping[str, str]) -> Caller:
        if headers.get("authorization") != "Bearer eg-good":
            raise Refused(401, "authentication_error", "no such key")
        return Caller("mine", operation="sort", tier="realtime")

    def book(self, caller: Caller, dollars: Decimal, tokens: int) -> None:
        del dollars, tokens
        self.booked.append(caller.id)


def asked_within(up: House, body: Mapping[str, object]) -> list[MutableMapping[str, Any]]:
    """Have the gateway's own loop make a call, as its queue does."""
    told: list[MutableMapping[str, Any]] = []
    done = threading.Event()

    async def keep(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    async def ask() -> None:
        await up.application.ask("/v1/chat/completions", orjson.dumps(body), {}, ANYBODY, keep)
        done.set()

    asyncio.run_coroutine_threadsafe(ask(), up.loop)
    assert done.wait(10)
    return told


def test_the_process_itself_asks_as_its_clients_do(tmp_path: Path) -> None:
    async def hello(_: Request) -> Response:
        return JSONResponse({"hello": "you"})

    with house(tmp_path, CHEAP, routes=[Route("/hello", hello)]) as up:
        assert up.client.get("/hello").json() == {"hello": "you"}
        start, body = asked_within(up, {"model": "model", "messages": HELLO, "metadata": TASK})
        assert start["status"] == 200
        assert orjson.loads(body["body"])["delivery"]["variant"] == "cheap"
        start, _ = asked_within(up, {"model": "nobody"})
        assert start["status"] == 404


def test_a_gateway_that_asks_for_keys_does_not_start_without_a_door(tmp_path: Path) -> None:
    settings = GatewaySettings(keys="required")
    with pytest.raises(InputError, match="nobody here keeps keys"):
        gateway(settings, catalog_in(tmp_path, 1, CHEAP), None, {})


def test_a_key_decides_who_gets_in_and_what_its_calls_are(tmp_path: Path) -> None:
    door = Strict()
    with house(tmp_path, CHEAP, door=door) as up:
        assert up.ask().status_code == 401
        assert up.ask("/v1/messages").json()["error"]["type"] == "authentication_error"
        assert up.client.get("/v1/models").status_code == 401
        assert up.client.get("/healthz").status_code == 200
        told = up.ask(headers={"authorization": "Bearer eg-good", "x-evalgate-tier": "batch"}).json()["delivery"]
        assert (told["tier"], told["variant"]) == ("realtime", "full")
        assert door.booked == ["mine"]
        assert [each.status for each in up.refused] == [401, 401]
