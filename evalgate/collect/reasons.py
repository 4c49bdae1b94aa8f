"""Why answers failed, grouped: the same trouble has other numbers and ids in each message."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from evalgate.exchange import Answer, AnswerKind

_VARYING = re.compile(r"\b[0-9a-f]{8,}\b|\d+", re.IGNORECASE)
_SHOWN = 300  # characters of a reason that are looked at and kept
_MOST = 1000  # groups; a server that makes up a reason for every answer gets no more of them


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """So many answers failed in one way; `reason` is that of the first."""

    kind: AnswerKind
    reason: str
    count: int

    @property
    def kept(self) -> bool:
        """Whether they are in the store, so that nobody asks them again unless told to."""
        return self.kind != "failed"


class Reasons:
    """Counts failed answers by their reason."""

    def __init__(self) -> None:
        self._counts = Counter[tuple[AnswerKind, str]]()
        self._first: dict[tuple[AnswerKind, str], str] = {}

    def add(self, answer: Answer) -> None:
        """Count an answer if it failed."""
        if answer.error is None:
            return
        reason = answer.error[:_SHOWN]
        group = (answer.kind, _VARYING.sub("#", reason))
        if group not in self._first:
            if len(self._first) >= _MOST:
                group, reason = (answer.kind, ""), "other reasons"
            self._first.setdefault(group, reason)
        self._counts[group] += 1

    def groups(self) -> list[ReasonGroup]:
        """All groups, the largest first."""
        return [ReasonGroup(key[0], self._first[key], count) for key, count in self._counts.most_common()]
