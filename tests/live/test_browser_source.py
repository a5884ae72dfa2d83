"""A real browser as camera and microphone of the whole player; its devices play files."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Error, Page

from realtime.messages import CapturedPicture, CapturedSound
from tests.live.browser import open_browser, until
from tests.live.capturing import BUTTON, IS_ON, SHOWN, USUAL, Film, capturing
from tests.live.parts import end_process
from tests.live.showing import TWO, Showing

ROOT = Path(__file__).resolve().parents[2]
Captured = CapturedPicture | CapturedSound
SAYS = "document.querySelector('#capture p').textContent"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return Film(tmp_path_factory.mktemp("film"))


class Player:
    """The whole player, with a browser as its source, recorded."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.folder, self.errors = folder / "session", folder / "errors"
        line = [*(sys.executable, str(ROOT / "run_live.py"), "--source", "browser")]
        line += ["--model", str(model), "--engine", "onnxruntime", "--record", str(self.folder)]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        lines = (re.search(r"http://\S+/", said) for said in self.process.stdout)
        self.url = next(found.group() for found in lines if found)
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def end(self) -> None:
        end_process(self.process, timeout_s=20.0)  # type: ignore[arg-type]

    def sound(self, name: str) -> np.ndarray:
        samples, self.rate_hz = soundfile.read(self.folder / name, dtype="float32")
        return np.asarray(samples)


@pytest.fixture
def player(model: Path, tmp_path: Path) -> Iterator[Player]:
    running = Player(model, tmp_path)
    yield running
    running.end()


def pictures(path: Path) -> int:
    film = cv2.VideoCapture(str(path))
    count = round(film.get(cv2.CAP_PROP_FRAME_COUNT))
    film.release()
    return count


def test_what_a_browser_takes_is_heard_and_seen(player: Player, film: Film) -> None:
    stranger = http.client.HTTPConnection("127.0.0.1", int(player.url.split(":")[2].rstrip("/")))
    with closing(stranger):
        stranger.request("GET", "/", headers={"Host": "evil.example"})
        assert stranger.getresponse().status == 421
    with capturing(film, player.url) as page:
        until(page, f"{IS_ON} && {SHOWN}")
        assert "headphones" in page.inner_text("#capture")
        page.get_by_role("button", name="Hear it here").click()
        until(page, "document.getElementById('view').dataset.behindMs !== undefined")
        page.wait_for_timeout(5000)
    player.end()
    mixture = player.sound("mixture.wav")
    parts = sum(player.sound(one.name) for one in player.folder.glob("object-*.wav"))
    off = mixture - parts - player.sound("residual.wav")
    assert np.sqrt(np.mean(off**2)) < 1e-4 * np.sqrt(np.mean(mixture**2))
    assert len(mixture) > 5 * player.rate_hz
    like_db = film.like_db(mixture, player.rate_hz)
    assert np.median(like_db) > 40.0
    assert np.mean(np.array(like_db) > 20.0) > 0.7  # the device begins its file anew, and stutters
    assert pictures(player.folder / "overlay.mp4") > 50
    told = player.errors.read_text()
    assert "a browser is camera and microphone" in told
    assert "refused by the page: 1 for another host" in told


def test_a_browser_that_is_killed_is_silence_and_another_goes_on(
    player: Player, film: Film
) -> None:
    with suppress(Error), capturing(film, player.url) as first:
        until(first, IS_ON)
        first.wait_for_timeout(3000)
        assert first.context.browser is not None
        first.context.browser.new_browser_cdp_session().send("Browser.crash")
    with capturing(film, player.url) as second:
        until(second, f"{IS_ON} && {SHOWN}")
        second.wait_for_timeout(3500)
    player.end()
    mixture = player.sound("mixture.wav")
    like_db = np.array(film.like_db(mixture, player.rate_hz))
    silent = np.flatnonzero(np.isneginf(like_db))
    assert len(silent)
    assert np.median(like_db[: silent[0] - 1]) > 20.0
    assert np.median(like_db[silent[-1] + 2 :]) > 20.0
    told = player.errors.read_text()
    assert "nothing is heard from the browser" in told
    assert "a browser again is camera and microphone" in told


