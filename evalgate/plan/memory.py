"""What the store remembers of earlier certifications, as planning needs it."""

from __future__ import annotations

from evalgate.gate import Attempt, History
from evalgate.store import Attempts, Store


class StoreMemory:
    """See `plan.Memory`."""

    def __init__(self, store: Store) -> None:
        self._attempts = Attempts(store)

    def history(self, operation: str, baseline: str) -> History:
        """See `Memory`."""
        return History([Attempt.from_json(each) for each in self._attempts.of(operation, baseline)])

    def order(self, operation: str, seed: int) -> bytes:
        """See `Memory`."""
        return self._attempts.order(operation, seed)
