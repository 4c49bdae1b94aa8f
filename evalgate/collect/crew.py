"""Who asks and grades for whoever decides: this process (`Collector`), or many on a cluster (`evalgate.cluster`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from evalgate.catalog import Endpoint
from evalgate.collect.budget import Budget
from evalgate.collect.collector import OnAnswer
from evalgate.exchange import Answer, Question
from evalgate.graders import Grading, Seen


class Crew(Protocol):
    """See `Collector`, which is one; all of it raises as that does."""

    @property
    def requests(self) -> int:
        """Calls that were sent so far."""

    async def ask(
        self,
        endpoint: Endpoint,
        questions: Sequence[Question],
        on_answer: OnAnswer = ...,
        budget: Budget | None = None,
        *,
        max_age: float | None = None,
    ) -> list[Answer]:
        """The answers of one endpoint, in the order of `questions`, when all are durable."""

    async def known(
        self, endpoint: Endpoint, questions: Sequence[Question], *, max_age: float | None = None
    ) -> list[Answer] | None:
        """The answers that are in the store, if all are; None otherwise."""

    async def graded(self, grading: Grading, seen: Sequence[Seen]) -> list[dict[str, float]]:
        """The score per metric of each answer, in their order."""
