"""The pages behind a real server on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from evalgate.web import View
from evalgate.web.routes import Pages


@contextmanager
def served(look: Callable[[], View], *, every: float = 0.05, viewers: int = 500) -> Iterator[str]:
    """The address of a server whose pages are refreshed `every` so many seconds."""

    pages = Pages(look, every=every, viewers=viewers, leaving=lambda: server.should_exit)
    config = uvicorn.Config(Starlette(routes=pages.routes), port=0, log_level="warning", timeout_graceful_shutdown=5)
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
