"""A small house of its own: one suite, four recorded endpoints whose true quality is known, and the command to run."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from evalgate.exchange import Answer
from evalgate.providers.recording import answer_row, write_recording
from evalgate.suite import load_suite
from tests.warm import evalgate

SUITE = """\
operation: name_colour
model: toy
baseline: full
cases: cases.jsonl
prompt: "Colour {{ input }}:"
generation: {temperature: 0}
assert:
  - type: exact
gate: {margin: 0.05}
"""

CATALOG = """\
version: 1
providers:
  - {id: tape, protocol: replay, concurrency: 16}
models:
  - id: toy
    variants:
"""

CASES = 300
# variant: (every how many cases it gives the wrong answer, price, output tokens, finish reason)
VARIANTS = {"full": (0, 1.0), "same": (0, 0.5), "worse": (3, 0.1), "middling": (12, 0.2)}


@dataclass
class House:
    """A folder with suites/, catalog.yaml and recordings, and a way to run the command in it."""

    path: Path

    @property
    def suite(self) -> Path:
        return self.path / "suites" / "name_colour.yaml"

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        plain = {"COLUMNS": "120", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("COLUMNS", "FORCE_"))}
        return evalgate(*arguments, cwd=self.path, env=inherited | plain | environment)

    def edit(self, old: str, new: str) -> None:
        text = self.suite.read_text()
        assert old in text
        self.suite.write_text(text.replace(old, new))

    def record(self) -> None:
        suite = load_suite(self.suite)
        for name, (wrong_every, _) in VARIANTS.items():
            rows = []
            for number, case in enumerate(sorted(suite.cases, key=lambda each: each.id)):
                wrong = wrong_every and number % wrong_every == 0
                answer = Answer("<b>mud</b>" if wrong else str(case.target), "stop", 10, 2, 5.0)
                request = suite.request(case).hash
                repeats = range(2 if name == "full" else 1)  # the baseline is also held against itself
                asked = {"case": case.id, "request": request}
                rows += [asked | {"repeat": repeat} | answer_row(answer) for repeat in repeats]
            write_recording(self.path / f"{name}.jsonl.gz", {"variant": name}, rows)


def build(path: Path) -> House:
    """Make the house in an empty folder."""
    (path / "suites").mkdir()
    lines = (f'{{"id": "c{n:03}", "input": "number {n}", "target": "shade {n}"}}' for n in range(CASES))
    (path / "suites" / "cases.jsonl").write_text("\n".join(lines))
    house = House(path)
    house.suite.write_text(SUITE)
    entries = (
        f"      - {{id: {name}, provider: tape, quantization: {name}, recording: {name}.jsonl.gz, "
        f"price: {{input: {price}, output: {2 * price}}}}}\n"
        for name, (_, price) in VARIANTS.items()
    )
    (path / "catalog.yaml").write_text(CATALOG + "".join(entries))
    house.record()
    return house


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The house that all others are copies of."""
    return build(tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(built: House, tmp_path: Path) -> House:
    return House(shutil.copytree(built.path, tmp_path, dirs_exist_ok=True))
