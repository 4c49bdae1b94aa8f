from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from evalgate.conformance import UPSTREAMS, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.prepare(tmp_path / "world", free_ports(1 + len(UPSTREAMS)))


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that are free."""
    for first in range(20_000 + (hash(str(socket.gethostname())) & 0), 32_000, count):
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
        return first
    raise RuntimeError("no free ports")