@pytest.fixture
def showing() -> Iterator[Showing]:
    here = Showing(captures=True)
    here.scene = TWO
    yield here
    here.stop()


def still_shows(page: Page) -> None:
    """The player goes on, and this page with it."""
    shown = page.evaluate("document.getElementById('view').dataset.captureMs")
    until(page, f"document.getElementById('view').dataset.captureMs !== '{shown}'")
    assert page.inner_text("#link") == "live"


def test_one_browser_at_a_time_and_it_can_be_given_up(showing: Showing, film: Film) -> None:
    with capturing(film, showing.url) as page:
        until(page, IS_ON)
        assert page.context.browser is not None
        other = page.context.browser.new_page()
        other.goto(showing.url)
        until(other, f"{SAYS}.startsWith('Another browser')")
        other.get_by_role("button", name=BUTTON).click()
        until(other, f"{SAYS}.includes('end it there')")
        still_shows(other)
        page.get_by_role("button", name=BUTTON).click()
        until(page, "document.getElementById('capture').dataset.state === 'off'")
        other.get_by_role("button", name=BUTTON).click()
        until(other, IS_ON)
        assert showing.stats()["sources_turned_away"] == 1


def test_it_is_the_source_again_when_the_player_is_back(showing: Showing, film: Film) -> None:
    with capturing(film, showing.url) as page:
        until(page, IS_ON)
        showing.stop()
        until(page, f"{SAYS}.includes('trying again')")
        showing.start()
        until(page, IS_ON)
        until(page, "document.getElementById('link').textContent === 'live'")


def test_another_of_its_devices_is_chosen_and_the_rest_goes_on(showing: Showing) -> None:
    fakes = "--use-fake-device-for-media-stream=device-count=2"
    with open_browser(options=(*USUAL, "--use-fake-ui-for-media-stream", fakes)) as page:
        page.goto(showing.url)
        page.get_by_role("button", name=BUTTON).click()
        until(page, IS_ON)
        for name, kind in (("Camera", CapturedPicture), ("Microphone", CapturedSound)):
            choice = page.get_by_label(name, exact=True)
            choice.wait_for()
            other = choice.evaluate("all => [...all.options].find(one => !one.selected).value")
            choice.select_option(other)
            page.wait_for_timeout(1000)
            assert choice.input_value() == other  # the page asks the browser what is open
            captured = len(of_kind(showing, kind))
            for _ in range(200):
                if len(of_kind(showing, kind)) > captured + 20:
                    break
                page.wait_for_timeout(100)
            else:
                pytest.fail(f"nothing comes from the other {name}")
        assert page.evaluate(IS_ON)
    visits = {
        one.visit for kind in (CapturedPicture, CapturedSound) for one in of_kind(showing, kind)
    }
    assert len(visits) == 1


def of_kind(showing: Showing, kind: type[Captured]) -> list[Captured]:
    return [one for one in showing.asked if isinstance(one, kind)]


@pytest.mark.parametrize(
    ("options", "permissions", "told"),
    [
        ((*USUAL, "--use-fake-device-for-media-stream"), [], "allow both"),
        (USUAL, ["camera", "microphone"], "plug both in"),
    ],
)
def test_the_page_says_what_keeps_it_from_capturing(
    showing: Showing, options: tuple[str, ...], permissions: list[str], told: str
) -> None:
    with open_browser(options=options) as page:
        page.context.grant_permissions(permissions)
        page.goto(showing.url)
        page.get_by_role("button", name=BUTTON).click()
        until(page, f"{SAYS}.includes({told!r})")
        assert page.get_by_role("button", name=BUTTON).get_attribute("aria-pressed") == "false"
        still_shows(page)
    assert showing.stats()["has_source"] == 0


def test_a_run_with_another_source_does_not_ask_for_a_browser() -> None:
    showing = Showing()
    try:
        showing.scene = TWO
        with open_browser() as page:
            page.goto(showing.url)
            until(page, "document.querySelectorAll('.card').length === 3")
            assert not page.is_visible("#capture")
    finally:
        showing.stop()
