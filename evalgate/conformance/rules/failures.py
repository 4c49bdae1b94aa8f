"""When model servers fail: whoever stands in may be the baseline or another green one, and never anybody else."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.conformance.calls import Reply
from evalgate.conformance.findings import Broken
from evalgate.conformance.rules.rule import Chapter
from evalgate.conformance.stage import Stage, says
from evalgate.conformance.upstreams import Mood
from evalgate.conformance.world import BASELINE, CHEAP, MODEL

RULES = Chapter()
_MAY = (BASELINE, CHEAP)


async def _stands_in(stage: Stage, mood: Mood, what: str) -> str:
    """The only green one fails, and the red one would be well."""
    await stage.green()
    stage.upstreams.feel(cheap=mood)
    replies = [
        *await stage.only(_MAY, stage.plain(), f"the only green variant {what}, and it is red"),
        *await stage.only(
            _MAY, stage.plain(), f"the only green variant has failed for a while ({what}), and it is red"
        ),
    ]
    return f"all {len(replies)} calls were served by the baseline"


@RULES.rule("green-errors", "when the only green variant answers with errors, the baseline serves, never a red one")
async def _green_errors(stage: Stage) -> str:
    return await _stands_in(stage, "error", "answers 500")


@RULES.rule("green-busy", "when the only green variant is at its rate limit, the baseline serves, never a red one")
async def _green_busy(stage: Stage) -> str:
    return await _stands_in(stage, "busy", "answers 429")


@RULES.rule("green-hangs-up", "when the only green variant breaks off, the baseline serves, never a red one")
async def _green_hangs_up(stage: Stage) -> str:
    return await _stands_in(stage, "hangs up", "hangs up")


@RULES.rule("stream-cut", "when a green variant's stream breaks in the middle, no red one goes on with it")
async def _stream_cut(stage: Stage) -> str:
    await stage.green()
    stage.upstreams.feel(cheap="cuts")
    calls = [call for call in stage.plain() if call.stream]
    replies = await stage.only(_MAY, calls, "the green variant's stream was cut off", may_fail=True)
    whole = sum(not reply.failed for reply in replies)
    return f"{whole} of {len(replies)} streams came whole from the baseline, the others ended in an error"


@RULES.rule("baseline-fails", "when the baseline fails and nothing is green, the error is passed on")
async def _baseline_fails(stage: Stage) -> str:
    await stage.green()
    stage.publisher.publish(says("red", "red"))
    await stage.obeys("the variant is red")
    stage.upstreams.feel(baseline="error")
    replies = await stage.only((BASELINE,), stage.plain(), "the baseline fails, and it is red", may_fail=True)
    return _errors(replies)


@RULES.rule("all-fail", "when the green variant and the baseline fail, the error is passed on, and no red one is asked")
async def _all_fail(stage: Stage) -> str:
    await stage.green()
    stage.upstreams.feel(baseline="error", cheap="error")
    replies = await stage.only(_MAY, stage.plain(), "all who may be asked fail, and it is red", may_fail=True)
    return _errors(replies)


def _errors(replies: Sequence[Reply]) -> str:
    """Every call must have ended as an error that its caller sees."""
    served = [reply for reply in replies if not reply.failed]
    if served:
        raise Broken(f"{len(served)} of {len(replies)} calls were answered, though nobody could answer them")
    plain = [reply.status for reply in replies if not reply.call.stream]
    hidden = [status for status in plain if status is not None and status < 400]
    if hidden:
        raise Broken(f"{len(hidden)} of {len(plain)} failures came with status {hidden[0]}")
    seen = ", ".join(sorted({str(status) for status in plain if status is not None})) or "none"
    return f"all {len(replies)} calls failed as errors (status {seen})"


@RULES.rule("caller-asks-around", "fallbacks that a caller writes into the body reach no variant that is not eligible")
async def _caller_asks_around(stage: Stage) -> str:
    await stage.green()
    stage.publisher.publish(says("red", "red"))
    await stage.obeys("the variant is red")
    stage.upstreams.feel(baseline="error")
    names = [MODEL, stage.caller.model, *stage.bypass]
    ways: list[dict[str, object]] = [
        {"fallbacks": names},
        {"fallbacks": [{"model": name} for name in names]},
        {"fallbacks": [{stage.caller.model: names}]},
        {"models": names, "route": "fallback"},
        {"provider": {"order": ["cheap", "cheapest"], "allow_fallbacks": True}},
        {"context_window_fallbacks": [{stage.caller.model: names}], "num_retries": 3},
    ]
    ways += [{"model": name} for name in stage.bypass]
    for extra in ways:
        calls = stage.plain(extra=extra)[:2]
        await stage.only((BASELINE,), calls, f"the caller asked around with {', '.join(extra)}", may_fail=True)
    return f"{len(ways)} ways, while the baseline fails and everything else is red"
