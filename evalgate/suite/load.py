"""From a suite file to a `Suite`: everything that can be wrong is found here, before a cent is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from evalgate.errors import InputError
from evalgate.exchange import JsonValue, Request
from evalgate.formats.canonical import digest_list
from evalgate.formats.documents import Document, read_yaml
from evalgate.suite.case_file import CaseFile, read_cases
from evalgate.suite.cases import Case, build_cases
from evalgate.suite.models import Assertion, Gate, SuiteFile
from evalgate.suite.prompt import Prompt
from evalgate.suite.survey import Survey

_NOT_SCORED = {"cases", "description", "tags", "gate", "budget", "answer_ttl", "baseline_ttl"}


@dataclass(frozen=True)
class Suite:
    """How one operation is evaluated; `cases` stand in the random order in which they are asked.

    The order is fixed by `gate.seed` and the case ids alone, so it is the same on every machine, and a case keeps its
    place among the others when new ones are added. `units` says how many consecutive cases make one unit of the
    statistics: 1 each, or the size of each cluster. Cases of a file stay in the file until they are asked for, so
    whatever reads one raises `InputError` when the file has changed in between.
    """

    file: SuiteFile
    document: Document
    cases: Sequence[Case]
    prompt: Prompt
    parameters: dict[str, JsonValue] = field(default_factory=dict)
    units: Sequence[int] = ()

    @property
    def operation(self) -> str:
        """Name of the operation."""
        return self.file.operation

    @property
    def gate(self) -> Gate:
        """What has to be proven."""
        return self.file.gate

    @property
    def assertions(self) -> list[Assertion]:
        """The graders and what they are held against."""
        return self.file.assertions

    @property
    def path(self) -> Path:
        """The suite's file."""
        return self.document.path

    @cached_property
    def hash(self) -> str:
        """Changes with anything that could change a score: prompt, parameters, graders, cases."""
        content = self.file.model_dump(mode="json", by_alias=True, exclude=_NOT_SCORED)
        content["assert"] = [assertion.identity for assertion in self.assertions]
        return digest_list(content, ([case.id, case.input, case.target, case.metadata] for case in self.cases))

    def request(self, case: Case) -> Request:
        """What is asked for `case`, of baseline and variants alike."""
        return self.prompt.request(case, self.parameters)

    def error(self, message: str, *location: int | str) -> InputError:
        """An `InputError` that names the place in the suite's file."""
        return self.document.error(message, *location)


def load_suite(path: Path | str) -> Suite:
    """Load and check one suite file; raises `InputError` with file, line and what to do."""
    document = read_yaml(Path(path))
    file = document.validate(SuiteFile)
    if not file.prompt:
        raise document.error("empty; there is nothing to ask", "prompt")
    prompt, parameters = Prompt(file.prompt, document), file.generation.model_dump(mode="json", exclude_none=True)
    survey = Survey(file.gate.seed, file.cluster_by, prompt)
    cases = _cases(file, document, survey)
    survey.refuse_same_question_twice(cases)
    positions, units = survey.order.positions(), survey.order.units()
    asked = cases.in_order(positions) if isinstance(cases, CaseFile) else [cases[position] for position in positions]
    return Suite(file, document, asked, prompt, parameters, units)


def load_suites(paths: Sequence[Path]) -> list[Suite]:
    """Load several suites; a folder stands for the `*.yaml` in it. Refuses two suites for one operation."""
    suites: dict[str, Suite] = {}
    for path in _files(paths):
        suite = load_suite(path)
        if other := suites.get(suite.operation):
            message = f"operation {suite.operation!r} has a suite already: {other.path}"
            raise suite.error(message, "operation")
        suites[suite.operation] = suite
    return list(suites.values())


def _cases(file: SuiteFile, document: Document, survey: Survey) -> list[Case] | CaseFile:
    """The cases in the order of the file, each of them shown to `survey`."""
    if isinstance(file.cases, str):
        return read_cases(_beside(document.path, file.cases), survey.look)
    places = (document.at("cases", index) for index in range(len(file.cases)))
    cases = build_cases(zip(places, file.cases, strict=True), document.at("cases"))
    for case in cases:
        survey.look(case)
    return cases


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not found:
            raise InputError(f"{path}: no suites (*.yaml) in this folder")
        files.extend(found)
    return list(dict.fromkeys(files))


def _beside(suite_path: Path, name: str) -> Path:
    return suite_path.parent / name
