"""The mix in a real browser, recorded from a real null sink, in step with the picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.live.browser import open_browser, until
from tests.live.parts import end_process
from tests.live.pulse import RATE_HZ, PulseServer, read_raw
from tests.live.showing import LOUDNESS, TONE_HZ, TWO, Showing

PLAYS = "document.getElementById('view').dataset.behindMs !== undefined"
BEHIND = "+document.getElementById('view').dataset.behindMs"


@pytest.fixture
def page(pulse: PulseServer) -> Iterator[Page]:
    with open_browser(environment=pulse.environment) as opened:
        yield opened


def recorded(page: Page, pulse: PulseServer, path: Path, duration_ms: float) -> np.ndarray:
    """What the null sink played meanwhile, mono at 48 kHz."""
    recorder = pulse.record(path)
    try:
        page.wait_for_timeout(duration_ms)
    finally:
        end_process(recorder)
    return read_raw(path).mean(axis=1)


def share_of_tone(heard: np.ndarray) -> float:
    """Of the energy heard, what is within 5 Hz of the tone."""
    power = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) ** 2
    frequencies = np.fft.rfftfreq(len(heard), 1 / RATE_HZ)
    return float(power[np.abs(frequencies - TONE_HZ) < 5.0].sum() / power.sum())


def test_the_mix_is_heard_when_asked_for_and_not_before(
    page: Page, pulse: PulseServer, tmp_path: Path
) -> None:
    showing = Showing()
    try:
        showing.scene = TWO
        page.goto(showing.url)
        until(page, "+document.getElementById('view').dataset.captureMs > 0")
        assert not recorded(page, pulse, tmp_path / "before.raw", 1000).any()
        assert showing.stats()["listeners"] == 0
        page.get_by_role("button", name="Hear it here").click()
        until(page, PLAYS)
        page.wait_for_timeout(1500)
        heard = recorded(page, pulse, tmp_path / "heard.raw", 3000)
        page.get_by_role("button", name="Hear it here").click()
        until(page, f"!({PLAYS})")
        page.wait_for_timeout(500)
        assert showing.stats()["listeners"] == 0
        assert not recorded(page, pulse, tmp_path / "after.raw", 500).any()
    finally:
        showing.stop()
    middle = heard[RATE_HZ // 4 : -RATE_HZ // 4]
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(LOUDNESS, rel=0.3)
    assert share_of_tone(middle) > 0.9


@pytest.mark.parametrize("ages_s", [(0.0, 0.1), (0.4, 0.1), (0.1, 0.4)])
def test_the_picture_on_show_is_the_one_that_is_heard(
    page: Page, ages_s: tuple[float, float]
) -> None:
    """Whichever of the two comes later: the other waits for it."""
    showing = Showing(*ages_s)
    try:
        showing.scene = TWO
        page.goto(showing.url)
        until(page, "+document.getElementById('view').dataset.captureMs > 0")
        page.get_by_role("button", name="Hear it here").click()
        until(page, PLAYS)
        page.wait_for_timeout(4000)
        behind = [page.evaluate(BEHIND) for _ in range(40) if not page.wait_for_timeout(37)]
    finally:
        showing.stop()
    assert 0 <= np.median(behind) < 45.0  # one picture lasts 40 ms


def test_a_browser_that_forbids_sound_is_told_of(pulse: PulseServer) -> None:
    forbids = ("--no-sandbox", "--autoplay-policy=document-user-activation-required")
    showing = Showing()
    try:
        with open_browser(environment=pulse.environment, options=forbids) as page:
            page.goto(showing.url)
            page.wait_for_timeout(2000)  # to ask whether it is there would count as leave to play
            press = {"expression": "document.getElementById('listen').click()"}
            page.context.new_cdp_session(page).send("Runtime.evaluate", press)
            page.wait_for_timeout(4000)
            assert "allow sound" in page.inner_text("#note")
    finally:
        showing.stop()


def test_sound_comes_back_with_the_connection(
    page: Page, pulse: PulseServer, tmp_path: Path
) -> None:
    showing = Showing()
    try:
        page.goto(showing.url)
        until(page, "document.getElementById('link').textContent === 'live'")
        page.get_by_role("button", name="Hear it here").click()
        until(page, PLAYS)
        showing.stop()
        until(page, "document.getElementById('link').dataset.state === 'waiting'")
        showing.start()
        until(page, "document.getElementById('link').textContent === 'live'")
        page.wait_for_timeout(2000)
        heard = recorded(page, pulse, tmp_path / "again.raw", 1500)
    finally:
        showing.stop()
    assert share_of_tone(heard[RATE_HZ // 4 : -RATE_HZ // 4]) > 0.9
