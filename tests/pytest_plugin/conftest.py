"""A project with one suite, whose endpoints are a server on loopback that counts what it is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import evalgate.check
import evalgate.cli.progress
import evalgate.cli.publication
import evalgate.cli.stopping
import evalgate.pytest_plugin.collecting  # here, or every run of pytest within this process would import all of it anew
import evalgate.report.terminal
import evalgate.report.traffic
import evalgate.store  # noqa: F401  # all of them
from tests.conftest import Asked, Loopback, Sent, catalog, completion, suite_file, variant

CASES = 60
PRECISION = {"full": "bf16", "good": "fp8", "bad": "int4"}
# an installed evalgate brings its plugin along; a mere folder of it does not
NAMED = () if entry_points(group="pytest11", name="evalgate") else ("-p", "evalgate.pytest_plugin")


def served(name: str) -> dict[str, object]:
    """An entry of the catalogue, which calls name by its id."""
    return variant(name, served_as=name, quantization=PRECISION[name])


@dataclass
class Project:
    """`bad` answers wrongly, everybody else as the baseline does."""

    pytester: pytest.Pytester
    server: Loopback

    @property
    def path(self) -> Path:
        return self.pytester.path

    def suite(self, folder: str = "suites", **changes: object) -> Path:
        (self.path / folder).mkdir(exist_ok=True)
        cases = [{"id": f"c{n:02}", "input": f"number {n}", "target": f"shade {n}"} for n in range(CASES)]
        return suite_file(self.path / folder, **{"cases": cases, "gate": {"margin": 0.2}, **changes})

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest_inprocess(*NAMED, "-p", "no:cacheprovider", *arguments)

    def asked(self) -> Counter[str]:
        """How often each variant was asked."""
        return Counter(str(asked.body["model"]) for asked in self.server.asked)


@pytest.fixture
def project(pytester: pytest.Pytester, server: Loopback) -> Project:
    def behave(asked: Asked) -> Sent:
        number = asked.prompt.rpartition(" ")[2].rstrip(":")
        return completion("mud" if asked.body["model"] == "bad" else f"shade {number}")

    server.behave = behave
    project = Project(pytester, server)
    catalog(project.path, *(served(name) for name in PRECISION), base_url=server.url)
    project.suite()
    return project
