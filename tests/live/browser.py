"""A real browser, driven by the test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
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
def open_browser(
    width: int = 1000,
    height: int = 900,
    environment: Mapping[str, str] | None = None,
    options: tuple[str, ...] = _OPTIONS,
) -> Iterator[Page]:
    """An empty page in Chromium; whatever its scripts raise ends the test."""
    path = needed_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[*options],
            env=None if environment is None else dict(environment),
            ignore_default_args=["--mute-audio"] if environment is not None else None,
        )
        page = browser.new_page(viewport={"width": width, "height": height})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        try:
            yield page
            assert not errors
        finally:
            browser.close()


def until(page: Page, expression: str, patience_s: float = 40.0) -> None:
    """Wait until an expression is true in the page, whose rules may forbid it to evaluate text."""
    for _ in range(round(patience_s / 0.1)):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"the page never came to {expression}; it shows {page.inner_text('body')!r}")
