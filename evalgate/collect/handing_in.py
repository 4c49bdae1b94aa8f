"""Hands something in to a provider's batch API once, though the answer to that may be lost on the way.

When it cannot be told whether the provider has taken it, it is looked for under its token before it is handed in again;
where the provider lets no token go along, it is not handed in again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from evalgate.errors import EvalgateError
from evalgate.providers import AttemptFailed
from evalgate.providers.batch import BatchClient


class InDoubt(Exception):
    """Nobody can tell whether the provider took it; `failure` says what was heard last."""

    def __init__(self, failure: AttemptFailed) -> None:
        super().__init__(failure.reason)
        self.failure = failure


async def hand_in_once(
    client: BatchClient,
    submit: Callable[[], Awaitable[str]],
    find: Callable[[], Awaitable[str | None]],
    pause: Callable[[AttemptFailed, int], Awaitable[None]],
    forget: Callable[[], Awaitable[None]],
) -> str:
    """The id that the provider gave to what `submit` hands in.

    `find` looks for it there. `pause` is given a failure and the number of attempts so far; it waits, or raises an
    `EvalgateError` when there is to be no other one. When it ends with such an error, and the provider has surely not
    taken it, `forget` is called first. Raises `InDoubt`.
    """
    attempts, doubtful = 0, False  # whether the provider may have taken it without our hearing of it
    while True:
        attempts += 1
        try:
            return await submit()
        except AttemptFailed as failure:
            doubtful = doubtful or not (failure.unreachable or failure.throttled)
            if doubtful and not client.traceable:
                raise InDoubt(failure) from None
            try:
                await pause(failure, attempts)
            except EvalgateError:
                if not doubtful:
                    await forget()
                raise
            if doubtful and (found := await find()) is not None:
                return found
            if doubtful and not client.traceable:  # which was found out by looking
                raise InDoubt(failure) from None
        except EvalgateError:  # it was turned down
            if not doubtful:
                await forget()
            raise
