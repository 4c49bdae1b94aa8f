"""A small router that keeps the contract, and can be told to break it in one way: what the test itself is tested on.

It reads the signal with code of its own, so that a mistake in evalgate's reader cannot hide one in the test.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from evalgate.conformance import MODEL, UPSTREAMS, World
from evalgate.formats.canonical import digest
from evalgate.signal.envelope import PAYLOAD_TYPE, pae
from evalgate.signal.keys import Keyring

LOOK = 0.01  # seconds between two looks at the signal


class Refused(Exception):
    """A document that is not believed."""


class Signal:
    """What the router believes, and since which document."""

    def __init__(self, world: World, faults: frozenset[str]) -> None:
        self.faults = faults
        self.keys = Keyring.load(world.keys)
        self.configs = {name: each.config for name, each in world.catalog().endpoints(MODEL).items()}
        self.document: dict[str, Any] | None = None
        self.seq, self.digest, self.issued = 0, "", ""

    def take(self, data: bytes) -> None:
        try:
            self._take(data)
        except (Refused, ValueError, KeyError, TypeError, RecursionError):
            if "drops what it had" in self.faults:
                self.document = None

    def _take(self, data: bytes) -> None:
        faults = self.faults
        read = json.loads(data)
        if "payload" not in read:
            if "believes unsigned documents" not in faults:
                raise Refused
            payload = data
        else:
            payload = base64.b64decode(read["payload"])
            self._check(read, payload)
        document = json.loads(payload)
        self._order(document, payload)
        if document["schema"] != "evalgate.signal/v1" and "ignores the schema" not in faults:
            raise Refused
        self.document, self.seq, self.digest = document, document["seq"], digest(payload)
        self.issued = document["issued_at"]

    def _check(self, envelope: Mapping[str, Any], payload: bytes) -> None:
        faults = self.faults
        if "checks no signature" in faults:
            return
        if not envelope["signatures"] and "believes unsigned documents" in faults:
            return
        kind = envelope["payloadType"]
        if kind != PAYLOAD_TYPE and "ignores the type" not in faults:
            raise Refused
        for each in envelope["signatures"]:
            key = self.keys.trusted(each["keyid"])
            if key and "knows one key only" in faults and key != next(iter(self.keys.keys.values())):
                continue
            if key and (
                "believes key ids" in faults or key.verifies(base64.b64decode(each["sig"]), pae(kind, payload))
            ):
                return
        if "counts what it refuses" in faults:
            self.seq = max(self.seq, json.loads(payload)["seq"])
        raise Refused

    def _order(self, document: Mapping[str, Any], payload: bytes) -> None:
        faults = self.faults
        if "orders by time" in faults:
            if document["issued_at"] < self.issued:
                raise Refused
        elif document["seq"] < self.seq and "believes older documents" not in faults:
            raise Refused
        if document["seq"] == self.seq and digest(payload) != self.digest and "takes a seq twice" not in faults:
            raise Refused
        follows = document["seq"] == self.seq + 1
        if follows and document["prev"] != self.digest and "ignores prev" not in faults:
            raise Refused
        if self.document and document["stream"] != self.document["stream"] and "ignores the stream" not in faults:
            raise Refused

    def eligible(self, operation: str | None) -> list[str]:
        faults = self.faults
        if self.document is None or (operation is None and "has a default operation" not in faults):
            return []
        now = datetime.now(UTC)
        if "drops late documents" in faults and datetime.fromisoformat(self.document["expires_at"]) <= now:
            return []
        found = []
        for entry in self.document["entries"]:
            variant, states = entry["variant"], {"green"} | ({"red"} if "uses red" in faults else set())
            if operation not in (None, entry["operation"]) and "mixes operations" not in faults:
                continue
            states |= {"unknown"} if "uses unknown" in faults else set()
            if (
                entry["state"] in states
                and ("ignores valid_until" in faults or datetime.fromisoformat(entry["valid_until"]) > now)
                and ("ignores config" in faults or variant["config"] == self.configs[variant["id"]])
                and (
                    "ignores the baseline's config" in faults
                    or entry["evidence"]["baseline_config"] == self.configs[entry["baseline"]]
                )
                and not ("uses red" in faults and variant["id"] == "cheapest")
            ):
                found.append(variant["id"])
        return found


class Router:
    """Listens on `url` from `start` to `stop`, in a thread of its own."""

    def __init__(self, world: World, *faults: str) -> None:
        self.world, self.faults = world, frozenset(faults)
        self.signal = Signal(world, self.faults)
        self.url, self._ready = "", threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self.failures: dict[str, int] = {}

    def __enter__(self) -> Router:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        async with ClientSession(timeout=ClientTimeout(5)) as self._session:
            looking = asyncio.create_task(self._look())
            self._ready.set()
            await self._end.wait()
            looking.cancel()
            await runner.cleanup()

    async def _look(self) -> None:
        tag = ""
        while True:
            with suppress(ClientError, TimeoutError):
                async with self._session.get(self.world.signal_url, headers={"if-none-match": tag}) as response:
                    if response.status == 200:
                        tag = response.headers["etag"]
                        data = await response.read()
                        if not ("obeys nothing new" in self.faults and self.signal.document):
                            self.signal.take(data)
                await asyncio.sleep(LOOK)
                continue
            if "drops what it had" in self.faults:
                self.signal.document = None
            tag = ""
            await asyncio.sleep(LOOK)

    def _plan(self, request: web.Request, body: dict[str, Any]) -> list[str]:
        """Who is asked, in order."""
        faults, metadata = self.faults, body.get("metadata") or {}
        if "is cheap" in faults:
            return ["cheapest"]
        if "is dear" in faults:
            return ["baseline"]
        named = request.headers.get("x-evalgate-operation") if "reads metadata only" not in faults else None
        operation = named or (metadata.get("operation_id") if "reads headers only" not in faults else None)
        if operation and "tidies names up" in faults:
            operation = operation.strip().lower()
        tier = request.headers.get("x-evalgate-tier") or metadata.get("tier")
        if tier == "realtime" and "has one tier" not in faults:
            return ["baseline"]
        plan = [name for name in ("cheap", "cheapest") if name in self.signal.eligible(operation)]
        if "takes green or all" in faults:
            healthy = [name for name in UPSTREAMS if not self.failures.get(name)]
            plan = [name for name in plan if name in healthy] or [name for name in healthy if name != "baseline"]
        plan = [*plan, "baseline"]
        if "lets red stand in" in faults:
            plan.append("cheapest")
        if "believes its callers" in faults:
            plan += ["cheap"] if "fallbacks" in body else []
        return plan

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        plan = self._plan(request, body)
        if "swallows the tier" in self.faults:
            body.pop("service_tier", None)
        status = 502
        for number, name in enumerate(plan):
            with suppress(ClientError, TimeoutError):
                async with self._session.post(f"{self.world.base_url(name)}/chat/completions", json=body) as upstream:
                    if upstream.status == 200:
                        self.failures[name] = 0
                        return await self._pass_on(request, upstream, plan[number + 1 :], body)
                    status = upstream.status
            self.failures[name] = 1
        if "hides errors" in self.faults:
            return web.json_response({"error": {"message": "sorry"}})
        return web.json_response({"error": {"message": "nobody left"}}, status=status)

    async def _pass_on(self, request: web.Request, upstream: Any, others: list[str], body: Any) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": upstream.headers["content-type"]})
        if not body.get("stream"):
            return web.Response(body=await upstream.read(), content_type="application/json")
        await response.prepare(request)
        try:
            async for chunk in upstream.content.iter_any():
                await response.write(chunk)
        except ClientError:
            if "resumes anywhere" in self.faults:
                url = f"{self.world.base_url('cheapest')}/chat/completions"
                async with self._session.post(url, json=body) as other:
                    await response.write(await other.read())
            if request.transport is not None:
                request.transport.close()
        return response
