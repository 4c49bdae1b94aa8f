"""The report in a real browser: what the parser cannot know, such as a policy that a browser would complain about."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def test_a_browser_runs_nothing_loads_nothing_and_complains_of_nothing(hostile_report: str, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium on this machine")
    file = tmp_path / "report.html"
    file.write_text(hostile_report, encoding="utf-8")
    requests, complaints = [], []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(file.as_uri())
        page.locator("table.matrix td a").nth(2).click()
        opened = page.locator("details[open]").count()
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        browser.close()

    assert {url.split("#")[0] for url in requests} == {file.as_uri()}
    assert complaints == []
    assert opened == 1
    assert overflow <= 0
