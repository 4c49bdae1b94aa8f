"""A check as continuous integration runs it: what it writes, what fails it, and which suites it looks at."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evalgate.signal import read_file
from tests.e2e.conftest import VARIANTS, House, build

QUIET = ("check", "-q")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house whose answers are in the store, so that a check of it asks nothing."""
    (folder := tmp_path_factory.mktemp("judged") / "house").mkdir()
    house = build(folder)
    assert house.run(*QUIET, "--publish", "signal.json").returncode == 1
    return house.path


@pytest.fixture
def house(judged: Path, tmp_path: Path) -> House:
    """A copy of it."""
    shutil.copytree(judged, tmp_path / "house")
    return House(tmp_path / "house")


def words(house: House) -> dict[str, str]:
    board = json.loads((house.path / "board.json").read_text())
    return {each["variant"]["id"]: each["outcome"] for each in board["operations"][0]["verdicts"]}


def test_all_files_are_written_and_agree(house: House) -> None:
    files = ("--junit", "out/j.xml", "--summary", "s.md", "--comment", "c.md", "--json", "board.json")
    done = house.run(*QUIET, *files)

    failed = {str(case.get("name")) for case in ET.parse(house.path / "out" / "j.xml").iter("testcase") if len(case)}
    assert done.returncode == 1, done.stderr
    assert failed == {name for name, outcome in words(house).items() if outcome != "green"}
    assert (house.path / "s.md").read_text().startswith("### evalgate: failed")
    assert (house.path / "c.md").read_text().startswith("<!-- evalgate -->\n### evalgate: failed")
    assert "<b>mud" not in (house.path / "s.md").read_text()


def test_github_gets_a_summary_and_annotations_and_obeys_nothing_else(house: House) -> None:
    step = house.path / "step.md"
    step.write_text("what another command of this step said\n")
    done = house.run(*QUIET, "--github", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(step))

    lines = done.stdout.splitlines()
    stopped = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[0])
    assert stopped is not None
    heeded = lines[lines.index(f"::{stopped[1]}::") + 1 :]
    assert heeded
    assert all(line.startswith(("::error ", "::warning ")) for line in heeded)
    assert step.read_text().startswith("what another command of this step said\n### evalgate: failed")


def test_elsewhere_the_same_command_tells_github_nothing(house: House) -> None:
    step = house.path / "step.md"
    done = house.run(*QUIET, "--github", GITHUB_ACTIONS="", GITHUB_STEP_SUMMARY=str(step))
    assert "::" not in done.stdout
    assert not step.exists()


@pytest.mark.parametrize(
    ("given", "code"),
    [(("inconclusive",), 3), (("never",), 0), ((" worse ,inconclusive",), 1), (("red", "worse"), 1)],
)
def test_what_is_named_fails(house: House, given: tuple[str, ...], code: int) -> None:
    house.edit("gate: {margin: 0.05}", "gate: {margin: 0.05, baseline_check: false, max_cases: 40}")
    named = [f"--fail-on={each}" for each in given]
    found = house.run(*QUIET, *named, "--json", "board.json", "--store", "new.db")
    assert set(words(house).values()) == {"inconclusive", "red"}
    assert found.returncode == code, found.stderr


def test_against_what_was_published_only_what_is_new_fails(house: House) -> None:
    published = house.path / "signal.json"
    known = house.run(*QUIET, "--baseline-run", "signal.json", "--junit", "j.xml")
    assert known.returncode == 0, known.stderr
    told = [case.find("skipped") for case in ET.parse(house.path / "j.xml").iter("testcase") if len(case)]
    assert all(
        str(each.get("message")).startswith(("worse, as", "red, as", "inconcl")) for each in told if each is not None
    )

    document = read_file(published, None)
    greens = [
        entry.model_copy(update={"verdict": "green", "state": "green"}) if entry.variant.id == "worse" else entry
        for entry in document.entries
    ]
    published.write_bytes(document.model_copy(update={"entries": tuple(greens)}).encode())
    new = house.run(*QUIET, "--baseline-run", "signal.json", "--junit", "j.xml")
    assert new.returncode == 1
    assert [
        case.get("name") for case in ET.parse(house.path / "j.xml").iter("testcase") if case.find("failure") is not None
    ] == ["worse"]


def test_where_nothing_is_published_everything_is_new(house: House) -> None:
    done = house.run(*QUIET, "--baseline-run", "elsewhere.json")
    assert done.returncode == 1
    assert "elsewhere.json: nothing is published there, so everything is new" in done.stderr


