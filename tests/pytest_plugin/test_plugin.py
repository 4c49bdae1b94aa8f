from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from evalgate.store import open_store
from tests.conftest import Asked, Sent, completion, failure
from tests.conftest import catalog as catalog_file
from tests.pytest_plugin.conftest import NAMED, Project, served

pytest_plugins = ("pytester",)

BLOCK = """\
# a suite as people write it
operation: name_shape
model: toy
baseline: full
cases: [{id: a, input: 1, target: x}, {id: b, input: 2, target: y}]
prompt: "{{ input }}"
assert:
  - type: exact
gate: {margin: 0.2}
"""
HOSTILE = "\x1b[2J\u202egreen\x00<script>"


def test_a_variant_is_a_test_that_passes_when_it_is_green_and_fails_with_the_gates_message(project: Project) -> None:
    result = project.run("-v", "suites")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*name_colour::bad FAILED*", "*name_colour::good PASSED*"])
    result.stdout.fnmatch_lines(["worse  name_colour · bad (here, int4)*", "*next: evalgate show name_colour bad*"])
    assert "Traceback" not in result.stdout.str()
    assert "collecting.py" not in result.stdout.str()


def test_workers_of_xdist_share_one_check_and_buy_nothing_twice(project: Project) -> None:
    result = project.pytester.runpytest_subprocess(*NAMED, "-n", "2", "--dist", "load", "suites")
    result.assert_outcomes(passed=1, failed=1)
    bought = {(str(asked.body["model"]), asked.prompt) for asked in project.server.asked}
    assert project.asked()["good"] == len([model for model, _ in bought if model == "good"]) > 0
    assert project.asked()["bad"] == len([model for model, _ in bought if model == "bad"]) > 0
    with open_store(str(project.path / ".evalgate/evalgate.db")) as store:
        assert len(list(store.boards())) == 1


def test_junit_has_the_figures_of_a_verdict(project: Project) -> None:
    project.run("--junitxml=out.xml", "suites")
    root = ElementTree.parse(project.path / "out.xml").getroot()
    figures = {
        case.get("name"): {each.get("name"): each.get("value") for each in case.iter("property")}
        for case in root.iter("testcase")
    }
    assert figures["bad"]["evalgate.verdict"] == "worse"
    assert figures["bad"]["evalgate.score"] == "0"
    assert figures["good"]["evalgate.verdict"] == "green"


@pytest.mark.parametrize(
    ("policy", "option", "outcomes"),
    [
        ("fail", [], {"failed": 1}),
        ("pass", [], {"skipped": 1}),
        ("fail", ["--evalgate-inconclusive=skip"], {"skipped": 1}),
        ("pass", ["--evalgate-inconclusive=fail"], {"failed": 1}),
    ],
)
def test_inconclusive_is_what_the_option_says_or_else_the_suite(
    project: Project, policy: str, option: list[str], outcomes: dict[str, int]
) -> None:
    project.suite(gate={"margin": 0.2, "on_inconclusive": policy}, variants=["good"])
    result = project.run("--evalgate-max-cases=5", *option, "suites")
    result.assert_outcomes(**outcomes)


def test_an_endpoint_that_cannot_be_reached_is_an_error_and_what_it_says_is_made_safe(project: Project) -> None:
    usual = project.server.behave

    def behave(asked: Asked) -> Sent:
        return failure(404, HOSTILE) if asked.body["model"] == "bad" else usual(asked)

    project.server.behave = behave
    result = project.run("--junitxml=out.xml", "suites")
    result.assert_outcomes(passed=1, errors=1)
    assert "green" in result.stdout.str()
    assert not set("\x1b\u202e\x00") & set(result.stdout.str())
    assert len(list(ElementTree.parse(project.path / "out.xml").iter("error"))) == 1


def test_another_name_than_was_asked_is_told_without_its_control_characters(project: Project) -> None:
    project.suite(variants=["good"])
    project.server.behave = lambda asked: completion("shade", model=f"other{HOSTILE}")
    result = project.run("suites")
    assert "other" in result.stdout.str()
    assert not set("\x1b\u202e\x00") & set(result.stdout.str())


def test_a_bare_pytest_collects_no_suite_and_buys_nothing(project: Project) -> None:
    project.pytester.makepyfile("def test_mine(): pass")
    project.run().assert_outcomes(passed=1)
    assert not project.server.asked


def test_testpaths_lead_to_suites(project: Project) -> None:
    project.pytester.makeini("[pytest]\ntestpaths = suites\nevalgate_max_cases = 5\nevalgate_inconclusive = skip")
    project.run().assert_outcomes(skipped=2)


