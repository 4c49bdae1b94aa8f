"""Ray, started here or joined, and whoever works on it.

    with Fleet("auto", store="postgresql://…", catalog=Path("catalog.yaml")) as fleet:
        async with fleet.begun(needs_of(contests), stop, progress.troubled) as work:
            board = await check(contests, store, environment, progress=progress, hear=work.hear)

Ray gets no secrets: keys are in the environment of its processes, which have ours where we start them. So is the name
of the store, for it may hold a password; elsewhere it is handed over, and must hold none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalgate import __version__
from evalgate.cluster.asker import STORE
from evalgate.cluster.messages import Needs, Terms
from evalgate.collect import OnTrouble, Stop
from evalgate.errors import EvalgateError, InfrastructureError, InputError
from evalgate.store import url

if TYPE_CHECKING:
    from evalgate.cluster.work import Work

LOCAL = "local"
PART = 0.25  # of a core for whoever asks or decides: both mostly wait, and half of all cores is left for graders
_MEMORY = 128 * 2**20  # bytes for objects that processes of one machine share: ours are small, and few
_PATIENCE = 10.0  # seconds for the first asker, until it is told that one waits
_LAST_WORDS = 45.0  # seconds for askers to take leave


class Fleet:
    """Use as a context manager, in the main thread; what is started here ends with it.

    `workers` are the processes that ask, one for each core of the cluster if it is None. More than there are cores for
    make a cluster grow that can. Raises `InputError` for a store that such processes cannot share, or without Ray, and
    `InfrastructureError` when there is no Ray at the address.
    """

    def __init__(
        self,
        address: str,
        *,
        store: str,
        catalog: Path,
        workers: int | None = None,
        max_cases: int | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._address, self._is_local = address, address == LOCAL
        self.catalog, self.max_cases = catalog, max_cases
        self._workers, self._tell = workers, tell
        self._askers: list[Any] = []
        name, shown = url.parse(store)
        is_file = name.get_backend_name() == "sqlite"
        if is_file and not self._is_local:
            message = f"store {shown}: a file is of one machine, and the processes of a cluster are on several"
            raise InputError(f"{message}; name a PostgreSQL that all of them reach: --store postgresql://…")
        if not self._is_local and shown != store:
            message = f"store {shown}: its password would be handed to the cluster"
            raise InputError(f"{message}; leave it out, and set PGPASSWORD in the environment of the cluster's nodes")
        self._store = str(Path(str(name.database)).resolve()) if is_file else store

    def __enter__(self) -> Fleet:
        # before it is imported: nothing is reported to anybody, and no warning about it is printed
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        try:
            import ray
        except ImportError:
            message = "--ray needs Ray, which is not installed: pip install 'evalgate-harness[ray]'"
            raise InputError(message) from None
        quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
        try:
            if self._is_local:
                os.environ[STORE] = self._store
                cores = max(os.cpu_count() or 1, self._workers or 1)
                ray.init(LOCAL, num_cpus=cores, include_dashboard=False, object_store_memory=_MEMORY, **quiet)
            else:
                ray.init(self._address, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as failure:
            first = str(failure).strip().partition("\n")[0][:300]
            raise InfrastructureError(f"no Ray at {self._address}: {first}") from None
        finally:
            os.environ.pop(STORE, None)
        self.cores = float(ray.cluster_resources().get("CPU", 1.0))
        return self

    def __exit__(self, *exception: object) -> None:
        import ray

        ray.shutdown()

    @contextlib.asynccontextmanager
    async def begun(
        self, needs: Needs, stop: Stop, on_trouble: OnTrouble, *, since: float = 0.0, retry_failed: bool = False
    ) -> AsyncIterator[Work]:
        """Askers at work, until they are let go; `since`, `stop`, `on_trouble` and `retry_failed` as in `Collector`.

        Raises `InputError` when a process of the cluster has no key that it `needs`.
        """
        from evalgate.cluster.work import Work

        askers, terms = self._hired(), Terms(since, time.time(), retry_failed)
        listening: asyncio.Task[None] | None = None
        try:
            with stop.heeded(lambda reason: _tell_to_stop(askers, terms.started)):
                await self._until_ready(askers, needs, stop)
                listening = asyncio.create_task(_listen(askers, on_trouble))
                yield Work(self, askers, terms, stop, secrets.token_hex(8))
                await _take_leave(askers, terms.started)
        except EvalgateError:
            await _take_leave(askers, terms.started)
            raise
        finally:
            if listening is not None:
                listening.cancel()

    def _hired(self) -> list[Any]:
        """The askers; Ray starts each anew that is lost, and ends them with this process or when we shut it down."""
        import ray

        from evalgate.cluster.asker import Asker

        if not self._askers:
            asker = ray.remote(Asker).options(num_cpus=PART, max_restarts=-1)
            count = self._workers if self._workers is not None else max(1, int(self.cores))
            self._askers = [asker.remote(self.store) for _ in range(count)]
        return self._askers

    @property
    def store(self) -> str | None:
        """The store's name as it is handed over; None where processes have it from their environment."""
        return None if self._is_local else self._store

    async def _until_ready(self, askers: list[Any], needs: Needs, stop: Stop) -> None:
        """Return when one of them can be asked."""
        waiting = {asyncio.ensure_future(_answer(asker.ready.remote(__version__, needs))) for asker in askers}
        told = False
        try:
            while waiting:
                done, waiting = await asyncio.wait(
                    waiting, timeout=_PATIENCE if not told else 0.5, return_when=asyncio.FIRST_COMPLETED
                )
                stop.check()
                for each in done:
                    if (failure := each.result()) is not None:
                        raise failure
                if done:
                    return
                if not told:
                    self._tell("evalgate: waiting for room on the cluster")
                    told = True
        finally:
            for each in waiting:
                each.cancel()


async def _answer(reference: Any) -> EvalgateError | None:
    from ray.exceptions import RayError

    try:
        failure: EvalgateError | None = await reference
    except RayError as error:
        lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
        return InfrastructureError(f"no process of the cluster can ask: {lines[0][:200]} … {lines[-1][:300]}")
    return failure


def _tell_to_stop(askers: list[Any], started: float) -> None:
    for asker in askers:
        asker.stop.remote(started)


async def _take_leave(askers: list[Any], started: float) -> None:
    """What is under way is waited for, and claims are given up."""
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(contextlib.suppress(TimeoutError))
        async with asyncio.timeout(_LAST_WORDS):
            await asyncio.gather(*(asker.close.remote(started) for asker in askers), return_exceptions=True)


async def _listen(askers: list[Any], on_trouble: OnTrouble) -> None:
    """Tell of attempts that fail while they do."""
    while True:
        await asyncio.sleep(1.0)
        for told in await asyncio.gather(*(asker.troubles.remote() for asker in askers), return_exceptions=True):
            if not isinstance(told, BaseException):
                for trouble in told:
                    on_trouble(trouble)
