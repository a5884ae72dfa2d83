"""A real browser, driven by the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.live.parts import needed_program

_OPTIONS = (
    "--no-sandbox",  # the tests may run as root
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def open_browser(width: int = 1000, height: int = 900) -> Iterator[Page]:
    """An empty page in Chromium; whatever its scripts raise ends the test."""
    path = needed_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_OPTIONS])
        page = browser.new_page(viewport={"width": width, "height": height})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        try:
            yield page
            assert not errors
        finally:
            browser.close()
