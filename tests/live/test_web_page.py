"""The page in a real browser: it shows the demo, and a click on an instrument leaves it alone."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.live.browser import open_browser, until
from tests.live.parts import end_process

ROOT = Path(__file__).resolve().parents[2]
GUITAR, FLUTE = (0.28, 0.55), (0.72, 0.45)  # in the demo's picture


@pytest.fixture
def address() -> Iterator[str]:
    """Of the demo as it plays."""
    player = subprocess.Popen(
        [
            *(sys.executable, str(ROOT / "run_live.py"), "--demo", "--view", "web"),
            *("--speaker", "none", "--engine", "onnxruntime"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert player.stdout is not None
        found = next(
            match.group() for line in player.stdout if (match := re.search(r"http://\S+/", line))
        )
        reader = threading.Thread(target=player.stdout.read)  # it must not wait for us
        reader.start()
        yield found
        player.terminate()
        reader.join()
    finally:
        end_process(player)  # type: ignore[arg-type]


@pytest.fixture
def page() -> Iterator[Page]:
    with open_browser() as opened:
        yield opened


def test_a_click_leaves_one_instrument(address: str, page: Page) -> None:
    page.goto(address)
    until(page, "document.querySelectorAll('#objects li').length >= 3")
    assert page.evaluate("document.getElementById('view').naturalWidth") > 300
    assert not page.evaluate("objects.some(one => one.state === 'solo')")
    box = page.locator("#view").bounding_box()
    assert box is not None
    left, top, right, bottom = page.evaluate("picture")
    for place in (GUITAR, FLUTE):
        x = box["x"] + box["width"] * (left + place[0] * (right - left))
        y = box["y"] + box["height"] * (top + place[1] * (bottom - top))
        page.mouse.click(x, y)
        until(
            page,
            "objects.filter(one => one.state === 'solo').length === 1"
            " && objects.filter(one => one.gain > 0).length === 1",
        )
        assert page.locator("#objects li button[aria-pressed=true]").count() == 1
        page.click("#all")
        until(page, "objects.every(one => one.gain > 0)")


def test_the_dial_is_turned_on_the_page(address: str, page: Page) -> None:
    """Its list is what the model can do, wherever the dial stands."""
    page.goto(address)
    offered = "[...ahead.options].map(one => one.text)"
    shown = "ahead.selectedOptions[0]?.text"
    until(page, f"Math.abs(aheadMs - 92.9) < 1 && {shown} === '93 ms'")
    assert page.evaluate(offered) == ["-23 ms", "0 ms", "93 ms"]
    page.select_option("#ahead", label="0 ms")
    until(page, f"Math.abs(aheadMs) < 1 && {shown} === '0 ms'")
    page.locator("#view").hover()
    page.keyboard.press("[")  # what the model knows next
    until(page, f"Math.abs(aheadMs + 23.2) < 1 && {shown} === '-23 ms'")
    assert page.evaluate(offered) == ["-23 ms", "0 ms", "93 ms"]
    page.keyboard.press("[")  # there is no less
    page.keyboard.press("]")
    until(page, f"Math.abs(aheadMs) < 1 && {shown} === '0 ms'")
    assert not page.inner_text("#note")


def test_the_page_says_when_the_program_has_ended(address: str, page: Page) -> None:
    page.goto(address)
    until(page, "objects.length > 0")
    page.keyboard.press("q")
    until(page, "document.getElementById('note').textContent === 'the program has ended'")