def test_other_yaml_files_are_left_alone(project: Project) -> None:
    (project.path / "suites/other.yaml").write_text("operation: deploy\nsteps: [\n")
    (project.path / "suites/nested.yaml").write_text("steps:\n  operation: deploy\n  assert: [done]\n")
    (project.path / "suites/block.yml").write_text(BLOCK)
    (project.path / "suites/empty.yaml").write_text("")
    (project.path / "suites/bytes.yaml").write_bytes(b"\xff\xfe\x00operation")
    result = project.run("--collect-only", "-q", "suites")
    assert result.ret == 0
    assert [line.partition("/")[2] for line in result.outlines if "::" in line] == [
        "block.yml::name_shape::bad",
        "block.yml::name_shape::good",
        "suite.yaml::name_colour::bad",
        "suite.yaml::name_colour::good",
    ]


@pytest.fixture
def shelves(project: Project) -> Project:
    """With suites that have a folder of their own, and some deeper than that."""
    for folder in ("suites/one", "suites/shelf", "suites/shelf/deep"):
        project.suite(folder, operation=folder.rpartition("/")[2])
    (project.path / "suites/one/other.yaml").write_text(BLOCK)
    return project


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["suites"], {"name_colour", "one", "shelf"}),
        (["suites/shelf"], {"shelf", "deep"}),
        (["suites/shelf/deep", "suites/one/other.yaml"], {"deep", "name_shape"}),
    ],
)
def test_a_folder_stands_for_what_a_check_would_take_of_it(
    shelves: Project, arguments: list[str], expected: set[str]
) -> None:
    result = shelves.run("--collect-only", "-q", *arguments)
    assert {line.split("::")[1] for line in result.outlines if "::" in line} == expected


def test_what_is_not_taken_is_told(shelves: Project) -> None:
    result = shelves.run("--collect-only", "-q", "suites")
    result.stdout.fnmatch_lines_random(["*suites/shelf/deep/suite.yaml: a suite that*", "*suites/one/other.yaml: *"])


def test_of_a_folder_without_suites_those_of_the_folders_in_it_count(project: Project) -> None:
    (project.path / "suites/suite.yaml").rename(project.path / "suites/colour.yaml")
    result = project.run("--collect-only", "-q", ".")
    assert {line.split("::")[0] for line in result.outlines if "::" in line} == {"suites/colour.yaml"}


def test_a_suite_that_extends_another_one_is_a_suite(project: Project) -> None:
    (project.path / "suites/mine.yaml").write_text("extends: suite.yaml\noperation: mine\n")
    result = project.run("--collect-only", "-q", "suites/mine.yaml")
    assert "suites/mine.yaml::mine::good" in result.outlines


def test_only_what_is_selected_is_asked(project: Project) -> None:
    result = project.run("-m", "evalgate", "-k", "good", "suites")
    result.assert_outcomes(passed=1, deselected=1)
    assert project.asked().keys() == {"full", "good"}


def test_a_mistake_in_a_suite_is_found_before_anything_is_asked(project: Project) -> None:
    project.suite(gate={"margn": 0.2})
    result = project.run("suites")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*evalgate: suites/suite.yaml:*gate.margn: *did you mean*margin*"])
    assert not project.server.asked


def test_a_key_that_is_not_set_is_an_error_of_each_test(project: Project) -> None:
    catalog_file(project.path, served("full"), served("good"), base_url=project.server.url, api_key_env="NO_KEY")
    result = project.run("suites")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["evalgate: *NO_KEY*"])


def test_two_suites_of_one_operation_are_refused(project: Project) -> None:
    project.suite("suites/more")
    result = project.run("suites")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*operation 'name_colour' has a suite already: suites/*suite.yaml"])


@pytest.mark.parametrize(
    "option",
    ["--evalgate-max-cases=0", "--evalgate-max-cases=few", "--evalgate-inconclusive=pass", "--evalgate-key=signal.key"],
)
def test_an_option_that_cannot_be_meant_is_a_usage_error(project: Project, option: str) -> None:
    result = project.run(option, "suites")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --evalgate-*"])


def test_the_signal_is_published_as_a_check_publishes_it(project: Project) -> None:
    project.run("--evalgate-publish=out/signal.json", "--evalgate-store=other.db", "suites")
    assert '"good"' in (project.path / "out/signal.json").read_text()
    assert (project.path / "other.db").exists()


def test_the_plugin_imports_nothing_of_the_house_before_there_is_a_suite(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    ours = {name for name in sys.modules if name.split('.')[0] == 'evalgate'}\n"
        "    assert 'evalgate.pytest_plugin' in ours\n"
        "    light = {'', '._version', '.pytest_plugin', '.pytest_plugin.settings'}\n"
        "    assert ours <= {f'evalgate{name}' for name in light}\n"
        "    assert not {'numpy', 'pydantic', 'yaml', 'click', 'rich'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-m", "pytest", *NAMED, "-p", "no:hypothesispytest", "-q", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_the_package_brings_the_plugin_along() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"evalgate": "evalgate.pytest_plugin"}
