"""The report in a real browser: what the parser cannot know, such as a policy that a browser would complain about."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalgate.gate import Board
from evalgate.report.drift.report import write_report
from tests.report.drift_reports import report_of

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(small: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("folder") / "report"
    write_report(report_of(small, before=small), path)
    return path


@pytest.fixture
def complaints() -> list[str]:
    return []


def opened(browser: Any, file: Path, complaints: list[str], *, width: int = 1440, scheme: str = "light") -> Any:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(file.as_uri())
    return page


def overflow(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("width", [390, 1440])
def test_hostile_texts_run_nothing_load_nothing_and_stay_on_the_page(
    browser: Any, hostile_report: str, tmp_path: Path, complaints: list[str], width: int
) -> None:
    file, requests = tmp_path / "report.html", []
    file.write_text(hostile_report, encoding="utf-8")
    page = opened(browser, file, complaints, width=width)
    page.on("request", lambda request: requests.append(request.url))
    page.reload()

    assert {url.split("#")[0] for url in requests} == {file.as_uri()}
    assert complaints == []
    assert overflow(page) <= 0
    page.close()


@pytest.mark.parametrize("name", ["index", "classify_feedback", "classify_feedback--lab-q4_0"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screen_reader_stumbles_over_nothing_serious(
    browser: Any, folder: Path, complaints: list[str], name: str, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(browser, folder / f"{name}.html", complaints, scheme=scheme)
    # the policy of the page forbids scripts of others, so axe comes in through the debugger
    script = Path(axe.__file__).with_name("axe.min.js").read_text()
    found = page.context.new_cdp_session(page)
    found.send("Runtime.evaluate", {"expression": script})
    result = found.send("Runtime.evaluate", {"expression": "axe.run()", "awaitPromise": True, "returnByValue": True})

    violations = result["result"]["value"]["violations"]
    serious = [each for each in violations if each["impact"] in ("serious", "critical")]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in serious] == []
    assert complaints == []
    page.close()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", ["index", "classify_feedback", "classify_feedback--lab-q4_0"])
def test_no_page_is_wider_than_the_screen(
    browser: Any, folder: Path, complaints: list[str], name: str, width: int
) -> None:
    page = opened(browser, folder / f"{name}.html", complaints, width=width)

    assert overflow(page) <= 0
    page.close()


def test_on_a_phone_the_board_is_not_cut(browser: Any, folder: Path, complaints: list[str]) -> None:
    page = opened(browser, folder / "index.html", complaints, width=390)

    cut = page.eval_on_selector_all(
        ".scroll", "all => all.filter(each => each.scrollWidth > each.clientWidth + 1).length"
    )
    assert cut == 0
    page.close()


def test_a_cell_leads_to_what_flipped_and_back_by_keyboard(browser: Any, folder: Path, complaints: list[str]) -> None:
    page = opened(browser, folder / "index.html", complaints)
    page.locator(".matrix td a").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/classify_feedback--lab-q4_0.html")

    assert page.locator(".pair").count() == 50
    page.locator(".crumbs a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/index.html")
    page.close()


def test_flips_are_filtered_by_way_and_slice(browser: Any, folder: Path, complaints: list[str]) -> None:
    page = opened(browser, folder / "classify_feedback--lab-q4_0-2.html", complaints)
    every = page.locator(".pair:visible").count()
    page.select_option("[data-filter=way]", "fixed")
    fixed = page.locator(".pair:visible").count()
    page.select_option("[data-filter=slices]", "kind=plain")
    both = page.locator(".pair:visible").count()

    assert 0 < both < fixed < every
    assert page.locator(".pair:visible[data-slices~='kind=plain'][data-way=fixed]").count() == both
    assert complaints == []
    page.close()


def test_a_table_is_sorted_by_a_column_by_number(
    browser: Any, board: Board, tmp_path: Path, complaints: list[str]
) -> None:
    write_report(report_of(board), tmp_path / "report")
    page = opened(browser, tmp_path / "report" / "add_numbers.html", complaints)
    heads = page.locator("table.evidence thead button")
    heads.filter(has_text="Δ pp").click()
    cells = page.eval_on_selector_all("table.evidence tbody td[data-th='Δ pp']", "all => all.map(e => +e.dataset.sort)")
    heads.filter(has_text="Δ pp").click()
    reverse = page.eval_on_selector_all(
        "table.evidence tbody td[data-th='Δ pp']", "all => all.map(e => +e.dataset.sort)"
    )

    assert cells == sorted(cells)
    assert reverse == sorted(cells, reverse=True)
    assert complaints == []
    page.close()


def test_everything_is_read_without_a_script(browser: Any, folder: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto((folder / "classify_feedback--lab-q4_0.html").as_uri())

    assert page.locator(".pair").count() == 50
    assert page.get_by_text("page 1 of 2").count() == 1
    page.close()
