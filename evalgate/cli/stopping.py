"""Ctrl-C that loses no money: the first lets what is under way arrive, the second ends at once."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TypeVar

from evalgate.cli.tell import tell
from evalgate.collect import Stop
from evalgate.errors import Interrupted

T = TypeVar("T")


def run_until_stopped(
    job: Callable[[Stop, float], Coroutine[None, None, T]], *, refresh: bool, since: float | None
) -> T:
    """What `job(stop, since)` returns; answers that were given before `since` are not to count as known.

    Raises `Interrupted`, with the command that goes on, when SIGINT or SIGTERM came. That of a refresh is told at the
    beginning too, for who is killed can tell nothing.
    """
    begin = time.time() if refresh else since or 0.0
    command = _command(begin if refresh else None)
    if refresh:
        tell(f"evalgate: --refresh buys everything anew; if it does not come to its end, go on with:\n  {command}")
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_watched(lambda stop: job(stop, begin)))
    except (Interrupted, KeyboardInterrupt, asyncio.CancelledError):
        kept = "interrupted; what was answered is kept. This goes on where it stopped:"
        raise Interrupted(f"{kept}\n  {command}") from None


async def _watched(job: Callable[[Stop], Coroutine[None, None, T]]) -> T:
    stop, loop, task = Stop(), asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    interrupts = 0

    def on_signal() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts > 1:
            task.cancel()
            return
        stop.request()
        message = (
            "evalgate: stopping; the answers that are under way are waited for (again: at once, and they are lost)"
        )
        tell(message)

    for name in signal.SIGINT, signal.SIGTERM:
        try:
            loop.add_signal_handler(name, on_signal)
        except NotImplementedError:  # on Windows, where Ctrl-C ends it at once
            break
    return await job(stop)


def _command(refreshed_since: float | None) -> str:
    arguments = sys.argv[1:]
    if refreshed_since is not None:  # again with --refresh, it would buy again what was bought just now
        begin = datetime.fromtimestamp(refreshed_since, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        arguments = [f"--since={begin}" if argument == "--refresh" else argument for argument in arguments]
    return shlex.join(["evalgate", *map(_without_password, arguments)])


def _without_password(argument: str) -> str:
    """What is printed ends up in logs: a store's URL is shown as everywhere else, and its password put in again."""
    from evalgate.store.url import parse

    option, equals, name = argument.partition("=") if argument.startswith("--store=") else ("", "", argument)
    return f"{option}{equals}{parse(name)[1]}" if "://" in name else argument


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is one: the same loop, for less CPU."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
