"""From a suite file to a `Suite`: everything that can be wrong is found here, before a cent is spent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path

from evalgate.canonical import digest
from evalgate.documents import Document, read_yaml
from evalgate.errors import InputError
from evalgate.exchange import JsonValue, Request
from evalgate.suite.cases import Case, build_cases, read_cases
from evalgate.suite.models import Assertion, Gate, SuiteFile
from evalgate.suite.prompt import Prompt

_NOT_SCORED = {"cases", "description", "tags", "gate", "budget"}


@dataclass(frozen=True)
class Suite:
    """How one operation is evaluated; `cases` stand in the random order in which they are asked.

    The order is fixed by `gate.seed` and the case ids alone, so it is the same on every machine, and a case keeps its
    place among the others when new ones are added. `units` says how many consecutive cases make one unit of the
    statistics: 1 each, or the size of each cluster.
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
        return digest([content, [[case.id, case.input, case.target, case.metadata] for case in self.cases]])

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
    if isinstance(file.cases, str):
        cases = read_cases(_beside(document.path, file.cases))
    else:
        places = (document.at("cases", index) for index in range(len(file.cases)))
        cases = build_cases(zip(places, file.cases, strict=True), document.at("cases"))
    if not file.prompt:
        raise document.error("empty; there is nothing to ask", "prompt")
    parameters = file.generation.model_dump(mode="json", exclude_none=True)
    clusters = _clusters(cases, file.cluster_by)
    cases = ask_order(cases, file.gate.seed, clusters)
    suite = Suite(file, document, cases, Prompt(file.prompt, document), parameters, _sizes(cases, clusters))
    _refuse_same_question_twice(suite)
    return suite


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


def ask_order(cases: Sequence[Case], seed: int, clusters: Mapping[str, str] | None = None) -> list[Case]:
    """The cases in random order: by SHA-256 of seed and id, which no library version can change.

    With `clusters` (case id → cluster) it is the clusters that are in random order, and their cases stay together.
    """

    def place(name: str) -> bytes:
        return hashlib.sha256(f"{seed}:{name}".encode()).digest()

    together = clusters or {}
    return sorted(cases, key=lambda case: (place(together.get(case.id, case.id)), place(case.id)))


def _clusters(cases: Sequence[Case], cluster_by: str | None) -> dict[str, str]:
    if cluster_by is None:
        return {}
    key = cluster_by.removeprefix("metadata.")
    for case in cases:
        if not isinstance(case.metadata.get(key), str | int | float):
            message = f"case {case.id!r} has no {cluster_by} (a text or number), which cluster_by needs"
            raise InputError(f"{case.place}: {message}")
    return {case.id: f"{key}={case.metadata[key]}" for case in cases}


def _sizes(ordered: Sequence[Case], clusters: Mapping[str, str]) -> list[int]:
    return [len(list(group)) for _, group in groupby(ordered, key=lambda case: clusters.get(case.id, case.id))]


def _refuse_same_question_twice(suite: Suite) -> None:
    """Rendering every prompt also finds undefined variables before the first call is paid."""
    seen: dict[str, Case] = {}
    for case in suite.cases:
        other = seen.setdefault(suite.request(case).hash, case)
        if other is not case:
            message = f"asks exactly what {other.id!r} asks ({other.place}); one answer would count twice"
            raise InputError(f"{case.place}: case {case.id!r} {message}")


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
