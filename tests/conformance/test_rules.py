"""The test of the test: a good router passes all rules, and each way of breaking one is found by that rule."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count, starmap
from pathlib import Path

import pytest

from evalgate.conformance import RULES, Finding, Outcome, Pace, Settings, World, run
from evalgate.errors import InfrastructureError
from tests.conformance.conftest import free_ports
from tests.conformance.router import Router

QUICK = Pace(within=0.3, settle=3.0, calls=6)
BROKEN, CAUTIOUS = Outcome.BROKEN, Outcome.CAUTIOUS

FAULTS = [
    ("is cheap", "green-is-used", BROKEN),
    ("is dear", "green-is-used", CAUTIOUS),
    ("reads headers only", "operation-in-metadata", CAUTIOUS),
    ("reads metadata only", "operation-in-header", CAUTIOUS),
    ("mixes operations", "per-operation", BROKEN),
    ("mixes operations", "operation-in-header", BROKEN),
    ("has one tier", "realtime", BROKEN),
    ("swallows the tier", "foreign-tier", BROKEN),
    ("has a default operation", "no-operation", BROKEN),
    ("tidies names up", "unlisted-operation", BROKEN),
    ("obeys nothing new", "red", BROKEN),
    ("uses red", "red", BROKEN),
    ("uses unknown", "unknown", BROKEN),
    ("obeys nothing new", "missing-entry", BROKEN),
    ("obeys nothing new", "empty-signal", BROKEN),
    ("ignores config", "changed-config", BROKEN),
    ("ignores the baseline's config", "changed-baseline", BROKEN),
    ("ignores valid_until", "expired-when-published", BROKEN),
    ("ignores valid_until", "expires", BROKEN),
    ("ignores valid_until", "clock-behind", BROKEN),
    ("obeys nothing new", "comes-back", BROKEN),
    ("checks no signature", "tampered", BROKEN),
    ("counts what it refuses", "tampered", BROKEN),
    ("checks no signature", "unknown-key", BROKEN),
    ("believes key ids", "borrowed-key-id", BROKEN),
    ("believes unsigned documents", "unsigned", BROKEN),
    ("ignores the type", "other-purpose", BROKEN),
    ("ignores the schema", "other-schema", BROKEN),
    ("believes older documents", "rolled-back", BROKEN),
    ("ignores prev", "broken-chain", BROKEN),
    ("ignores the stream", "other-stream", BROKEN),
    ("takes a seq twice", "one-number-one-document", BROKEN),
    ("drops what it had", "unreadable", CAUTIOUS),
    ("orders by time", "clock-ahead", BROKEN),
    ("drops late documents", "heartbeat-missed", CAUTIOUS),
    ("knows one key only", "key-rotation", BROKEN),
    ("drops what it had", "publisher-down", CAUTIOUS),
    ("ignores valid_until", "publisher-down", BROKEN),
    ("obeys nothing new", "publisher-back", BROKEN),
    ("believes older documents", "publisher-back-with-older", BROKEN),
    ("takes green or all", "green-errors", BROKEN),
    ("takes green or all", "green-busy", BROKEN),
    ("takes green or all", "green-hangs-up", BROKEN),
    ("resumes anywhere", "stream-cut", BROKEN),
    ("lets red stand in", "baseline-fails", BROKEN),
    ("hides errors", "baseline-fails", BROKEN),
    ("lets red stand in", "all-fail", BROKEN),
    ("believes its callers", "caller-asks-around", BROKEN),
]


def play(world: World, *faults: str, rules: Sequence[str] = ()) -> dict[str, Finding]:
    return asyncio.run(played(world, *faults, rules=rules))


async def played(world: World, *faults: str, rules: Sequence[str]) -> dict[str, Finding]:
    chosen = [rule for rule in RULES if rule.id in rules or not rules]
    with Router(world, *faults) as router:
        found = await run(world, Settings(router.url, pace=QUICK), chosen, lambda finding: None)
    return {finding.rule: finding for finding in found}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Finding]:
    """What each fault's rule finds, and all rules of a good router: side by side, for most of it is waiting."""
    good = [("", rule.id) for rule in RULES]
    plays = [(fault, [rule]) for fault, rule, _ in FAULTS] + [("", [rule for _, rule in good[n::6]]) for n in range(6)]
    turn = asyncio.Semaphore(6)
    ports = count(free_ports(4 * len(plays)), 4)

    async def one(fault: str, rules: list[str]) -> dict[tuple[str, str], Finding]:
        world = World.prepare(tmp_path_factory.mktemp("world") / "world", next(ports))
        async with turn:
            found = await played(world, *filter(None, [fault]), rules=rules)
        return {(fault, rule): finding for rule, finding in found.items()}

    async def everything() -> dict[tuple[str, str], Finding]:
        return {key: found for each in await asyncio.gather(*starmap(one, plays)) for key, found in each.items()}

    return asyncio.run(everything())


Findings = dict[tuple[str, str], Finding]


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if rule.id != "router-restarted"])
def test_a_router_that_keeps_the_contract_keeps_each_rule(findings: Findings, rule: str) -> None:
    assert findings["", rule].outcome is Outcome.KEPT, findings["", rule].detail


def test_what_needs_an_option_is_not_tried_without_it(findings: Findings) -> None:
    assert findings["", "router-restarted"].outcome is Outcome.NOT_TRIED


@pytest.mark.parametrize(("fault", "rule", "outcome"), FAULTS, ids=[f"{rule}: {fault}" for fault, rule, _ in FAULTS])
def test_a_fault_is_found_by_its_rule(findings: Findings, fault: str, rule: str, outcome: Outcome) -> None:
    finding = findings[fault, rule]
    assert finding.outcome is outcome, finding.detail


def test_every_rule_is_broken_by_some_fault() -> None:
    assert {rule.id for rule in RULES} - {rule for _, rule, _ in FAULTS} == {"router-restarted"}


def test_a_router_that_uses_nothing_shows_nothing(world: World) -> None:
    found = play(world, "is dear", rules=["red"])
    assert found["red"].outcome is Outcome.NOT_SHOWN


def test_when_the_test_ends_nothing_is_green_any_more(world: World) -> None:
    with Router(world) as router:
        chosen = [rule for rule in RULES if rule.id == "green-is-used"]
        asyncio.run(run(world, Settings(router.url, pace=QUICK), chosen, lambda finding: None))
        assert router.signal.document is not None
        assert router.signal.document["entries"] == []


def test_a_router_that_is_not_there_is_no_finding(world: World) -> None:
    with pytest.raises(InfrastructureError, match="does not answer; start it first"):
        asyncio.run(run(world, Settings(f"http://127.0.0.1:{free_ports(1)}", pace=QUICK), RULES, lambda finding: None))


def test_a_server_with_other_model_servers_behind_it_is_no_router_under_test(world: World, tmp_path: Path) -> None:
    other = World.prepare(tmp_path / "other", free_ports(8) + 4)
    with Router(other) as router, pytest.raises(InfrastructureError, match="status 502; its model servers must be"):
        asyncio.run(run(world, Settings(router.url, pace=QUICK), RULES, lambda finding: None))
