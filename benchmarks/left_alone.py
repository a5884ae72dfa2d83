"""A browser that is left alone while it is measured.

Who drives one is told of all that its pages are sent: every picture once more, as text, through
three processes. So there is somebody before and after, and nobody in between.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.report import BenchmarkError
from tests.live.parts import end_process, needed_program

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # benchmarks may run as root
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
_STARTED_S = 30.0


class BrowserLeftAlone:
    """Chromium, one window per page; its sound goes where ``environment`` says."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        program = needed_program("chromium", "chromium")
        # Private to its owner; a browser that ends late may still write there.
        self._home = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [program, *_OPTIONS, f"--user-data-dir={self._home.name}", "about:blank"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def pid(self) -> int:
        """Of its first process."""
        return self._process.pid

    def open(self, address: str, windows: int) -> None:
        """Show a page in so many windows."""
        with sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(self._endpoint())
            session = browser.new_browser_cdp_session()
            for _ in range(windows):
                session.send("Target.createTarget", {"url": address, "newWindow": True})
            browser.close()

    @contextmanager
    def visit(self, address: str) -> Iterator[list[Page]]:
        """The pages that show ``address``, for as long as they are looked into."""
        with sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(self._endpoint())
            (context,) = browser.contexts
            try:
                yield [page for page in context.pages if page.url == address]
            finally:
                browser.close()  # only the connection

    def close(self) -> None:
        """End it."""
        end_process(self._process)
        self._home.cleanup()

    def _endpoint(self) -> str:
        told = Path(self._home.name) / "DevToolsActivePort"
        until_s = time.monotonic() + _STARTED_S
        while time.monotonic() < until_s:
            lines = told.read_text().splitlines() if told.exists() else []
            if len(lines) >= 2:
                return f"http://127.0.0.1:{lines[0]}"
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise BenchmarkError("the browser told no port to look into it; does chromium start here?")
