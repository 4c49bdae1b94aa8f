"""What the books say of each key: for those who look at them, not for the hot path."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from evalgate.gateway.keys.account import TOTAL, periods
from evalgate.store.keys import VirtualKey, VirtualKeys
from evalgate.store.pages import dollars
from evalgate.store.spending import DAY, Spending

if TYPE_CHECKING:
    from evalgate.store import Store


@dataclass(frozen=True, slots=True)
class Used:
    """Over all processes that have told; USD."""

    requests: int = 0
    tokens: int = 0
    dollars: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Usage:
    """A key with what it used today, this month (UTC) and in all."""

    key: VirtualKey
    today: Used
    month: Used
    total: Used

    @property
    def counted(self) -> Used:
        """What counts against the key's limit of spending."""
        return {"day": self.today, "month": self.month}.get(self.key.period or TOTAL, self.total)


def usages(store: Store, now: float) -> list[Usage]:
    """All keys, by name; `now` in seconds since 1970."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in Spending(store).by_day():
        for period in periods(row.start // DAY):
            sums = found.setdefault((row.name, period), [0, 0, 0])
            for place, more in enumerate((row.requests, row.tokens, row.picodollars)):
                sums[place] += more

    def used(name: str, period: str) -> Used:
        requests, tokens, picodollars = found.get((name, period), (0, 0, 0))
        return Used(requests, tokens, dollars(picodollars))

    day, month, total = periods(int(now // DAY))
    keys = VirtualKeys(store).all()
    return [Usage(key, used(key.name, day), used(key.name, month), used(key.name, total)) for key in keys]
