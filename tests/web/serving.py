"""The pages behind a real server on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.applications import Starlette

from evalgate.web import View
from evalgate.web.routes import Pages


@contextmanager
def served(look: Callable[[], View], *, every: float = 0.05, viewers: int = 500) -> Iterator[str]:
    """The address of a server whose pages are refreshed `every` so many seconds."""

    @asynccontextmanager
    async def lifespan(_: Starlette):  # type: ignore[no-untyped-def]
        yield
        await pages.close()

    pages = Pages(look, every=every, viewers=viewers)
    config = uvicorn.Config(Starlette(routes=pages.routes, lifespan=lifespan), port=0, log_level="warning")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    sock = config.bind_socket()
    thread = threading.Thread(target=server.run, args=([sock],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        sock.close()
