"""Plays the rules to a router, one after the other, and says of each how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from evalgate.conformance.calls import Call, Caller
from evalgate.conformance.findings import Ended, Finding, Outcome
from evalgate.conformance.publisher import Publisher
from evalgate.conformance.rules import Rule
from evalgate.conformance.stage import Pace, Stage, says
from evalgate.conformance.upstreams import Upstreams
from evalgate.conformance.world import MODEL, World
from evalgate.errors import InfrastructureError


@dataclass(frozen=True, slots=True)
class Settings:
    """How the router is reached. `model`: its name for the model; `bypass`: further names that reach its variants.

    `restart`: a shell command that restarts it, and returns when it is started.
    """

    router: str
    model: str = MODEL
    api_key: str | None = None
    timeout: float = 60.0
    pace: Pace = field(default_factory=Pace)
    restart: str | None = None
    bypass: tuple[str, ...] = ()


async def run(
    world: World, settings: Settings, rules: Sequence[Rule], on_finding: Callable[[Finding], None]
) -> list[Finding]:
    """Play `rules`; each finding is told as it is made. Raises `InfrastructureError` when the router does not answer.

    When this returns, the published signal has no green entry any more.
    """
    findings: list[Finding] = []
    with Publisher(world) as publisher, Upstreams(world) as upstreams:
        caller = Caller(
            settings.router, settings.model, upstreams.ledger, api_key=settings.api_key, timeout=settings.timeout
        )
        async with caller:
            publisher.publish(says())
            await _require_answer(caller)
            pace = settings.pace
            for rule in rules:
                finding = await _play(
                    rule, Stage(publisher, upstreams, caller, pace, settings.restart, settings.bypass)
                )
                findings.append(finding)
                on_finding(finding)
                if finding.rule == "green-is-used" and finding.outcome is not Outcome.KEPT:
                    pace = replace(pace, settle=pace.within)  # it was waited for long enough, once
            publisher.farewell()
            await asyncio.sleep(min(pace.within, 1.0))  # so that the router sees it
    return findings


async def _play(rule: Rule, stage: Stage) -> Finding:
    before = stage.caller.calls
    try:
        detail, outcome = await rule.story(stage), Outcome.KEPT
    except Ended as ended:
        detail, outcome = str(ended), ended.outcome
    return Finding(rule.id, rule.text, outcome, detail, stage.caller.calls - before)


async def _require_answer(caller: Caller) -> None:
    reply = await caller.ask(Call(None))
    if reply.status is None:
        raise InfrastructureError(f"{caller.url}: the router does not answer; start it first, then run this again")
    if reply.served is None or not reply.asked:
        said = f"status {reply.status}" if reply.status != 200 else "an answer that no model server of this test gave"
        advice = "its model servers must be those of the prepared folder, and --model its name for the model"
        raise InfrastructureError(f"{caller.url}: {said}; {advice}")
