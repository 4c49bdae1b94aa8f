"""Serves the application: one process, or several that accept from one socket, of which a dead one is started anew.

SIGTERM and SIGINT drain: nothing new is accepted, what is under way has `drain_seconds`, then it is cut off with an
error event. A second one ends at once. SIGHUP has the catalogue read again.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from evalgate.errors import InfrastructureError
from evalgate.gateway.application import Application
from evalgate.gateway.bounded import Protocol
from evalgate.gateway.settings import GatewaySettings

log = logging.getLogger("evalgate.gateway")
KEEP_ALIVE = 75  # seconds; longer than clients and balancers keep theirs, or they would write into a closing one
BACKLOG = 4096
_STOPS = (signal.SIGINT, signal.SIGTERM)
_MARGIN = 5.0  # seconds that a worker may take longer than it should
_QUICK = 1.0  # seconds: a worker that lived no longer is started again after as many

Build = Callable[[int], Application]


class Server(uvicorn.Server):
    """uvicorn's, which ends with exit code 0 when it was told to end, or when the parent is gone.

    `parent` is the end of a pipe that is readable from then on: an orphan would hold the port, and nobody would end it.
    """

    def __init__(self, application: Application, settings: GatewaySettings, parent: int | None = None) -> None:
        self._application, self._parent = application, parent
        config = uvicorn.Config(
            application,
            http=Protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="error",  # a warning for each malformed request would fill disks
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nobody is let in by an address
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
        )
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Of the main thread only, as uvicorn does; in others whoever started it says when to end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop, reloads = asyncio.get_running_loop(), set[asyncio.Task[None]]()

        def reload() -> None:
            task = loop.create_task(self._application.desk.routing.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        for each in _STOPS:
            loop.add_signal_handler(each, self.stop)
        loop.add_signal_handler(signal.SIGHUP, reload)
        if self._parent is not None:
            loop.add_reader(self._parent, self._orphaned, self._parent)
        try:
            yield
        finally:
            for each in (*_STOPS, signal.SIGHUP):
                loop.remove_signal_handler(each)

    def _orphaned(self, parent: int) -> None:
        asyncio.get_running_loop().remove_reader(parent)
        self.stop()

    def stop(self) -> None:
        """Drain; the second time, end."""
        self.force_exit = self.should_exit
        self.should_exit = self._application.draining = True


def listen(host: str, port: int) -> socket.socket:
    """A socket to accept from. Raises `InfrastructureError` when there is none to be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as failure:
        why = failure.strerror or str(failure)
        raise InfrastructureError(f"{host}:{port}: cannot listen here: {why}; choose another --port") from None
    sock.setblocking(False)
    return sock


def serve(settings: GatewaySettings, sock: socket.socket, build: Build) -> int:
    """Serve until told to end; `build` makes the application of a worker, in its own process. Returns an exit code."""
    if settings.workers == 1:
        _work(settings, sock, build, 0)
        return 0
    return _Crew(settings, sock, build).run()


def _work(settings: GatewaySettings, sock: socket.socket, build: Build, index: int, parent: int | None = None) -> None:
    server = Server(build(index), settings, parent)
    gc.collect()
    gc.freeze()  # what lives as long as the process is not looked through again
    server.run([sock])


class _Crew:
    """The parent of several workers, which does nothing but look after them."""

    def __init__(self, settings: GatewaySettings, sock: socket.socket, build: Build) -> None:
        self._settings, self._sock, self._build = settings, sock, build
        self._workers: dict[int, tuple[int, float]] = {}  # by process: which one, and since when
        self._ending = 0
        self._parent, self._alive = os.pipe()  # workers read of it that nobody holds the other end any more

    def run(self) -> int:
        for each in _STOPS:
            signal.signal(each, self._stop)
        signal.signal(signal.SIGHUP, self._pass_on)
        for index in range(self._settings.workers):
            self._start(index)
        while self._workers:
            try:
                pid, status = os.waitpid(-1, 0)
            except InterruptedError:
                continue
            index, since = self._workers.pop(pid, (0, 0.0))
            if self._ending:
                continue
            log.error("worker %d (process %d) ended with status %d, and is started again", index, pid, status)
            if time.monotonic() - since < _QUICK:
                time.sleep(_QUICK)
            if not self._ending:
                self._start(index)
        return 0

    def _start(self, index: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._workers[pid] = index, time.monotonic()
            return
        code = 1
        try:
            os.close(self._alive)
            for each in (*_STOPS, signal.SIGHUP, signal.SIGALRM):
                signal.signal(each, signal.SIG_DFL)
            _work(self._settings, self._sock, self._build, index, self._parent)
            code = 0
        except BaseException:
            log.exception("worker %d failed", index)
        finally:
            sys.stderr.flush()
            os._exit(code)  # nothing of the parent's is ended here

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._ending += 1
        self._pass_on(number, frame)
        if self._ending == 1:
            signal.signal(signal.SIGALRM, self._kill)
            signal.setitimer(signal.ITIMER_REAL, self._settings.drain_seconds + _MARGIN)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        del frame
        for pid in list(self._workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _kill(self, number: int, frame: FrameType | None) -> None:
        del number
        self._pass_on(signal.SIGKILL, frame)
