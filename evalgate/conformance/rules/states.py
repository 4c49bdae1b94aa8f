"""What is not used, and from when on: every state of an entry but a valid green for what the router really has."""

from __future__ import annotations

import time
from datetime import timedelta

from evalgate.conformance.documents import Draft
from evalgate.conformance.rules.rule import Chapter
from evalgate.conformance.stage import Stage, says, seconds
from evalgate.conformance.world import BASELINE, CHEAP, FIRST, SECOND

RULES = Chapter()
_OTHER = "sha256:" + "f" * 64
_GRACE = 1.0  # seconds that a clock may be read late


async def _withdrawn(stage: Stage, draft: Draft, why: str) -> str:
    await stage.green()
    stage.publisher.publish(draft)
    await stage.obeys(why)
    return f"obeyed after {stage.obeyed[-1]:.1f} s, then by all {stage.pace.calls} calls"


@RULES.rule("red", "a red variant gets no call")
async def _red(stage: Stage) -> str:
    return await _withdrawn(stage, says("red"), "the variant is red")


@RULES.rule("unknown", "a variant whose state is unknown gets no call")
async def _unknown(stage: Stage) -> str:
    return await _withdrawn(stage, says("unknown"), "nothing is proven of the variant")


@RULES.rule("missing-entry", "a variant without an entry gets no call")
async def _missing_entry(stage: Stage) -> str:
    return await _withdrawn(stage, Draft({SECOND: {CHEAP: "green"}}), "the variant has no entry on this operation")


@RULES.rule("empty-signal", "a signal without any entry sends everything to the baseline")
async def _empty_signal(stage: Stage) -> str:
    return await _withdrawn(stage, Draft({}), "the signal is empty")


@RULES.rule("changed-config", "a green for another configuration of the variant is none")
async def _changed_config(stage: Stage) -> str:
    return await _withdrawn(stage, says(variant_config=_OTHER), "another configuration was judged")


@RULES.rule("changed-baseline", "a green against another configuration of the baseline is none")
async def _changed_baseline(stage: Stage) -> str:
    return await _withdrawn(stage, says(baseline_config=_OTHER), "it was held against another baseline")


@RULES.rule("expired-when-published", "an entry whose valid_until is past when it is published is not used")
async def _expired_when_published(stage: Stage) -> str:
    return await _withdrawn(stage, says(valid_for=-timedelta(hours=1)), "the entry had expired when it was published")


@RULES.rule("expires", "an entry stops being used when its valid_until passes, without any new document")
async def _expires(stage: Stage) -> str:
    lasts = max(2.0, 2 * stage.pace.within)
    await stage.green()
    stage.publisher.publish(says(valid_for=seconds(lasts)))
    ends = time.monotonic() + lasts
    await stage.holds(stage.pace.within)
    await stage.used("green, and not expired yet", stage.plain()[:4])
    await stage.holds(max(0.0, ends + _GRACE - time.monotonic()))
    await stage.only((BASELINE,), stage.plain(), "the entry's valid_until is past")
    return f"used for {lasts:g} s, and not after that"


@RULES.rule("comes-back", "a variant that turns green again is used again")
async def _comes_back(stage: Stage) -> str:
    await stage.green()
    stage.publisher.publish(says("red"))
    await stage.obeys("the variant is red", operation=FIRST)
    stage.publisher.publish(says())
    await stage.waits(FIRST, CHEAP, stage.pace.settle)
    await stage.used("green again")
    return "red, then green"
