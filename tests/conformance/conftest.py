from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import pytest

from evalgate.conformance import UPSTREAMS, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.prepare(tmp_path / "world", free_ports(1 + len(UPSTREAMS)))


SHARE = 1_000
"""Ports that one test process has for itself."""


@cache
def _share() -> tuple[socket.socket, Iterator[int]]:
    """The ports of this process: the first of them stays bound for as long as it lives, and says so to the others.

    Looking for free ports is not enough: servers come up later than their addresses are told.
    """
    for first in range(20_000, 32_000, SHARE):
        guard = socket.socket()
        try:
            guard.bind(("127.0.0.1", first))
        except OSError:
            guard.close()
            continue
        return guard, cycle(range(first + 1, first + SHARE))
    raise RuntimeError("no free ports")


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that are free, and that no other test process will be given."""
    _, ports = _share()
    row: list[int] = []
    for port in islice(ports, 2 * SHARE):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                row = []
                continue
        row = [*row, port] if row and row[-1] + 1 == port else [port]
        if len(row) == count:
            return row[0]
    raise RuntimeError(f"no {count} free ports in a row")
