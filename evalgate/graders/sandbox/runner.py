"""One run of a program, and how it ended: all of its limits, and nothing of it left behind.

Time is limited twice. Seconds of processor time are what a program may use, so that a busy machine gives the same
scores as an idle one; seconds of a clock, several times as many, end one that sleeps.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evalgate.graders.sandbox import launch
from evalgate.graders.sandbox.isolation import (
    FIRST_UID,
    FOLDER,
    UIDS,
    Isolation,
    SandboxError,
    interpreter,
)

Ended = Literal["done", "failed", "time", "output"]
MEGABYTE = 1 << 20
CLOCK = 6  # seconds of a clock for each of processor time, on a machine that does other things as well
_PIECE = 65_536
_READY = b"ready\n"
# as many at once as there are cores: more would only wait for one another, and use up each other's seconds
_PLACES = threading.BoundedSemaphore(os.cpu_count() or 1)
_uids = itertools.count()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may take: seconds of processor time, bytes, processes (threads count)."""

    seconds: int = 10
    memory: int = 512 * MEGABYTE
    storage: int = 32 * MEGABYTE
    output: int = MEGABYTE
    processes: int = 16
    open_files: int = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: `done` is exit code 0; `output`: it said more than it may, and was stopped."""

    ended: Ended
    stdout: str
    stderr: str


def run(program: str, isolation: Isolation, *, stdin: str = "", limits: Limits | None = None) -> Outcome:
    """Run `program` (Python) and wait for it; raises `SandboxError` when it could not even be started.

    May be called from several threads; as many run at once as there are cores.
    """
    limits = limits or Limits()
    with _PLACES, tempfile.TemporaryDirectory(prefix="evalgate-") as folder:
        home = FOLDER if isolation.bubblewrap else folder
        job = {
            "program.py": program.encode(errors="replace").decode(),
            "stdin": stdin.encode(errors="replace").decode(),
            "folder": home,
            "uid": FIRST_UID + (os.getpid() + next(_uids)) % UIDS if isolation.own_user else None,
            "cpu_seconds": limits.seconds,
            "memory": limits.memory,
            "file": limits.storage,
            "open_files": limits.open_files,
            "processes": limits.processes if isolation.bubblewrap else _processes_here() + limits.processes,
            "readable": [*isolation.readable(), "/dev", "/proc"],
            # without a mount, links make them visible and nothing that lies beside them
            "packages": [] if isolation.bubblewrap else isolation.packages,
        }
        command = [*isolation.command(limits.storage), interpreter(), "-I", "-S", "-c", _launcher()]
        process = subprocess.Popen(  # noqa: S603  # our own launcher, in a sandbox
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=isolation.environment(home),
            start_new_session=True,
            cwd=folder,
        )
        return _attended(process, json.dumps(job).encode() + b"\n", limits)


@functools.cache
def _launcher() -> str:
    return Path(launch.__file__).read_text(encoding="utf-8")


def _processes_here() -> int:
    """At least as many as this user has, threads included: without namespaces they all count."""
    return sum(1 for _ in Path("/proc").glob("[0-9]*/task/[0-9]*"))


def _attended(process: subprocess.Popen[bytes], job: bytes, limits: Limits) -> Outcome:
    """Feed it, hear it out, and see to it that it ends."""
    streams = process.stdin, process.stdout, process.stderr
    assert all(streams)
    heard = {"stdout": bytearray(), "stderr": bytearray()}
    deadline, cut = time.monotonic() + CLOCK * limits.seconds + 5, ""
    try:
        with selectors.DefaultSelector() as open_ends:
            open_ends.register(process.stdin, selectors.EVENT_WRITE, "stdin")  # type: ignore[arg-type]  # asserted above
            for name in heard:
                open_ends.register(getattr(process, name), selectors.EVENT_READ, name)
            for stream in streams:
                os.set_blocking(stream.fileno(), False)  # type: ignore[union-attr]  # asserted above
            while open_ends.get_map() and not cut:
                ready = open_ends.select(deadline - time.monotonic())
                if time.monotonic() >= deadline:
                    cut = "time"
                for key, _ in ready:
                    if key.data == "stdin":
                        job = job[_fed(key.fd, job) :]
                        piece = job
                    else:
                        piece = os.read(key.fd, _PIECE)
                        heard[key.data] += piece
                    if not piece:
                        open_ends.unregister(key.fileobj)
                        if key.data == "stdin":
                            process.stdin.close()  # type: ignore[union-attr]  # asserted above
                if sum(map(len, heard.values())) > limits.output:
                    cut = "output"
    finally:
        _end(process)
    return _outcome(process.returncode, cut, bytes(heard["stdout"]), bytes(heard["stderr"]), limits)


def _fed(stdin: int, job: bytes) -> int:
    try:
        return os.write(stdin, job[:_PIECE])
    except BrokenPipeError:
        return len(job)


def _end(process: subprocess.Popen[bytes]) -> None:
    """It has closed its ends, so it has ended or only pretends to; whatever it started goes with it."""
    try:
        process.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
        process.communicate() if process.stdin is None else _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                continue
    process.wait()


def _outcome(code: int, cut: str, stdout: bytes, stderr: bytes, limits: Limits) -> Outcome:
    said, complaint = stdout[: limits.output], stderr[: limits.output].decode(errors="replace")
    if not said.startswith(_READY):
        if cut == "time":
            message = "the sandbox did not start in time; is the machine overloaded?"
        else:
            message = f"the sandbox did not start: {complaint.strip()[-300:] or f'exit code {code}'}"
        raise SandboxError(message)
    ended: Ended = "done" if code == 0 else "failed"
    if cut == "output":
        ended = "output"
    elif cut == "time" or code in (-signal.SIGXCPU, -signal.SIGKILL, 128 + signal.SIGXCPU, 128 + signal.SIGKILL):
        ended = "time"
    return Outcome(ended, said[len(_READY) :].decode(errors="replace"), complaint)
