"""What a run may spend: dollars on new answers. Known answers cost nothing."""

from __future__ import annotations

from decimal import Decimal


class BudgetSpentError(Exception):
    """The next question would go beyond the budget; everything that was answered is kept."""


class Budget:
    """Counts what new answers cost; `None` is no limit.

    Checked before each question, so it is overshot by no more than the questions that are under way.
    """

    def __init__(self, dollars: Decimal | None = None) -> None:
        self.dollars, self.spent = dollars, Decimal(0)

    def require(self) -> None:
        """Raise `BudgetSpentError` when nothing is left."""
        if self.dollars is not None and self.spent >= self.dollars:
            raise BudgetSpentError

    def add(self, cost: Decimal) -> None:
        """Count an answer that was bought."""
        self.spent += cost
