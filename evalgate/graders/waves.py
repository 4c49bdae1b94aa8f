"""Grading many answers: at once where a grader only waits, and plainly, one after the other, where all are pure."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from evalgate.catalog import Endpoint
from evalgate.exchange import Answer
from evalgate.graders.bind import Grading
from evalgate.suite import Case


async def graded(
    grading: Grading, pairs: Sequence[tuple[Answer, Case]], endpoint: Endpoint | None = None
) -> list[dict[str, float]]:
    """The score per metric of each answer, in their order; raises `GraderError` when a grader does.

    Whoever is cancelled waits for the answers that are being graded, and for no others.
    """
    if not grading.slow:
        return [grading.grade(answer, case, endpoint) for answer, case in pairs]
    loop, pool = asyncio.get_running_loop(), _pool()
    work = [loop.run_in_executor(pool, grading.grade, answer, case, endpoint) for answer, case in pairs]
    try:
        return list(await asyncio.gather(*work))
    finally:
        for each in work:
            each.cancel()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """Threads of its own: those that everybody shares also write to the store, which must not wait for a sandbox."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="grading")
