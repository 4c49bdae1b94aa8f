"""The pages in a real browser, on a desk and on a phone: what only a browser knows."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from evalgate.web import View, write_pages
from tests.web.serving import served
from tests.web.test_render import hostile_view

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
MODEL_PAGE = "models/acme/llama-8b.html"
WIDTHS = {"desk": 1440, "phone": 390}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Tab:
    """A tab that keeps what it complained of, and what it asked the network for."""

    def __init__(self, page: Any) -> None:
        self.page, self.complaints, self.requests = page, [], []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Callable[..., Tab]]:
    with ExitStack() as stack:

        def open_tab(url: str, width: int = 1440, **options: object) -> Tab:
            context = browser.new_context(viewport={"width": width, "height": 900}, **options)
            stack.callback(context.close)
            opened = Tab(context.new_page())
            opened.page.goto(url)
            return opened

        yield open_tab


@pytest.fixture(scope="module")
def folder(view: View, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    write_pages(view, folder)
    return folder


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("name", ["index.html", MODEL_PAGE, "models/solo.html"])
def test_a_page_fits_its_screen_and_the_browser_complains_of_nothing(
    tab: Callable[..., Tab], folder: Path, name: str, width: int
) -> None:
    opened = tab((folder / name).as_uri(), width)
    assert opened.complaints == []
    assert opened.requests == [(folder / name).as_uri()]
    assert opened.page.evaluate(OVERFLOW) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", MODEL_PAGE])
def test_axe_finds_nothing(tab: Callable[..., Tab], folder: Path, name: str, scheme: str) -> None:
    opened = tab((folder / name).as_uri(), bypass_csp=True, color_scheme=scheme)  # axe itself is a script
    found = axe.Axe().run(opened.page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_a_wide_table_says_that_it_scrolls_and_does_so_by_keyboard(tab: Callable[..., Tab], folder: Path) -> None:
    page = tab((folder / MODEL_PAGE).as_uri(), WIDTHS["phone"]).page
    region = page.locator("#providers .scroll")
    assert region.locator("caption").is_visible()
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('#providers .scroll').scrollLeft > 0")


def test_the_list_of_a_folder_is_filtered_and_sorted_in_place(tab: Callable[..., Tab], folder: Path) -> None:
    page = tab((folder / "index.html").as_uri()).page
    shown = page.locator("#models tbody tr:visible th a")
    page.get_by_label("Search").fill("LLAMA")
    assert shown.all_inner_texts() == ["Acme Llama 8B"]
    assert page.locator("#count").inner_text() == "1 of 3 models"
    page.get_by_label("takes tools").check()
    assert page.locator("#none").is_visible()
    page.get_by_role("link", name="show all").click()
    page.get_by_role("link", name="Cheapest provider").click()
    assert shown.all_inner_texts() == ["Acme Llama 8B", "nobody/knows", "solo"]
    assert page.get_by_role("columnheader", name="Cheapest provider").get_attribute("aria-sort") == "ascending"


def test_a_link_to_an_operation_opens_it(tab: Callable[..., Tab], folder: Path) -> None:
    page = tab((folder / MODEL_PAGE).as_uri()).page
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = false")
    page.get_by_role("link", name="sort").click()
    page.wait_for_function("document.getElementById('op-2').closest('details').open")


def test_on_paper_there_are_no_controls(tab: Callable[..., Tab], folder: Path) -> None:
    page = tab((folder / "index.html").as_uri()).page
    page.emulate_media(media="print")
    assert not page.locator("form").is_visible()
    assert page.locator("#models").is_visible()


def test_hostile_names_do_nothing(tab: Callable[..., Tab], tmp_path: Path) -> None:
    write_pages(hostile_view(tmp_path), tmp_path / "pages")
    for path in (tmp_path / "pages").rglob("*.html"):
        opened = tab(path.as_uri(), WIDTHS["phone"])
        assert opened.complaints == []
        assert opened.requests == [path.as_uri()]
        assert opened.page.locator("img").count() == 0
        assert opened.page.evaluate(OVERFLOW) <= 0


def test_an_open_page_follows_the_world_until_it_is_paused(tab: Callable[..., Tab], view: View) -> None:
    looks = []

    def look() -> View:
        looks.append(1)
        return replace(view, now=view.now + timedelta(seconds=len(looks)))

    with served(look) as address:
        opened = tab(f"{address}/models/acme/llama-8b")
        page, asof = opened.page, opened.page.locator("#asof")
        first = asof.inner_text()
        page.wait_for_function("text => document.getElementById('asof').innerText !== text", arg=first)
        page.get_by_role("button", name="Pause updates").click()
        paused = asof.inner_text()
        before = len(looks)
        page.wait_for_timeout(300)
        assert asof.inner_text() == paused
        assert len(looks) - before <= 2  # nobody looks, so nothing is rendered
        page.get_by_role("button", name="Resume updates").click()
        page.wait_for_function("text => document.getElementById('asof').innerText !== text", arg=paused)
        assert opened.complaints == []
        opened.page.close()


def test_a_served_page_is_whole_without_javascript(tab: Callable[..., Tab], view: View) -> None:
    with served(lambda: view) as address:
        page = tab(f"{address}/models/", java_script_enabled=False).page
        page.get_by_label("Search").fill("llama")
        page.get_by_role("button", name="Show").click()
        assert page.locator("#models tbody tr:visible th a").all_inner_texts() == ["Acme Llama 8B"]
        page.get_by_role("link", name="Acme Llama 8B").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Acme Llama 8B"
        assert page.locator("#asof").is_visible()
        page.get_by_role("link", name="All models").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Models"
