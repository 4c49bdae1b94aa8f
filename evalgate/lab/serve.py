"""Starts the lab's servers, one process for each variant, and stops them whatever happens in between.

Ports are fixed by the roster, because the address is part of what an answer in the store is known by. That makes two
things matter that would not otherwise: a port that somebody else holds is an error and never a reason to talk to them,
and a server's exit is waited for, so that its port is free when the next one wants it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.errors import LabError
from evalgate.lab.weights import MODEL

if TYPE_CHECKING:
    from evalgate.lab.roster import LabVariant

__all__ = ["serve"]

_LOOPBACK = "127.0.0.1"
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_PAUSE_SECONDS = 0.05


@contextlib.contextmanager
def serve(
    variants: Sequence[LabVariant], *, log_directory: Path, threads: int = 1, context: int = 2048
) -> Iterator[str]:
    """Serve every one of `variants` on its port of loopback; yields the engine's name and version.

    Each server's log is `<id>.log` in `log_directory`. Two servers with one thread each answer more per second than
    one server with two.

    Raises:
        LabError: a port is taken, or a server ended or did not answer within a minute; names its last log line.
    """
    log_directory.mkdir(parents=True, exist_ok=True)
    for variant in variants:
        _require_free(variant)
    with contextlib.ExitStack() as running:
        servers = []
        for variant in variants:
            process = _start(variant, log_directory, threads, context)
            running.callback(_stop, process)
            servers.append((variant, process))
        # All are loading by now; to wait for them one by one takes as long as the slowest.
        for variant, process in servers:
            _wait_until_healthy(variant, process, log_directory)
        yield _engine_name()


def _start(variant: LabVariant, log_directory: Path, threads: int, context: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "evalgate.lab.server"]
    command += ["--weights", str(variant.weights.path), "--model", MODEL]
    command += ["--port", str(variant.port), "--threads", str(threads), "--context", str(context)]
    command += ["--until-stdin-closes"]
    if variant.max_tokens_cap is not None:
        command += ["--max-tokens-cap", str(variant.max_tokens_cap)]
    # libgomp reads this when it is loaded: threads that spin while they wait take the processor from the one at work.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    with _log_path(variant, log_directory).open("wb") as log:
        # A session of its own: Ctrl-C in a terminal reaches this process alone, which then stops its servers in order.
        return subprocess.Popen(  # noqa: S603  (our own interpreter and module)
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _require_free(variant: LabVariant) -> None:
    with socket.socket() as trial:
        # As the server does: a port whose last connections are still in TIME_WAIT is free.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((_LOOPBACK, variant.port))
        except OSError as taken:
            msg = (
                f"{variant.id}: cannot use port {variant.port} of {_LOOPBACK}: {taken.strerror}; "
                f"stop what listens there (ss -ltnp 'sport = :{variant.port}') and try again"
            )
            raise LabError(msg) from taken


def _wait_until_healthy(variant: LabVariant, process: subprocess.Popen[bytes], log_directory: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _healthy(variant.port):
        log = _log_path(variant, log_directory)
        if process.poll() is not None:
            msg = f"{variant.id}: its server ended with code {process.returncode}: {_last_line(log)} (log: {log})"
            raise LabError(msg)
        if time.monotonic() > deadline:
            msg = (
                f"{variant.id}: its server did not answer within {_START_SECONDS:.0f} s: {_last_line(log)} (log: {log})"
            )
            raise LabError(msg)
        time.sleep(_PAUSE_SECONDS)


def _healthy(port: int) -> bool:
    connection = HTTPConnection(_LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/v1/models")
        response = connection.getresponse()
        return response.status == 200 and bool(json.loads(response.read())["data"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return False
    finally:
        connection.close()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1].strip() if lines else "it wrote no log"


def _log_path(variant: LabVariant, log_directory: Path) -> Path:
    return log_directory / f"{variant.id}.log"


def _engine_name() -> str:
    package = "ik-llama-cpp-python"
    try:
        return f"ik_llama.cpp ({package} {version(package)})"
    except PackageNotFoundError:
        return "ik_llama.cpp"
