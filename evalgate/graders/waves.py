"""Grading many answers: at once where a grader only waits, and plainly, one after the other, where all are pure."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from evalgate.graders.bind import Grading
from evalgate.graders.registry import Seen


async def graded(grading: Grading, seen: Sequence[Seen]) -> list[dict[str, float]]:
    """The score per metric of each answer, in their order; raises `GraderError` when a grader does.

    Whoever is cancelled waits for the answers that are being graded, and for no others.
    """
    if not grading.slow:
        return [grading.grade_seen(each) for each in seen]
    loop, pool = asyncio.get_running_loop(), _pool()
    work = [loop.run_in_executor(pool, grading.grade_seen, each) for each in seen]
    try:
        return list(await asyncio.gather(*work))
    finally:
        for each in work:
            each.cancel()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    """Threads of its own: those that everybody shares also write to the store, which must not wait for a sandbox."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="grading")
