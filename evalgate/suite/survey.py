"""What has to be known of all cases before the first of them is asked, found out in one look at each.

No case is kept: a suite may have more of them than fit into memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.errors import InputError
from evalgate.formats.canonical import canonical
from evalgate.suite.cases import Case
from evalgate.suite.digests import Digests
from evalgate.suite.order import AskOrder
from evalgate.suite.prompt import Prompt


class Survey:
    """Looks at every case in turn: its place in the order, its cluster, and what it asks.

    Rendering every prompt also finds undefined variables before the first call is paid.
    """

    def __init__(self, seed: int, cluster_by: str | None, prompt: Prompt) -> None:
        self.order = AskOrder(seed)
        self._cluster_by, self._prompt = cluster_by, prompt
        self._questions = Digests()

    def look(self, case: Case) -> None:
        """Take the next case in; raises `InputError` when it cannot be asked or has no cluster."""
        self.order.add(case.id, self._cluster(case))
        self._questions.add(canonical(self._prompt.texts(case)))

    def refuse_same_question_twice(self, cases: Sequence[Case]) -> None:
        """Raise `InputError` when two of `cases`, which stand as they were looked at, ask the same."""
        if repeat := self._questions.first_repeat():
            other, case = (cases[position] for position in repeat)
            message = f"asks exactly what {other.id!r} asks ({other.place}); one answer would count twice"
            raise InputError(f"{case.place}: case {case.id!r} {message}")

    def _cluster(self, case: Case) -> str | None:
        if self._cluster_by is None:
            return None
        key = self._cluster_by.removeprefix("metadata.")
        if not isinstance(case.metadata.get(key), str | int | float):
            message = f"case {case.id!r} has no {self._cluster_by} (a text or number), which cluster_by needs"
            raise InputError(f"{case.place}: {message}")
        return f"{key}={case.metadata[key]}"
