"""What is used: a green variant, for the operation that a call names, in the tier that it asks for."""

from __future__ import annotations

from dataclasses import replace

from evalgate.conformance.calls import Call
from evalgate.conformance.findings import Cautious, NotShown
from evalgate.conformance.rules.rule import Chapter
from evalgate.conformance.stage import Stage, says
from evalgate.conformance.world import BASELINE, CHEAP, FIRST, SECOND

RULES = Chapter()


@RULES.rule("green-is-used", "a green variant takes its operation's calls")
async def _green_is_used(stage: Stage) -> str:
    try:
        await stage.green()
    except NotShown as ended:
        raise Cautious(str(ended)) from None
    replies = await stage.used("the cheap variant is green")
    share = sum(reply.served == CHEAP for reply in replies) / len(replies)
    return f"{share:.0%} of {len(replies)} calls went to the green variant"


@RULES.rule("operation-in-header", "the operation is read from the header x-evalgate-operation")
async def _operation_in_header(stage: Stage) -> str:
    return await _named_in(stage, "header")


@RULES.rule("operation-in-metadata", "the operation is read from metadata.operation_id in the body")
async def _operation_in_metadata(stage: Stage) -> str:
    return await _named_in(stage, "metadata")


async def _named_in(stage: Stage, place: str) -> str:
    await stage.green(says("green", "red"))
    await stage.obeys("red on this operation", operation=SECOND)
    red, green = stage.plain(SECOND, named_in=(place,)), stage.plain(FIRST, named_in=(place,))
    await stage.only((BASELINE,), red, f"the {place} names an operation that is red")
    await stage.used(f"the {place} names an operation that is green", green)
    return "the green operation was served cheaply, the red one by the baseline"


@RULES.rule("per-operation", "green for one operation says nothing of another, however they are mixed")
async def _per_operation(stage: Stage) -> str:
    await stage.green(says("green", "red"))
    await stage.obeys("red on this operation", operation=SECOND)
    mixed = [call for pair in zip(stage.plain(FIRST), stage.plain(SECOND), strict=True) for call in pair]
    replies = await stage.only((BASELINE, CHEAP), mixed, "neither of them is green for anything")
    red = [reply for reply in replies if reply.call.operation == SECOND]
    await stage.only((BASELINE,), [reply.call for reply in red], "red on this operation, green on another")
    crossed = [reply for reply in red if CHEAP in reply.asked]
    stage.require(not crossed, f"{len(crossed)} of {len(red)} calls of the red operation reached {CHEAP}")
    if not any(reply.served == CHEAP for reply in replies):
        raise Cautious("of mixed operations, none was served by its green variant")
    return f"{len(mixed)} calls of both operations, several at a time, went where they may"


@RULES.rule("realtime", "a call of the realtime tier goes to the baseline, whatever is green")
async def _realtime(stage: Stage) -> str:
    await stage.green()
    by_header = stage.plain(headers={"x-evalgate-tier": "realtime"})
    await stage.only((BASELINE,), by_header, "the header asks for the realtime tier")
    by_metadata = stage.plain(metadata={"tier": "realtime"})
    await stage.only((BASELINE,), by_metadata, "the metadata ask for the realtime tier")
    return "asked for by header and in metadata"


@RULES.rule("foreign-tier", "a service_tier that is the provider's own is passed on untouched")
async def _foreign_tier(stage: Stage) -> str:
    await stage.green()
    replies = await stage.used("the tier is standard", stage.plain(extra={"service_tier": "flex"}))
    ledger = stage.upstreams.ledger
    lost = [reply for reply in replies if ledger.bodies[reply.marker].get("service_tier") != "flex"]
    stage.require(not lost, f"{len(lost)} of {len(replies)} calls arrived without their service_tier")
    return "service_tier: flex arrived at the model server"


@RULES.rule("no-operation", "a call that names no operation goes to the baseline")
async def _no_operation(stage: Stage) -> str:
    await stage.green()
    await stage.only((BASELINE,), stage.plain(None), "the call names no operation")
    return f"{stage.pace.calls} calls"


@RULES.rule("unlisted-operation", "an operation that the signal does not know goes to the baseline")
async def _unlisted_operation(stage: Stage) -> str:
    await stage.green()
    odd = ["conformance_unlisted", FIRST.upper(), f"{FIRST} ", "", "*", "a" * 2000]
    calls = [replace(Call(name, named_in=("metadata",)), stream=stream) for name in odd for stream in (False, True)]
    await stage.only((BASELINE,), calls, "no such operation in the signal")
    return f"{len(odd)} names, some of them nearly right"
