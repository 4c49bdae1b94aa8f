"""When the publisher is gone: the last good document counts, but no longer than its entries."""

from __future__ import annotations

import asyncio
import time

from evalgate.conformance.findings import Broken, NotTried
from evalgate.conformance.rules.rule import Chapter
from evalgate.conformance.stage import Stage, says, seconds
from evalgate.conformance.world import BASELINE, FIRST

RULES = Chapter()
_GRACE = 1.0
_LONGEST_RESTART = 120.0


@RULES.rule("publisher-down", "while the publisher is gone the last good document counts, until its entries expire")
async def _publisher_down(stage: Stage) -> str:
    lasts = max(3.0, 3 * stage.pace.within)
    await stage.green()
    stage.publisher.publish(says(valid_for=seconds(lasts)))
    ends = time.monotonic() + lasts
    await stage.holds()
    stage.publisher.close()
    await stage.holds()
    await stage.used("the publisher is gone, and the last good entry is still valid", stage.plain()[:4])
    await stage.holds(max(0.0, ends + _GRACE - time.monotonic()))
    await stage.only((BASELINE,), stage.plain(), "the publisher is gone, and the last good entry has expired")
    return f"used for {lasts:g} s, then the baseline, with nobody to ask"


@RULES.rule("publisher-back", "a publisher that comes back is obeyed at once")
async def _publisher_back(stage: Stage) -> str:
    await stage.green()
    stage.publisher.close()
    await stage.holds()
    stage.publisher.publish(says("red"))
    stage.publisher.open()
    await stage.obeys("red, by a publisher that was gone for a while")
    return f"obeyed after {stage.obeyed[-1]:.1f} s"


@RULES.rule("publisher-back-with-older", "a publisher that comes back with an older document is not believed")
async def _publisher_back_with_older(stage: Stage) -> str:
    old = await stage.green()
    stage.publisher.publish(says("red"))
    await stage.obeys("the variant is red")
    stage.publisher.close()
    await stage.holds()
    stage.publisher.put(old)
    stage.publisher.open()
    await stage.holds()
    await stage.only((BASELINE,), stage.plain(), "a restored backup of the publisher says green")
    return "refused"


@RULES.rule("router-restarted", "a router that was restarted still refuses what is older than it has seen")
async def _router_restarted(stage: Stage) -> str:
    if stage.restart is None:
        raise NotTried("give the command that restarts the router: --restart")
    old = await stage.green()
    stage.publisher.publish(says("red"))
    await stage.obeys("the variant is red")
    stage.publisher.put(old)
    process = await asyncio.create_subprocess_shell(stage.restart)
    if await process.wait() != 0:
        raise NotTried(f"the command of --restart failed with exit code {process.returncode}")
    started = time.monotonic()
    while (await stage.caller.ask(stage.plain()[0])).failed:
        if time.monotonic() - started > _LONGEST_RESTART:
            raise Broken(f"the router did not answer for {_LONGEST_RESTART:g} s after its restart")
        await asyncio.sleep(0.2)
    await stage.holds()
    await stage.only((BASELINE,), stage.plain(FIRST), "an older document, after a restart, says green")
    return "restarted, and the older document was refused"
