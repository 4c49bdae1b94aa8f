"""What a run may spend: dollars on new answers, and calls. Known answers cost nothing."""

from __future__ import annotations

from decimal import Decimal

from evalgate.suite import Suite


class BudgetSpentError(Exception):
    """The next call would go beyond the budget; everything that was answered is kept."""


class Budget:
    """Counts calls, and what they cost; `None` is no limit.

    Calls are counted before they are made, so there are never more. Dollars are known only afterwards, so they are
    overshot by no more than the calls that are under way. Where the server did not count tokens they are estimated, and
    an attempt that failed after it was probably paid costs as much as an answer (see `costs`).

    Under a `name`, all processes that share the store and work at the same time spend it together (see `SharedPurse`);
    what is counted here is what this one spends. A part (`part`) counts for itself, and for the whole.
    """

    def __init__(
        self,
        dollars: Decimal | None = None,
        calls: int | None = None,
        name: str = "",
        whole: Budget | None = None,
    ) -> None:
        self.dollars, self.calls, self.name = dollars, calls, name
        self.whole = whole or self
        self.spent, self.made = Decimal(0), 0

    @classmethod
    def of(cls, suite: Suite, work: str = "") -> Budget:
        """What the suite's author allows one run; `work` names what several processes may do at the same time."""
        allowed = suite.file.budget
        dollars = Decimal(str(allowed.usd)) if allowed.usd is not None else None
        return cls(dollars, allowed.calls, f"{work} {suite.operation}" if work else "")

    @property
    def shared(self) -> bool:
        """Whether it is limited, and by what others spend too."""
        return bool(self.name) and (self.dollars is not None or self.calls is not None)

    def part(self) -> Budget:
        """One that spends this one."""
        return Budget(self.dollars, self.calls, self.name, self)

    def call(self) -> None:
        """Count a call that is about to be made; raises `BudgetSpentError` when nothing is left."""
        if self.whole is not self:
            self.whole.call()
        if (self.dollars is not None and self.spent >= self.dollars) or self.made == self.calls:
            raise BudgetSpentError
        self.made += 1

    def add(self, cost: Decimal) -> None:
        """Count an answer that was bought, or an attempt that was paid in vain."""
        if self.whole is not self:
            self.whole.add(cost)
        self.spent += cost

    def __str__(self) -> str:
        limits = [f"{self.dollars.normalize():f} USD"] if self.dollars is not None else []
        return " and ".join([*limits, f"{self.calls:,} calls"] if self.calls is not None else limits)
