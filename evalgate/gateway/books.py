"""The books of one process, put together: who is let in, what is counted, and who is told.

    trouble = prepare(settings)  # once, in the first process
    books = Books(settings, worker=0, operations=lambda: app.desk.routing.table.operations)
    books.start()  # in the process that serves, after it was forked
    app = gateway(…, doorkeeper=books.doorkeeper, telemetry=books.recorder, onlookers=books.onlookers, …)
    app.mount(routes=[], background=[books.keep, books.prepare])

What is asked of the application comes as functions, for it is made after its books.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from evalgate.errors import EvalgateError, InfrastructureError, InputError, StoreError
from evalgate.gateway.caller import Caller, Doorkeeper, OpenDoor
from evalgate.gateway.delivered import Onlooker
from evalgate.gateway.keys import Keys
from evalgate.gateway.metrics import Describe, Gauges, Metrics
from evalgate.gateway.metrics.metrics import undescribed
from evalgate.gateway.refusal import Refused
from evalgate.gateway.settings import GatewaySettings
from evalgate.gateway.traces import traces
from evalgate.store import open_prepared, open_store
from evalgate.telemetry import Recorder

log = logging.getLogger("evalgate.gateway")
_KNOW_SECONDS = 1.0  # between two looks at which operations there are
_PREPARE_SECONDS = 2.0  # between two tries to reach a store that was away at the start


def prepare(settings: GatewaySettings) -> str | None:
    """Make or migrate the store; returns why that must wait, where it is a server that cannot be reached now.

    `Books.prepare` goes on trying then, and calls are served meanwhile, but for those that need a key. Raises
    `StoreError` for a file, and `InputError` as `Books` does.
    """
    _require_store(settings)
    if settings.store is None:
        return None
    try:
        open_store(settings.store).__exit__()
    except StoreError as failure:
        if not _is_server(settings.store):
            raise
        return str(failure)
    return None


def _is_server(store: str) -> bool:
    return "://" in store and not store.startswith("sqlite")


def _require_store(settings: GatewaySettings) -> None:
    if settings.keys == "required" and settings.store is None:
        raise InputError("keys: required, but store: null; there is nowhere to look keys up: name a store")


class Books:
    """`worker`: which of the processes this is, from 0; `onlookers` may be added to."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        worker: int = 0,
        operations: Callable[[], Iterable[str]],
        gauges: Sequence[Gauges] = (),
        describe: Describe = undescribed,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Connects to nothing yet.

        Raises `InputError` where keys are asked for and none can be kept, or something is that is not installed.
        """
        _require_store(settings)
        self._settings, self._worker, self._operations = settings, worker, operations
        store = None if settings.store is None else open_prepared(settings.store)
        self._store = store
        self._keys = Keys(store) if settings.keys == "required" and store is not None else None
        self.recorder = Recorder(store)
        self._traces = traces(environment)
        self._metrics = None
        if settings.metrics_port is not None:
            self._metrics = Metrics(self.recorder, gauges, describe)
        told = (self._metrics, self._traces)
        self.onlookers: list[Onlooker] = [each.delivered for each in told if each is not None]

    @property
    def doorkeeper(self) -> Doorkeeper:
        """Keys, where they are asked for."""
        return self._keys or OpenDoor()

    def refused(self, refusal: Refused) -> None:
        """Count a call that was turned away, for /metrics."""
        if self._metrics is not None:
            self._metrics.refused(refusal)

    def affords(self, caller: Caller) -> bool:
        """Whether a caller may still spend; for work that was let in before."""
        return self._keys is None or self._keys.affords(caller)

    def trouble(self) -> str | None:
        """Why the store is not followed for now, for /readyz; it turns nothing off."""
        return (self._keys.trouble if self._keys is not None else "") or self.recorder.trouble or None

    def start(self) -> None:
        """Read the keys, and begin to share."""
        self.recorder.know(self._operations())
        self.recorder.start()
        if self._keys is not None:
            self._keys.start()

    async def keep(self) -> None:
        """Serve /metrics and keep track of the operations until cancelled; then write what is not written, and end."""
        known: frozenset[str] = frozenset()
        try:
            with contextlib.ExitStack() as stack:
                self._serve_metrics(stack)
                while True:
                    if (now := frozenset(self._operations())) != known:
                        self.recorder.know(now)
                        known = now
                    await asyncio.sleep(_KNOW_SECONDS)
        except asyncio.CancelledError:  # not for a failure, after which it is begun again
            self.close()
            raise

    async def prepare(self) -> None:
        """Make or migrate a store that could not be reached when the gateway started; returns when that is done."""
        if self._settings.store is None or not _is_server(self._settings.store):
            return
        said = ""
        while True:
            try:
                trouble = await asyncio.to_thread(prepare, self._settings)
            except EvalgateError as failure:  # such as a store of a newer evalgate, which somebody may still mend
                trouble = str(failure)
            if trouble is None:
                if said:
                    log.warning("the store can be reached now")
                return
            if trouble != said:
                log.warning("the store is not followed yet: %s", trouble)
            said = trouble
            await asyncio.sleep(_PREPARE_SECONDS)

    def close(self) -> None:
        """Write what is not written yet, money first; four seconds at most, for who ends a worker waits five."""
        if self._keys is not None:
            self._keys.stop(patience=2.0)
        self.recorder.stop(patience=1.0)
        if self._traces is not None:
            self._traces.close(patience=1.0)
        if self._store is not None:
            self._store.__exit__()

    def _serve_metrics(self, stack: contextlib.ExitStack) -> None:
        """Calls are served without them, too."""
        settings, metrics = self._settings, self._metrics
        if metrics is None or settings.metrics_port is None:
            return
        from evalgate.gateway.metrics.serving import served

        try:
            # a free port for each, or one after the other
            port = settings.metrics_port and settings.metrics_port + self._worker
            port = stack.enter_context(served(metrics, settings.host, port))
            log.info("/metrics of this process: http://%s:%d/metrics", settings.host, port)
        except InfrastructureError as failure:
            log.error("%s", failure)  # noqa: TRY400  # the user's mistake, not ours
