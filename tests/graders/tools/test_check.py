"""Tool calls on their way to a verdict."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from evalgate.catalog import load_catalog
from evalgate.check import check
from evalgate.gate import Verdict
from evalgate.plan import plan
from evalgate.store import open_store
from evalgate.suite import load_suite
from tests.conftest import Asked, Loopback, Sent, suite_file, variant, written
from tests.graders.judge.test_judges import Lines


def calling(arguments: str | None) -> Sent:
    made = [{"id": "c", "type": "function", "function": {"name": "look_up", "arguments": arguments}}]
    message = {
        "role": "assistant",
        "content": None if arguments else "Hello",
        "tool_calls": made if arguments else None,
    }
    choice = {"message": message, "finish_reason": "tool_calls" if arguments else "stop"}
    return Sent(json.dumps({"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}).encode())


def verdict_on(folder: Path, server: Loopback, cheap: str | None, *, own_tools: bool = False) -> Verdict:
    """Of a variant that says `cheap` where the baseline makes the right call; the suite or each case has the tools."""

    def behave(asked: Asked) -> Sent:
        return calling(cheap if asked.body["model"] == "cheap" else '{"word": "lamp"}')

    server.behave = behave
    function = {"name": "look_up", "parameters": {"type": "object", "required": ["word"]}}
    offered = {"tools": [{"type": "function", "function": function}]}
    suite = suite_file(
        folder,
        prompt=[{"role": "user", "content": "{{ input }}"}],
        cases=[
            {"id": f"c{n}", "input": f"q{n}", "target": {"name": "look_up", "arguments": {"word": "lamp"}}}
            | (offered if own_tools else {})
            for n in range(60)
        ],
        generation={} if own_tools else offered,
        assert_=[{"type": "tool_calls"}],
        gate={"margin": 0.3, "baseline_check": False},
        near_duplicates="allow",
    )
    models = [{"id": "toy", "variants": [variant("full"), variant("cheap", served_as="cheap")]}]
    providers = [{"id": "here", "base_url": server.url, "retries": 0}]
    content = {"version": 1, "providers": providers, "models": models}
    catalog = load_catalog(written(folder, "catalog.yaml", content))
    with open_store(str(folder / "e.db")) as store:
        board = asyncio.run(check(plan([load_suite(suite)], catalog), store, {}, progress=Lines()))
    return board.operations[0].verdicts[0]


def triggers(verdict: Verdict) -> list[tuple[float, float]]:
    found = [each for each in verdict.diagnostics if each.metric == "tool_trigger_f1"]
    return [(each.baseline_score, each.variant_score) for each in found]


def test_the_same_calls_are_green(tmp_path: Path, server: Loopback) -> None:
    verdict = verdict_on(tmp_path, server, '{"word":"lamp"}')
    assert (verdict.outcome, triggers(verdict)) == ("green", [(1.0, 1.0)])


def test_wrong_calls_are_red_and_no_silence(tmp_path: Path, server: Loopback) -> None:
    verdict = verdict_on(tmp_path, server, '{"word": "desk"}')
    assert (verdict.outcome, verdict.cause, triggers(verdict)) == ("red", "proven", [(1.0, 1.0)])


def test_who_calls_nothing_has_no_trigger_in_common(tmp_path: Path, server: Loopback) -> None:
    verdict = verdict_on(tmp_path, server, None)
    assert (verdict.outcome, triggers(verdict)) == ("red", [(1.0, 0.0)])


def test_tools_of_the_cases_are_sent_and_judged_as_a_suites_are(tmp_path: Path, server: Loopback) -> None:
    verdict = verdict_on(tmp_path, server, '{"word": "desk"}', own_tools=True)
    assert {asked.body["tools"][0]["function"]["name"] for asked in server.asked} == {"look_up"}
    assert (verdict.outcome, verdict.cause, triggers(verdict)) == ("red", "proven", [(1.0, 1.0)])
