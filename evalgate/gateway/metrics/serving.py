"""/metrics on a port of its own, in a thread of its own: a scrape waits for no call, and no call for a scrape.

With several processes each has a port: the first one that is asked for, or the next that is free.
"""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from evalgate.errors import InfrastructureError
from evalgate.gateway.metrics.metrics import Metrics

MOST_PORTS = 256  # that are tried, as many as there may be processes


@contextlib.contextmanager
def served(metrics: Metrics, host: str, port: int) -> Iterator[int]:
    """Serve while the block runs; yields the port. `port` 0: any that is free.

    Raises `InfrastructureError` when none can be had.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    ProcessCollector(registry=registry)
    server, thread = _listening(registry, host, port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _listening(registry: CollectorRegistry, host: str, port: int) -> tuple[WSGIServer, threading.Thread]:
    for each in range(port, min(port + MOST_PORTS, 65536)):
        try:
            return start_http_server(each, host, registry)
        except OSError as failure:
            if failure.errno != errno.EADDRINUSE:
                raise InfrastructureError(f"{host}:{each}: /metrics cannot be served here: {failure}") from None
    raise InfrastructureError(
        f"{host}:{port}: /metrics cannot be served here or at the next {MOST_PORTS} ports: in use"
    )
