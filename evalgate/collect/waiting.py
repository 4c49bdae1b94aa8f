"""Waiting for several things at once: what may be cut off when one of them fails, and what has cost money."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from evalgate.errors import EvalgateError

T = TypeVar("T")


async def all_of(jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait for all jobs, then raise the first failure: whoever is still being answered is not cut off."""
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    # an error that a user can act on says more than what it led to elsewhere
    for outcome in sorted(outcomes, key=lambda each: not isinstance(each, EvalgateError)):
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


async def until_one_fails(jobs: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all jobs; the first failure cuts the others off, and is raised."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
