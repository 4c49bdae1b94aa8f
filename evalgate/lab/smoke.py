"""Is the lab what it was? A few live answers held against the recorded ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from evalgate.catalog import Endpoint
from evalgate.collect import Collector
from evalgate.exchange import Question
from evalgate.store import Store
from evalgate.suite import Suite


async def agreement(
    live: Sequence[Endpoint], recorded: Sequence[Endpoint], suites: Sequence[Suite], store: Store, cases: int
) -> list[float]:
    """Share of live answers whose text is exactly the recorded one, for each pair of endpoints.

    `cases` are taken in turn from the suites. The store must be a new one, or nothing would be asked.
    """
    rounds = zip(*(suite.cases for suite in suites), strict=False)
    pairs = ((suite, case) for one in rounds for suite, case in zip(suites, one, strict=True))
    questions = [Question(case.id, suite.request(case)) for (suite, case), _ in zip(pairs, range(cases), strict=False)]
    async with Collector(store, {}, now=time.time) as collector:

        async def share(one: Endpoint, other: Endpoint) -> float:
            answers, expected = await collector.ask(one, questions), await collector.ask(other, questions)
            same = [a.text == b.text for a, b in zip(answers, expected, strict=True)]
            return sum(same) / len(same)

        return await asyncio.gather(*(share(one, other) for one, other in zip(live, recorded, strict=True)))
