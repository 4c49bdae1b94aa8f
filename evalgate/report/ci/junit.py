"""JUnit XML: an operation is a test suite, a variant a test case.

Written so that it is valid by both schemas in use, that of Ant (`JUnit.xsd`) and that of Jenkins (`junit-10.xsd`):
figures are properties of the suite, named `VARIANT.FIGURE`, since neither allows them in a test case; nobody knows how
long one variant of many took, so every time is 0.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from rich.console import Console

from evalgate.gate import Board, FailOn, OperationBoard, Verdict
from evalgate.report.ci.standing import WIDTH, Case, Route, standing
from evalgate.report.terminal import render_board
from evalgate.report.wording import safe

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(board: Board, fail_on: FailOn, route: Route) -> bytes:
    """The whole file, in UTF-8. A board without operations makes a valid file without suites."""
    root = ET.Element("testsuites")
    cases = standing(board, fail_on)
    for number, each in enumerate(board.operations):
        root.append(_suite(board, each, number, [case for case in cases if case.board is each], route))
    return _written(root)


def broken_junit(named: Mapping[str, Sequence[str]], reason: str, at: float) -> bytes:
    """The file of a check that ended without a board: an error for each variant (`named` by operation)."""
    root = ET.Element("testsuites")
    for number, (operation, variants) in enumerate(named.items()):
        suite, _ = _named_suite(operation, number, at, ["error"] * len(variants))
        for variant in variants:
            case = ET.SubElement(suite, "testcase", name=_text(variant), classname=_text(operation), time="0")
            ET.SubElement(case, "error", message=_clean(safe(reason, 500)), type="infrastructure")
        ET.SubElement(suite, "system-out")
        ET.SubElement(suite, "system-err")
        root.append(suite)
    return _written(root)


def _written(root: ET.Element) -> bytes:
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _named_suite(name: str, number: int, at: float, roles: Sequence[str]) -> tuple[ET.Element, ET.Element]:
    """A suite with its counts, and its properties, which are empty yet."""
    suite = ET.Element(
        "testsuite",
        name=_text(name),
        package="evalgate",
        id=str(number),
        timestamp=f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%dT%H:%M:%S}",
        hostname="localhost",  # the schema wants one; where it ran is nobody's business
        tests=str(len(roles)),
        failures=str(roles.count("failure")),
        errors=str(roles.count("error")),
        skipped=str(roles.count("skipped")),
        time="0",
    )
    return suite, ET.SubElement(suite, "properties")


def _suite(board: Board, each: OperationBoard, number: int, cases: Sequence[Case], route: Route) -> ET.Element:
    suite, properties = _named_suite(each.operation, number, board.at, [case.role for case in cases])
    for name, value in _figures(board, each):
        ET.SubElement(properties, "property", name=_text(name), value=_text(value))
    for case in cases:
        suite.append(_testcase(case, route))
    ET.SubElement(suite, "system-out").text = _clean(_table(board, each))
    ET.SubElement(suite, "system-err")
    return suite


def _testcase(case: Case, route: Route) -> ET.Element:
    verdict = case.verdict
    element = ET.Element("testcase", name=_text(verdict.variant.id), classname=_text(case.board.operation), time="0")
    if case.role == "passed":
        return element
    said = f"{verdict.word}{', as published before' if case.known else ''}: {safe(verdict.reason, 300)}"
    kind = "unreachable" if case.role == "error" else verdict.word
    told = ET.SubElement(element, case.role, message=_clean(said), type=kind)
    told.text = _clean(case.message(route))
    return element


def _figures(board: Board, each: OperationBoard) -> Iterator[tuple[str, object]]:
    yield from (("run", board.run), ("model", each.model), ("baseline", each.baseline.id), ("suite", each.suite))
    yield from (("suite_hash", each.suite_hash), ("claim", each.analysis), ("family", each.family))
    yield from (("margin", each.policy.margin), ("alpha", each.policy.alpha))
    for verdict in each.verdicts:
        for name, value in _figures_of(verdict):
            yield f"{safe(verdict.variant.id)}.{name}", value


def _figures_of(verdict: Verdict) -> Iterator[tuple[str, object]]:
    metric = verdict.worst
    yield from (("verdict", verdict.word), ("cause", verdict.cause), ("cases", verdict.cases))
    yield from (("metric", metric.metric), ("score", metric.variant_score), ("baseline_score", metric.baseline_score))
    yield from (("delta", metric.delta), ("lower", metric.interval[0]), ("upper", metric.interval[1]))
    yield from (("level", metric.level), ("e_value", verdict.e_value), ("e_needed", verdict.e_needed))
    yield from (("broke", metric.broke), ("fixed", metric.fixed), ("failed_calls", verdict.usage.failed))
    yield from (("quantization", verdict.variant.quantization), ("price_basis", verdict.variant.price_basis))
    if verdict.saving is not None:
        yield "saving", verdict.saving


def _table(board: Board, each: OperationBoard) -> str:
    console = Console(file=(file := io.StringIO()), width=WIDTH, color_system=None, force_terminal=False)
    render_board(replace(board, operations=(each,)), console)
    return file.getvalue()


def _text(value: object) -> str:
    """A value in one line; what the schema wants to have a name has one."""
    return _clean(f"{value:.6g}" if isinstance(value, float) else safe(str(value))) or "–"


def _clean(text: str) -> str:
    """Without what XML cannot hold: `safe` has left none of it, and a file that no parser takes would tell nothing."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
