"""Traffic for a gateway: the cases of some suites, asked as production would ask them, and what came of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import httpx
import orjson

from evalgate.exchange import Request
from evalgate.suite import Suite

REALTIME = 0.1  # share of calls that say they are in a hurry
STREAMED = 0.3


@dataclass(slots=True)
class Tally:
    """What came of the calls of one operation. Dollars are those that the gateway told."""

    operation: str
    calls: int = 0
    failed: int = 0
    served: Counter[str] = field(default_factory=Counter)
    rescued: int = 0  # calls that another variant took over
    dollars: float = 0.0
    baseline_dollars: float = 0.0
    milliseconds: list[float] = field(default_factory=list)

    @property
    def saved(self) -> float:
        """The share of the baseline's cost that was saved."""
        return 1 - self.dollars / self.baseline_dollars if self.baseline_dollars else 0.0

    @property
    def p50(self) -> float:
        """Milliseconds, as clients saw it."""
        return median(self.milliseconds) if self.milliseconds else float("nan")


async def send(
    url: str,
    suites: Sequence[Suite],
    *,
    seconds: float,
    rate: float,
    on_call: Callable[[int, int], None],
    moments: Sequence[tuple[float, Callable[[], None]]] = (),
    seed: int = 1,
) -> list[Tally]:
    """Send calls for so long, `rate` a second, drawn from all suites alike.

    `on_call` is told how many are done, of how many; `moments` are (seconds from the start, what happens then).
    """
    choice = random.Random(seed)  # noqa: S311  # nothing secret
    asked = {suite.operation: [suite.request(case) for case in suite.cases] for suite in suites}
    models = {suite.operation: suite.file.model for suite in suites}
    tallies = {operation: Tally(operation) for operation in asked}
    total, done = round(seconds * rate), 0
    waiting = sorted(moments, key=lambda moment: moment[0])
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as client:

        async def one(operation: str, request: Request, *, realtime: bool, stream: bool) -> None:
            nonlocal done
            tally = tallies[operation]
            began = time.perf_counter()
            told = await _ask(client, models[operation], operation, request, realtime=realtime, stream=stream)
            tally.calls += 1
            tally.milliseconds.append((time.perf_counter() - began) * 1000)
            if told is None:
                tally.failed += 1
            else:
                tally.served[str(told["variant"])] += 1
                tally.rescued += "because another failed" in str(told.get("reason"))
                if not realtime:
                    tally.dollars += _number(told.get("cost_usd"))
                    tally.baseline_dollars += _number(told.get("baseline_cost_usd"))
            done += 1
            on_call(done, total)

        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for number in range(total):
                now = asyncio.get_running_loop().time() - began
                while waiting and waiting[0][0] <= now:
                    await asyncio.to_thread(waiting.pop(0)[1])
                await asyncio.sleep(max(number / rate - now, 0))
                operation = choice.choice(sorted(asked))
                realtime, stream = choice.random() < REALTIME, choice.random() < STREAMED
                group.create_task(one(operation, choice.choice(asked[operation]), realtime=realtime, stream=stream))
    return list(tallies.values())


async def _ask(
    client: httpx.AsyncClient, model: str, operation: str, request: Request, *, realtime: bool, stream: bool
) -> dict[str, object] | None:
    """What the gateway told of the delivery; None when the call failed."""
    headers = {"x-evalgate-operation": operation, "x-evalgate-tier": "realtime" if realtime else "standard"}
    body: dict[str, object] = {"model": model, **request.parameters}
    if isinstance(request.prompt, str):
        path, body["prompt"] = "/v1/completions", request.prompt
    else:
        path = "/v1/chat/completions"
        body["messages"] = [{"role": message.role, "content": message.content} for message in request.prompt]
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    try:
        response = await client.post(path, content=orjson.dumps(body), headers=headers)
    except httpx.HTTPError:
        return None
    if response.status_code != httpx.codes.OK:
        return None
    if not stream:
        told: dict[str, object] = orjson.loads(response.content)["delivery"]
        return told
    if not response.content.rstrip().endswith(b"[DONE]"):
        return None
    names = {name.removeprefix("x-evalgate-").replace("-", "_"): value for name, value in response.headers.items()}
    return {"variant": names["variant"], "reason": names.get("reason")}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
