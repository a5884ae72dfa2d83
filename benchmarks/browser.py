"""The demo on the page, in real browsers: how late is a picture, a click, sound; how many pictures?

What is pressed is heard at the null sink that the player plays to: the residual alone is silence.

python -m benchmarks.browser
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page

from benchmarks.monitors import RATE_HZ, MonitorRecorder, Recording
from benchmarks.picture_watch import WATCH_PICTURES
from benchmarks.report import BenchmarkError, Report, command, command_line
from tests.live.browser import open_browser
from tests.live.parts import end_process
from tests.live.pulse import PulseServer

ROOT = Path(__file__).resolve().parents[1]
VIEWERS = 3
SETTLING_MS = 3000
OPENED_MS = 12_000  # until the machine has got over the start of all browsers
WATCHED_MS = 8000
TOLD_EVERY_MS = 500
CLICKS = 5
MOST_LATE_MS = 120.0
MOST_CLICK_MS = 150.0
LEAST_PICTURES_PER_S = 20.0
SYNC_MS = (-125.0, 45.0)  # ITU-R BT.1359: sound late and early, as is noticed

_PRESS = """() => new Promise(done => {
  const card = document.querySelector('[data-id="1"]'), button = card.querySelector(".solo");
  const before = card.dataset.state, start = performance.now();
  const look = () => card.dataset.state === before
    ? requestAnimationFrame(look) : done(performance.now() - start);
  button.click();
  look();
})"""


_SOLO = """() => document.querySelector('[data-id="0"] .solo').click()"""
_ALL = """() => document.querySelector("#all").click()"""
_BLOCK_S = 0.005
_QUIET = 0.1  # of how loud it was in the half second before


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, watch, press, listen, print."""
    parser = command_line(__doc__)
    options = parser.parse_args(arguments)
    report = Report("browser")
    pulse = PulseServer()
    line = [*(sys.executable, str(ROOT / "run_live.py"), "--demo", "--view", "web")]
    player = subprocess.Popen(
        [*line, "--speaker", "pulse"],
        env=pulse.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert player.stdout is not None
        lines = (re.search(r"http://\S+/", said) for said in player.stdout)
        url = next((found.group() for found in lines if found), None)
        if url is None:
            raise BenchmarkError("the player ended before it had a page")
        threading.Thread(target=player.stdout.read, daemon=True).start()
        with open_browser(environment=pulse.environment) as page:
            _measure(report, page, url, pulse)
    finally:
        end_process(player)  # type: ignore[arg-type]
        pulse.close()
    return report.publish(options.json)


def _measure(report: Report, page: Page, url: str, pulse: PulseServer) -> None:
    browser = page.context.browser
    assert browser is not None
    pages = [page, *(browser.new_page() for _ in range(VIEWERS - 1))]
    for each in pages:
        each.goto(url)
        each.wait_for_selector(".card:nth-child(3)", timeout=60_000)
    page.wait_for_timeout(OPENED_MS)
    # The page tells times of day, pictures have the monotonic clock's.
    ahead_ms = (time.time() - time.monotonic()) * 1000
    for each in pages:
        each.evaluate(WATCH_PICTURES)
    to_ear_ms = _to_ear_ms(page)
    seen = [each.evaluate("window.seen") for each in pages]
    rates = [len(one) / (WATCHED_MS / 1000) for one in seen]
    late_ms = statistics.median(drawn - ahead_ms - capture for drawn, capture, _ in seen[0])
    report.note("capture to the ear, as the player tells, median", f"{to_ear_ms:.0f} ms")
    report.note("capture to picture in the browser, median", f"{late_ms:.0f} ms")
    report.at_most("... later than the ear", late_ms - to_ear_ms, MOST_LATE_MS, "ms")
    report.at_least(
        f"pictures at the slowest of {VIEWERS} viewers", min(rates), LEAST_PICTURES_PER_S, "/s"
    )
    for each in pages[1:]:
        each.close()
    pressed = [page.evaluate(_PRESS) for _ in range(2 * CLICKS)]
    report.at_most(
        "solo pressed to solo shown, median", statistics.median(pressed), MOST_CLICK_MS, "ms"
    )
    heard_ms = _heard_alone_ms(page, pulse)
    report.note("solo pressed to heard alone, median", f"{statistics.median(heard_ms):.0f} ms")
    report.at_most(
        "... over the pipeline's latency",
        statistics.median(heard_ms) - to_ear_ms,
        MOST_CLICK_MS,
        "ms",
    )
    report.keep("heard_alone_ms", heard_ms)
    _listen(report, page, ahead_ms)
    report.keep("pictures_per_s", rates)
    report.keep("pressed_ms", pressed)


def _heard_alone_ms(page: Page, pulse: PulseServer) -> list[float]:
    """How long after each press nothing but the residual is heard."""
    recorder = MonitorRecorder("spk.monitor", pulse.environment)
    pressed_s = []
    page.wait_for_timeout(1000)
    for _ in range(CLICKS):
        pressed_s.append(time.monotonic())
        page.evaluate(_SOLO)
        page.wait_for_timeout(1000)
        page.evaluate(_ALL)
        page.wait_for_timeout(1500)
    recording = recorder.stop()
    found = [quiet_after_s(recording, at_s) for at_s in pressed_s]
    heard = [1000 * one for one in found if one is not None]
    if len(heard) < CLICKS:
        raise BenchmarkError(f"after {CLICKS - len(heard)} of {CLICKS} presses it was not quiet")
    return heard


def quiet_after_s(recording: Recording, at_s: float) -> float | None:
    """How long after an instant (monotonic) it is quiet for the first time, and stays so."""
    length = round(_BLOCK_S * RATE_HZ)
    whole = recording.samples[: len(recording.samples) // length * length]
    level = np.sqrt(np.square(whole.reshape(-1, length)).mean(axis=1))
    first = round((at_s - recording.start_s) / (1 + recording.slow) / _BLOCK_S)
    before = level[max(first - round(0.5 / _BLOCK_S), 0) : first]
    quiet = level[first : first + round(0.8 / _BLOCK_S)] < _QUIET * before.mean()
    for place in np.flatnonzero(quiet):
        if quiet[place : place + round(0.1 / _BLOCK_S)].all():
            return recording.instant_s((first + place) * _BLOCK_S) - at_s
    return None


def _listen(report: Report, page: Page, ahead_ms: float) -> None:
    page.get_by_role("button", name="Hear it here").click()
    page.wait_for_timeout(SETTLING_MS)
    page.evaluate(WATCH_PICTURES)
    to_ear_ms = _to_ear_ms(page)
    heard: list[Any] = [one for one in page.evaluate("window.seen") if one[2] == one[2]]
    if not heard:
        raise BenchmarkError("the browser played nothing")
    late_ms = statistics.median(
        drawn - ahead_ms - capture - early for drawn, capture, early in heard
    )
    early_ms = statistics.median(early for _, _, early in heard)
    report.at_most(
        "capture to sound in the browser, as it tells, later than the ear",
        late_ms - to_ear_ms,
        MOST_LATE_MS,
        "ms",
    )
    low, high = SYNC_MS
    report.claim(
        "sound in the browser before its picture",
        f"{low:+.0f} to {high:+.0f} ms",
        f"{early_ms:+.0f} ms",
        met=low <= early_ms <= high,
    )


def _to_ear_ms(page: Page) -> float:
    """What the player tells in the time in which pictures are watched."""
    told = []
    for _ in range(WATCHED_MS // TOLD_EVERY_MS):
        page.wait_for_timeout(TOLD_EVERY_MS)
        told.append(_number(page, "to the ear"))
    return statistics.median(told)


def _number(page: Page, what: str) -> float:
    text = page.locator("#graphs li", has_text=what).first.locator(".value").inner_text()
    found = re.match(r"[-\d.]+", text)
    if found is None:
        raise BenchmarkError(f"the page does not tell what is {what}: {text}")
    return float(found.group())


if __name__ == "__main__":
    command(main)
