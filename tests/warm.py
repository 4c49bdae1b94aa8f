"""The command `evalgate` as a process of its own, without importing everything again: forked from one that has.

Most of what a short command takes is spent on imports. What is about starting, killing or signals starts Python itself.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import random
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[1]
TIMEOUT = 120  # seconds
_OWN = ("pytest_plugin", "litellm", "ray")  # rooms for which somebody else's process is needed


def evalgate(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder; `env` is its whole environment."""
    environment = dict(os.environ if env is None else env)
    if _of_python(environment) != _of_python(os.environ):
        command = [sys.executable, "-m", "evalgate", *arguments]
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    with _LOCK, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        told = {"arguments": arguments, "cwd": str(cwd), "env": environment, "out": out.fileno(), "err": err.fileno()}
        code = _server().ask({**told, "pid": os.getpid()})
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())


def _of_python(environment: Mapping[str, str]) -> dict[str, str]:
    """What Python itself reads when it starts; a fork has read it already."""
    return {key: value for key, value in environment.items() if key.startswith("PYTHON") and key != "PYTHONIOENCODING"}


class _Server:
    def __init__(self) -> None:
        command = [sys.executable, "-c", "from tests.warm import serve; serve()"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        atexit.register(self.process.kill)

    def ask(self, request: Mapping[str, object]) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], TIMEOUT)[0]:
            self.process.kill()
            raise subprocess.TimeoutExpired(str(request["arguments"]), TIMEOUT)
        return int(self.process.stdout.readline())


_LOCK = threading.Lock()
_servers: list[_Server] = []


def _server() -> _Server:
    if not _servers or _servers[0].process.poll() is not None:
        _servers[:] = [_Server()]
    return _servers[0]


def _warm() -> None:
    """Import all rooms; nothing is run."""
    import evalgate

    for module in pkgutil.walk_packages(evalgate.__path__, "evalgate."):
        if not any(name in module.name for name in _OWN) and not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ImportError:  # an extra that is not installed
                continue
    for name in ("pandas", "pyarrow.parquet", "matplotlib.figure", "rich.progress"):
        importlib.import_module(name)


def _become(request: Mapping[str, object]) -> None:
    """Make this fork what a fresh process would be."""
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]
    time.tzset()
    for stream, target in (("out", 1), ("err", 2)):
        there = f"/proc/{request['pid']}/fd/{request[stream]}"
        os.dup2(os.open(there, os.O_WRONLY | os.O_APPEND), target)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding=encoding)
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), encoding=encoding)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=True,
    )
    os.chdir(str(request["cwd"]))
    sys.path[0] = str(request["cwd"])
    sys.argv = ["evalgate", *request["arguments"]]  # type: ignore[misc]
    random.seed()


def _end(code: str | int | None) -> NoReturn:
    """End as Python does, but for what it takes apart: all that was imported would be copied for it."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        if not sys.stdout.closed:
            sys.stdout.flush()
    except OSError:
        code = 120
    os._exit(code if isinstance(code, int) else 1)


def serve() -> None:
    """What the process does from which others are forked: one after the other, it says with which code each ended."""
    _warm()
    from evalgate.cli import main

    gc.collect()
    gc.freeze()  # or each fork would look through all of it, and copy it
    answers = os.dup(1)
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    for line in requests:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            try:
                main()
            except SystemExit as ended:
                _end(ended.code)
        _, status = os.waitpid(child, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
