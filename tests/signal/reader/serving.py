"""An HTTP server on loopback that publishes one document, as `evalgate signal serve` does, or misbehaves as told."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Publisher:
    """`document` is what is published; `knows_wait`: it holds back its answer for `?wait=` seconds."""

    document: bytes = b""
    status: int = 200
    token: str = ""
    knows_wait: bool = True
    stalls: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.news = asyncio.Event()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.port: int = asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/acme/prod"

    def publish(self, document: bytes) -> None:
        self.document = document
        self.loop.call_soon_threadsafe(self._tell)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def _end(self) -> None:
        await self.runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    async def _start(self) -> int:
        app = web.Application()
        app.router.add_get("/acme/prod", self._get)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        port: int = self.runner.addresses[0][1]
        return port

    def _tag(self) -> str:
        return f'"{hashlib.sha256(self.document).hexdigest()}"'

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if self.stalls:
            await asyncio.sleep(60)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if self.status != 200:
            return web.Response(status=self.status)
        if request.headers.get("If-None-Match") == self._tag():
            if self.knows_wait and "wait" in request.query:
                try:
                    await asyncio.wait_for(self.news.wait(), float(request.query["wait"]))
                except TimeoutError:
                    return web.Response(status=304)
            if request.headers.get("If-None-Match") == self._tag():
                return web.Response(status=304)
        return web.Response(body=self.document, headers={"ETag": self._tag()} | self.headers)
