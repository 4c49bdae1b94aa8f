"""Grading that takes a core, where there is one: a task, which Ray gives to another process when one is lost."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from evalgate.catalog import load_catalog
from evalgate.cluster.messages import Source
from evalgate.errors import EvalgateError, InputError
from evalgate.graders import Grading, Seen
from evalgate.plan import grading_of
from evalgate.suite import load_suite

CHUNK = 8  # answers that one task grades: less than it takes to hand them over would be idle


def grade(source: Source, hash_: str, seen: Sequence[Seen]) -> list[dict[str, float]] | EvalgateError:
    """The score per metric of each answer, or why there is none."""
    try:
        grading = _grading(source, hash_)
        return [grading.grade_seen(each) for each in seen]
    except EvalgateError as failure:
        return failure.with_traceback(None)


@functools.lru_cache(maxsize=8)
def _grading(source: Source, hash_: str) -> Grading:
    grading = grading_of(load_suite(source.suite, near_duplicates=False), load_catalog(source.catalog), judged=[])
    if grading.hash != hash_:
        raise InputError(f"{source.suite}: another file on a node of the cluster than here; see docs/cluster.md")
    return grading
