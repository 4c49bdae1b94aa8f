"""How a variant's answers differ in kind: faults in calls of tools, and labels, in `show` and in the report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from evalgate.catalog import load_catalog
from evalgate.check import check
from evalgate.cli.report import command as report
from evalgate.cli.show import command as show
from evalgate.exchange import Answer
from evalgate.graders import bind
from evalgate.graders.tools.calls import Fault
from evalgate.plan import plan
from evalgate.report.kinds import Faulty
from evalgate.store import open_store
from evalgate.suite import load_suite
from tests.conftest import Asked, Loopback, Sent, suite_file, variant, written
from tests.graders.judge.test_judges import Lines, chat
from tests.graders.tools.test_check import calling

TOOL = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"required": ["word"], "properties": {"word": {"type": "string"}}}},
}
CASES = [
    {"id": f"c{n}", "input": f"q{n}", "target": {"name": "look_up", "arguments": {"word": "lamp"}}} for n in range(40)
]
CHAT = [{"role": "user", "content": "{{ input }}"}]
GATE = {"margin": 0.3, "baseline_check": False}


def checked(folder: Path, server: Loopback, cheap: Callable[[int], Sent], full: Sent, **changes: object) -> None:
    """A check of a variant that answers with `cheap` where the baseline says `full`; `cheap` is told the case."""

    def behave(asked: Asked) -> Sent:
        messages = asked.body["messages"]
        assert isinstance(messages, list)
        number = int(str(messages[-1]["content"]).removeprefix("q"))
        return cheap(number) if asked.body["model"] == "cheap" else full

    server.behave = behave
    suite = suite_file(folder, prompt=CHAT, gate=GATE, near_duplicates="allow", **changes)
    models = [{"id": "toy", "variants": [variant("full"), variant("cheap", served_as="cheap")]}]
    providers = [{"id": "here", "base_url": server.url, "retries": 0}]
    catalog = load_catalog(written(folder, "catalog.yaml", {"version": 1, "providers": providers, "models": models}))
    with open_store(str(folder / "e.db")) as store:
        asyncio.run(check(plan([load_suite(suite)], catalog), store, {}, progress=Lines()))


def shown(folder: Path) -> list[str]:
    told = CliRunner().invoke(show, ["name_colour", "cheap", "--store", str(folder / "e.db")], standalone_mode=False)
    assert told.exception is None, told.output
    return [" ".join(line.split()) for line in told.output.splitlines()]


def faulty(number: int) -> Sent:
    return calling(['{"word": "lamp"', '{"word": 7}', '{"word": "desk"}', '{"word": "lamp"}'][number % 4])


def test_faults_of_calls_are_shown_beside_the_baselines(tmp_path: Path, server: Loopback) -> None:
    tools = {"generation": {"tools": [TOOL]}, "assert_": [{"type": "tool_calls"}], "cases": CASES}
    checked(tmp_path, server, faulty, calling('{"word": "lamp"}'), **tools)
    lines = shown(tmp_path)
    at = lines.index("calls of tools: answers with a fault (decides nothing)")
    kinds = {line.split()[0]: line for line in lines[at + 2 : at + 5]}
    assert set(kinds) == {"InvalidJson", "SchemaMismatch", "WrongArguments"}
    assert kinds["InvalidJson"].split()[1:3] == ["0", "of"]
    out = tmp_path / "out"
    arguments = ["-o", str(out), "--store", str(tmp_path / "e.db"), "--catalog", str(tmp_path / "catalog.yaml")]
    told = CliRunner().invoke(report, arguments, standalone_mode=False)
    assert told.exception is None, told.output
    pages = "".join(page.read_text() for page in out.rglob("*.html"))
    assert "calls: InvalidJson" in pages
    assert "calls: MissingCall" not in pages


def test_each_label_is_shown_with_precision_and_recall_of_both_sides(tmp_path: Path, server: Loopback) -> None:
    cases = [{"id": f"c{n}", "input": f"q{n}", "target": "spam"} for n in range(40)]
    label = {"type": "classification", "labels": ["spam", "ham"]}
    checked(
        tmp_path, server, lambda n: chat(["spam", "ham", "neither"][n % 3]), chat("spam"), assert_=[label], cases=cases
    )
    lines = shown(tmp_path)
    at = lines.index("labels of score: precision and recall (decides nothing)")
    spam, ham, none = lines[at + 2 : at + 5]
    assert spam.startswith("spam ")
    assert "1.000 → 1.000" in spam
    assert "1.000 → 0." in spam
    assert ham.startswith("ham 0 – → 0.000 – → –")
    assert none.startswith("no label, or several: 0 → ")


def test_a_suite_without_tools_or_labels_says_nothing_of_either(tmp_path: Path, server: Loopback) -> None:
    cases = [{"id": f"c{n}", "input": f"q{n}", "target": "spam"} for n in range(40)]
    checked(tmp_path, server, lambda n: chat("ham"), chat("spam"), assert_=[{"type": "exact"}], cases=cases)
    assert not [line for line in shown(tmp_path) if "decides nothing" in line]


def test_every_fault_of_an_answer_is_counted_once(tmp_path: Path) -> None:
    schema_only = [{"type": "tool_schema"}]
    suite = load_suite(suite_file(tmp_path, generation={"tools": [TOOL]}, assert_=schema_only, cases=CASES[:3]))
    bad = {"type": "function", "function": {"name": "look_up", "arguments": "{"}}
    unknown = {"type": "function", "function": {"name": "look", "arguments": "{}"}}
    given = {
        "c0": Answer("", "tool_calls", details={"tool_calls": json.loads(json.dumps([bad, bad, unknown]))}),
        "c1": Answer("no call", "stop"),
        "c2": Answer("", "error", error="reset"),
    }
    found = Faulty.of(bind(suite), suite, suite.cases, given)
    expected: dict[Fault, int] = {"InvalidJson": 1, "UnknownName": 1}
    assert (found.answers, found.with_fault) == (2, expected)
