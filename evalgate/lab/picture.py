"""A picture of a page, for documentation: needs playwright (`pip install playwright`) and a Chromium of the system."""

from __future__ import annotations

import shutil
from pathlib import Path

from evalgate.errors import InputError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def take_picture(url: str, path: Path, *, width: int = 1280, height: int = 1010) -> None:
    """The top of the page at `url`, as PNG. Raises `InputError` when there is nothing to take it with."""
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise InputError("a picture needs playwright: pip install playwright") from None
    if browser is None:
        raise InputError(f"a picture needs one of {', '.join(_BROWSERS)}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.goto(url)
        page.wait_for_timeout(1500)  # the first live figures
        page.screenshot(path=str(path))
        chromium.close()
