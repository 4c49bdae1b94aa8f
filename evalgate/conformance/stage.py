"""What a rule's story is told with: publish, wait, ask, and hold what was seen against what is allowed now.

Whoever is asked although not allowed breaks the rule, at whichever attempt; that a call failed, where the baseline
could have answered it, breaks it too. A variant that is allowed and never asked is caution, which only costs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from evalgate.conformance.calls import Call, Caller, Reply
from evalgate.conformance.documents import Draft, State
from evalgate.conformance.findings import Broken, Cautious, NotShown
from evalgate.conformance.publisher import Publisher
from evalgate.conformance.upstreams import Upstreams
from evalgate.conformance.world import BASELINE, CHEAP, CHEAPEST, FIRST, SECOND

_BETWEEN = 0.02  # seconds between two single calls while something is waited for


@dataclass(frozen=True, slots=True)
class Pace:
    """`within`: seconds in which the router must obey a new document. `settle`: the most to wait for its breakers.

    `calls`: how many are asked for each thing that must not happen.
    """

    within: float = 5.0
    settle: float = 60.0
    calls: int = 20


@dataclass(slots=True)
class Stage:
    """All actors of one rule. `obeyed` collects how long documents took to be obeyed, in seconds."""

    publisher: Publisher
    upstreams: Upstreams
    caller: Caller
    pace: Pace
    restart: str | None = None
    bypass: tuple[str, ...] = ()
    obeyed: list[float] = field(default_factory=list)

    async def green(self, draft: Draft | None = None) -> bytes:
        """The way into every rule: the cheap variant is green on both operations, and the router uses it.

        Raises `NotShown` when it does not: of a router that uses nothing, nothing can be shown.
        """
        self.publisher.open()
        await self._recovers()
        envelope = self.publisher.publish(draft or says())
        if await self.waits(FIRST, CHEAP, self.pace.settle) is None:
            raise NotShown(f"the router did not use a green variant within {self.pace.settle:g} s")
        return envelope

    async def _recovers(self) -> None:
        """After a rule in which the baseline failed: a breaker may still be open, and would be taken for a fault."""
        hurt = BASELINE in self.upstreams.hurt
        self.upstreams.feel()
        if not hurt:
            return
        self.publisher.publish(Draft({}))
        if await self.waits(FIRST, BASELINE, self.pace.settle) is None:
            raise NotShown(f"the router did not use the baseline again within {self.pace.settle:g} s")
        self.upstreams.hurt.clear()

    async def waits(self, operation: str | None, upstream: str, seconds: float) -> float | None:
        """Ask one call after the other until `upstream` serves one; returns after how long, or None.

        Raises `Broken` when a call reaches the variant that is red in every document.
        """
        started = time.monotonic()
        while True:
            reply = await self.caller.ask(Call(operation))
            self.require(CHEAPEST not in reply.asked, f"a call reached {CHEAPEST}, which was never anything but red")
            if reply.served == upstream:
                return reply.at - started
            if time.monotonic() - started >= seconds:
                return None
            await asyncio.sleep(_BETWEEN)

    async def obeys(self, why: str, *, operation: str = FIRST) -> None:
        """A document that withdraws was published: the baseline must serve within the refresh interval, and go on."""
        began = time.monotonic()
        took = await self.waits(operation, BASELINE, self.pace.within)
        if took is None:
            raise Broken(f"{why}, and still not withdrawn after {self.pace.within:g} s")
        while not await self._all_obey(operation):  # a router of several processes obeys when the last of them does
            took = time.monotonic() - began
            if took >= self.pace.within:
                break
        self.obeyed.append(took)
        await self.only((BASELINE,), self.plain(operation), why)

    async def _all_obey(self, operation: str) -> bool:
        """Whether the baseline serves as many calls as a rule asks, some at a time, so that every process has some."""
        replies = await self.caller.ask_all(self.plain(operation))
        self.require(
            not any(CHEAPEST in reply.asked for reply in replies),
            f"a call reached {CHEAPEST}, which was never anything but red",
        )
        return all(set(reply.asked) <= {BASELINE} for reply in replies)

    async def holds(self, seconds: float | None = None) -> None:
        """Give the router the time to take up what it must not."""
        await asyncio.sleep(self.pace.within if seconds is None else seconds)

    def plain(self, operation: str | None = FIRST, **how: object) -> list[Call]:
        """As many calls as a rule asks, every other one streaming."""
        call = replace(Call(operation), **how)  # type: ignore[arg-type]  # the fields of Call, by name
        return [replace(call, stream=bool(number % 2)) for number in range(self.pace.calls)]

    async def only(
        self, allowed: Sequence[str], calls: Iterable[Call], why: str, *, may_fail: bool = False
    ) -> list[Reply]:
        """Ask; raises `Broken` when anybody else was asked, or, unless they `may_fail`, when a call was not served."""
        replies = await self.caller.ask_all(list(calls))
        strangers = [reply for reply in replies if set(reply.asked) - set(allowed)]
        if strangers:
            who = ", ".join(sorted({name for reply in strangers for name in set(reply.asked) - set(allowed)}))
            raise Broken(f"{len(strangers)} of {len(replies)} calls reached {who}: {why}")
        failed = [reply for reply in replies if reply.failed]
        if failed and not may_fail:
            status = failed[0].status or "broken off"
            raise Broken(f"{len(failed)} of {len(replies)} calls failed ({status}) instead of the baseline: {why}")
        return replies

    async def used(self, why: str, calls: Iterable[Call] | None = None, *, upstream: str = CHEAP) -> list[Reply]:
        """Ask; raises `Cautious` when `upstream`, which may be used, serves none of the calls."""
        replies = await self.only((BASELINE, upstream), calls or self.plain(), why)
        if not any(reply.served == upstream for reply in replies):
            raise Cautious(f"{why}, and none of {len(replies)} calls went to it")
        return replies

    def require(self, kept: bool, otherwise: str) -> None:
        """Raises `Broken` unless `kept`."""
        if not kept:
            raise Broken(otherwise)

    async def refuses(self, document: bytes, why: str) -> None:
        """Put up a document that says green where red is the last good word: it must change nothing."""
        self.publisher.put(document)
        await self.holds()
        await self.only((BASELINE,), self.plain(), why)


def says(first: State = "green", second: State = "green", **more: object) -> Draft:
    """A draft: the cheap variant's states on the two operations; the cheapest one is red on both, always."""
    states: dict[str, dict[str, State]] = {
        FIRST: {CHEAP: first, CHEAPEST: "red"},
        SECOND: {CHEAP: second, CHEAPEST: "red"},
    }
    return replace(Draft(states), **more)  # type: ignore[arg-type]  # the fields of Draft, by name


def seconds(count: float) -> timedelta:
    """Short for what the stories need often."""
    return timedelta(seconds=count)
