"""`evalgate report`, as it is typed: places, runs, comparisons, and what is not there any more."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import House, build


@pytest.fixture(scope="module")
def checked_twice(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house with two runs: the first one saw few cases."""
    house = build(tmp_path_factory.mktemp("house"))
    house.run("check", "-q", "--max-cases", "60")
    house.run("check", "-q")
    return house


@pytest.fixture
def house(checked_twice: House, tmp_path: Path) -> House:
    shutil.copytree(checked_twice.path, tmp_path / "house")
    return House(tmp_path / "house")


def runs(house: House) -> list[str]:
    """Ids of the runs, the newest first: an unknown one is answered with them."""
    told = house.run("report", "--run", "nobody").stderr
    return told.strip().rpartition("newest are ")[2].split(", ")


def test_a_folder_gets_a_page_for_the_board_each_operation_and_each_variant(house: House) -> None:
    done = house.run("report", "-o", "reports/one")

    assert (done.returncode, done.stdout) == (0, "report: reports/one/index.html\n")
    assert {path.name for path in (house.path / "reports" / "one").iterdir()} == {
        "index.html",
        "name_colour.html",
        *(f"name_colour--{variant}.html" for variant in ("same", "worse", "middling")),
    }


def test_the_report_of_a_check_and_of_the_command_are_the_same_page(house: House) -> None:
    house.run("check", "-q", "--report", "check.html")
    house.run("report", "again.html")

    assert (house.path / "check.html").read_text() == (house.path / "again.html").read_text()


def test_the_page_says_until_when_greens_hold_and_where_traffic_goes(house: House) -> None:
    house.run("report", "-o", "report.html")
    text = (house.path / "report.html").read_text()

    assert "published, it would go to same" in text
    assert text.count("valid until") > 1
    assert "not used by routers" in text
    assert "&lt;b&gt;mud&lt;/b&gt;" in text
    assert "<b>mud" not in text


def test_two_runs_are_compared(house: House) -> None:
    newer, older = runs(house)[:2]
    house.run("report", "-o", "report.html", "--compare", newer, older)
    text = (house.path / "report.html").read_text()

    assert f'Run <span class="id">{newer}' in text
    assert f'run <span class="id">{older}' in text
    assert "3 changes</b> since" in text


def test_an_earlier_run_can_be_reported_on(house: House) -> None:
    older = runs(house)[1]
    house.run("report", "-o", "report.html", "--run", older)
    text = (house.path / "report.html").read_text()

    assert f'Run <span class="id">{older}' in text
    assert "There is no earlier run to compare with." in text


def test_a_summary_and_a_pdf_are_written_beside_it(house: House) -> None:
    done = house.run("report", "-o", "r.html", "--comment", "r.md", "--pdf", "r.pdf", "--picture", "r.svg")

    assert done.stderr == ""
    assert done.stdout.splitlines() == ["report: r.html", "pdf: r.pdf", "comment: r.md", "picture: r.svg"]
    assert "`worse`" in (house.path / "r.md").read_text()
    assert (house.path / "r.pdf").read_bytes().startswith(b"%PDF-")


def test_a_suite_that_changed_since_takes_only_its_answers_along(house: House) -> None:
    house.edit("Colour {{ input }}:", "Which colour is {{ input }}?")

    done = house.run("report", "-o", "report.html")

    text = (house.path / "report.html").read_text()
    assert done.returncode == 0
    assert "changed since the run of this board, so its answers no longer fit; run: evalgate check" in text
    assert "&lt;b&gt;mud" not in text
    assert "proven worse" in text


def test_without_a_catalogue_the_report_says_that_traffic_is_not_known(house: House) -> None:
    (house.path / "catalog.yaml").unlink()

    done = house.run("report", "-o", "report.html")

    assert done.returncode == 0
    assert "not known: catalog.yaml" in (house.path / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "2020"], "no run '2020'; the newest are 2"),
        (["--compare", "2020", "2021"], "no run '2020'"),
        (["--compare", "2", "2"], "compared with itself"),
        (["--run", "2", "--compare", "2", "3"], "--compare names both runs already"),
        (["--since", "yesterday"], "expected a time such as"),
        (["one.html", "-o", "two.html"], "two places for one report"),
        (["--picture", "board.gif"], "expected a name that ends in .svg or .png"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(house: House, arguments: list[str], message: str) -> None:
    before = sorted(house.path.rglob("*"))

    done = house.run("report", *arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(house.path.rglob("*")) == before


def test_what_a_check_writes_for_ci_is_written_of_its_run_too(house: House) -> None:
    files = ("--junit", "{}.xml", "--summary", "{}.md", "--comment", "{}-comment.md")
    checked = house.run("check", "-q", *(each.format("check") for each in files))
    before = (house.path / ".evalgate" / "evalgate.db").stat().st_mtime_ns

    reported = house.run("report", *(each.format("report") for each in files))

    assert (checked.returncode, reported.returncode) == (1, 0)
    for name in ("{}.xml", "{}.md", "{}-comment.md"):
        assert (house.path / name.format("report")).read_text() == (house.path / name.format("check")).read_text()
    assert (house.path / ".evalgate" / "evalgate.db").stat().st_mtime_ns == before


@pytest.mark.parametrize(("kind", "code"), [("worse", 1), ("red", 0), ("never", 0)])
def test_with_fail_on_it_ends_as_the_check_would(house: House, kind: str, code: int) -> None:
    assert house.run("report", "--fail-on", kind).returncode == code


def test_github_is_told_of_a_stored_run(house: House) -> None:
    done = house.run("report", "--github", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY="step.md")
    assert "::error file=suites/name_colour.yaml" in done.stdout
    assert "### evalgate: failed" in (house.path / "step.md").read_text()


def test_a_note_tells_readers_something_and_does_nothing(house: House) -> None:
    house.run("report", "-o", "report.html", "--note", "<b>two</b> runs \x1b[2J", "--pdf", "report.pdf")
    assert '<p class="lead">&lt;b&gt;two&lt;/b&gt; runs ␛[2J</p>' in (house.path / "report.html").read_text()


def test_the_history_of_what_was_never_published_is_told(house: House) -> None:
    done = house.run("history", "name_colour", "same")
    assert done.returncode == 0, done.stderr
    assert "verdict" in done.stdout