def test_a_published_signal_that_is_signed_is_believed_only_with_its_key(house: House) -> None:
    house.run("signal", "keygen")
    house.run("signal", "keygen", "other.key")
    house.run(*QUIET, "--publish", "signed.json", "--key", "signal.key", "--stream", "a/b")
    signed = (*QUIET, "--stream", "a/b", "--baseline-run", "signed.json")

    assert house.run(*signed, "--trust", "signal.pub").returncode == 0
    refused = house.run(*signed)
    assert refused.returncode == 2
    assert "--trust" in refused.stderr
    assert house.run(*signed, "--trust", "other.pub").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--fail-on", "rde"), "did you mean 'red'?"),
        (("--fail-on", "never,red"), "never stands alone"),
        (("--fail-on", ""), "expected one of"),
        (("--base", "main"), "--changed-only"),
        (("--junit", "suites"), "is a folder"),
        (("--github", "--json", "-"), "stdout"),
        (("--changed-only",), "in no git repository"),
        (("--baseline-run", "ftp://somewhere"), "ftp://"),
        (("--baseline-run", "catalog.yaml"), "catalog.yaml: not JSON"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_asked(
    house: House, arguments: tuple[str, ...], told: str
) -> None:
    (house.path / ".evalgate" / "evalgate.db").unlink()
    done = house.run(*QUIET, *arguments, GIT_CEILING_DIRECTORIES=str(house.path.parent))
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (house.path / ".evalgate" / "evalgate.db").exists()


def test_a_check_that_reaches_nobody_says_so_in_its_files(house: House) -> None:
    catalog = house.path / "catalog.yaml"
    text = catalog.read_text().replace("protocol: replay, ", 'base_url: "http://127.0.0.1:9/v1", retries: 0, ')
    catalog.write_text(re.sub(r" recording: [^,]*,", "", text))
    done = house.run(*QUIET, "--junit", "j.xml", "--comment", "c.md", "--store", "new.db")
    assert done.returncode == 4
    errors = [
        case.get("name") for case in ET.parse(house.path / "j.xml").iter("testcase") if case.find("error") is not None
    ]
    assert errors == [name for name in VARIANTS if name != "full"]
    assert (house.path / "c.md").read_text().startswith("<!-- evalgate -->\n### evalgate: nobody was judged")


def git(house: House, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *arguments], cwd=house.path, check=True, capture_output=True)


@pytest.fixture
def branch(house: House) -> House:
    """A branch off main, with a second suite of the same cases."""
    (house.path / ".gitignore").write_text(".evalgate/\n")
    other = house.path / "suites" / "other.yaml"
    other.write_text(house.suite.read_text().replace("operation: name_colour", "operation: other"))
    (house.path / "suites" / "other.txt").write_text("nobody names this")
    git(house, "init", "-b", "main")
    git(house, "add", ".")
    git(house, "commit", "-m", "begin")
    git(house, "checkout", "-b", "topic")
    return house


def judged_suites(house: House, *arguments: str, **environment: str) -> set[str]:
    unset = {"GITHUB_BASE_REF": "", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "", "CHANGE_TARGET": ""}
    changed = ("--changed-only", "--json", "board.json", "--junit", "j.xml", "--fail-on", "never")
    done = house.run(*QUIET, *changed, *arguments, **(unset | environment))
    assert done.returncode == 0, done.stderr
    assert ET.parse(house.path / "j.xml").getroot().tag == "testsuites"
    return {each["operation"] for each in json.loads((house.path / "board.json").read_text())["operations"]}


def test_only_what_the_branch_touches_is_judged(branch: House) -> None:
    assert judged_suites(branch) == set()

    branch.edit("gate: {margin: 0.05}", "gate: {margin: 0.06}")
    assert judged_suites(branch) == {"name_colour"}  # not committed
    git(branch, "commit", "-am", "margin")
    assert judged_suites(branch) == {"name_colour"}
    assert judged_suites(branch, "--base", "HEAD") == set()

    catalog = branch.path / "catalog.yaml"
    catalog.write_text(catalog.read_text().replace("concurrency: 16", "concurrency: 8"))
    assert judged_suites(branch) == {"name_colour", "other"}


def test_a_suite_that_git_does_not_know_yet_is_touched(branch: House) -> None:
    new = branch.path / "suites" / "new.yaml"
    new.write_text(branch.suite.read_text().replace("operation: name_colour", "operation: new"))
    assert judged_suites(branch) == {"new"}


def test_the_base_is_what_the_ci_says(branch: House) -> None:
    branch.edit("gate: {margin: 0.05}", "gate: {margin: 0.06}")
    git(branch, "commit", "-am", "margin")
    assert judged_suites(branch, CI_MERGE_REQUEST_DIFF_BASE_SHA="HEAD") == set()
    git(branch, "update-ref", "refs/remotes/origin/release", "HEAD")
    assert judged_suites(branch, GITHUB_BASE_REF="release") == set()


@pytest.mark.parametrize("base", ["nowhere", "--output=x", "HEAD~99"])
def test_a_base_that_git_does_not_know_is_told(branch: House, base: str) -> None:
    done = branch.run(*QUIET, "--changed-only", f"--base={base}")
    assert done.returncode == 2
    assert "no common commit" in done.stderr
    assert not (branch.path / "x").exists()


def test_progress_for_machines_is_json_to_its_last_line(house: House) -> None:
    done = house.run("check", "--progress", "json", "--store", "new.db")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    rulings = {event["variant"]: event["outcome"] for event in events if event["event"] == "ruling"}

    assert [events[0]["event"], events[-1]["event"]] == ["started", "finished"]
    assert events[0]["cases"] == {"name_colour": 300}
    assert events[-1]["exit_code"] == done.returncode == 1
    assert rulings["worse"] == "red"
    last = [event for event in events if event["event"] == "progress"][-1]
    assert last["answers"] == last["asked"] > 0
    assert float(last["usd"]) > 0
    assert done.stdout.startswith("  verdict")


def test_progress_in_plain_lines_tells_rulings_and_what_was_spent(house: House) -> None:
    told = house.run("check", "--store", "new.db").stderr
    assert re.search(r"^  name_colour · worse: red after \d+ cases$", told, re.MULTILINE)
    assert re.search(r"answers: [\d,]+ asked now for \d+\.\d+ USD, 0 already in the store$", told, re.MULTILINE)
