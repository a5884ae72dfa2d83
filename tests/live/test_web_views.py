"""Pictures to choose from, and a spectrogram on every card, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Page

from pixelplayer.bands import to_levels
from realtime.messages import Message
from realtime.spectra import ObjectSpectra, PixelSpectra
from realtime.wishes import Show
from tests.live.browser import open_browser, until
from tests.live.showing import TWO, Showing
from tests.live.test_web_page import CARDS, violations
from tests.realtime.sinks.examples import scene

COLUMN_NS = 23_219_955
BANDS = 64
GUITAR_BAND, FLUTE_BAND = 12, 40  # of the tone that each of the two plays
LOUD, SILENT = 1e-3, 1e-12
DIM = 15  # the dark picture that is shown, dimmed


class Playing:
    """Two columns of both objects' spectra, and a column of the pixels', every 46 ms."""

    def __init__(self) -> None:
        self._due_ns = 0

    def __call__(self, now_ns: int) -> list[Message]:
        if now_ns < self._due_ns:
            return []
        self._due_ns = now_ns + 2 * COLUMN_NS
        power = np.full((BANDS, 2), SILENT, np.float32)
        power[[GUITAR_BAND, FLUTE_BAND]] = LOUD
        shares = np.zeros((3, BANDS, 2), np.uint8)
        shares[0, : BANDS // 2] = shares[1, BANDS // 2 :] = 255
        pixels = np.full((8, 8, 32), SILENT, np.float32)
        pixels[6, 1, 6] = LOUD
        return [
            ObjectSpectra(
                stream="test",
                sequence=0,
                capture_ns=now_ns - 2 * COLUMN_NS,
                column_ns=COLUMN_NS,
                object_ids=(1, 2),
                levels=to_levels(power),
                shares=shares,
            ),
            PixelSpectra(
                stream="test",
                sequence=0,
                capture_ns=now_ns - 2 * COLUMN_NS,
                duration_ns=2 * COLUMN_NS,
                shot=0,
                levels=to_levels(pixels),
            ),
        ]


@pytest.fixture
def showing() -> Iterator[Showing]:
    here = Showing()
    here.scene = TWO
    here.spectra = Playing()
    yield here
    here.stop()


def wishes(showing: Showing) -> list[tuple[str, ...]]:
    return [message.what for message in showing.asked if isinstance(message, Show)]


def strip(card: int) -> str:
    """Of a card's spectrogram the newest columns, from the lowest band up: [red, green, blue]."""
    return f"""(() => {{
      const canvas = document.querySelector('[data-id="{card}"] canvas');
      const one = canvas.getContext('2d').getImageData(canvas.width - 1, 0, 1, canvas.height).data;
      return Array.from({{length: canvas.height}}, (_, place) => [...one.slice(4 * place, 4 * place + 3)]).reverse();
    }})()"""  # noqa: E501


def filled(card: int) -> str:
    """How many columns of it are not empty."""
    return f"""(() => {{
      const canvas = document.querySelector('[data-id="{card}"] canvas');
      const row = canvas.getContext('2d').getImageData(0, 0, canvas.width, 1).data;
      return row.filter((value, place) => place % 4 === 3 && value === 255).length;
    }})()"""


def mean_light(page: Page, place: tuple[float, float]) -> float:
    """Of the picture around a point, 0..255."""
    found = page.evaluate(f"""(() => {{
      const view = document.getElementById('view');
      const x = Math.round({place[0]} * view.width), y = Math.round({place[1]} * view.height);
      const data = view.getContext('2d').getImageData(x - 8, y - 8, 16, 16).data;
      return data.filter((_, place) => place % 4 !== 3).reduce((sum, one) => sum + one) / (3 * 256);
    }})()""")
    return float(found)


def at_last(page: Page, is_it: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(200):
        if is_it():
            return
        page.wait_for_timeout(100)
    pytest.fail("it never came")


def test_each_card_shows_what_of_the_mixture_is_its_objects(showing: Showing) -> None:
    with open_browser() as page:
        page.goto(showing.url)
        until(page, f"{CARDS} === 3")
        until(page, f"{filled(1)} >= 20")
        few = page.evaluate(filled(1))
        assert few < 256  # what was before is not known
        guitar, flute, rest = (page.evaluate(strip(card)) for card in (1, 2, 0))
        assert len(guitar) == len(flute) == len(rest) == BANDS
        for band, mine, others in (
            (GUITAR_BAND, guitar, (flute, rest)),
            (FLUTE_BAND, flute, (guitar, rest)),
        ):
            assert max(mine[band]) > 180
            assert max(mine[band]) - min(mine[band]) > 40  # it has a colour
            for other in others:
                assert max(other[band]) - min(other[band]) < 4  # grey: it is another's
                assert 50 < max(other[band]) < max(mine[band])
        for dark in (guitar[0], guitar[BANDS // 2], flute[5]):
            assert max(dark) < 40
        until(page, f"{filled(1)} > {few}")  # and it goes on
        assert ("objects",) in wishes(showing)
        label = page.locator("[data-id='1'] canvas").get_attribute("aria-label")
        assert label == "the last six seconds of 1 guitar"


def columns(first: int, count: int) -> str:
    """What stands there in the guitar's spectrogram."""
    return f"""(() => {{
      const canvas = document.querySelector('[data-id="1"] canvas');
      return [...canvas.getContext('2d').getImageData({first}, 0, {count}, canvas.height).data];
    }})()"""


def test_nothing_scrolls_for_who_wants_less_motion(showing: Showing) -> None:
    with open_browser() as page:
        page.emulate_media(reduced_motion="reduce")
        page.goto(showing.url)
        until(page, f"{CARDS} === 3")
        until(page, f"{filled(1)} >= 30")
        oldest = page.evaluate(columns(0, 16))
        assert any(oldest)
        until(page, f"{filled(1)} >= 60")
        assert page.evaluate(columns(0, 16)) == oldest
        until(page, f"{filled(1)} >= 245")  # all but what is cleared for the newest
        page.wait_for_timeout(1000)
        assert 245 <= page.evaluate(filled(1)) <= 250
        assert violations(page) == []


def test_spectrograms_are_asked_for_while_they_can_be_seen(showing: Showing) -> None:
    with open_browser(390, 300) as page:  # the cards are below
        page.goto(showing.url)
        until(page, f"{CARDS} === 3")
        page.wait_for_timeout(500)
        assert wishes(showing) == []
        page.locator("[data-id='1']").scroll_into_view_if_needed()
        until(page, f"{filled(1)} > 4")
        page.evaluate("window.scrollTo(0, 0)")
        page.wait_for_timeout(500)
        before = len(wishes(showing))
        page.wait_for_timeout(1500)  # a wish is said every second
        assert len(wishes(showing)) == before
        showing.stop()
        showing.start()
        until(page, "document.getElementById('link').textContent === 'live'")
        page.locator("[data-id='1']").scroll_into_view_if_needed()
        many = page.evaluate(filled(1))
        until(page, f"{filled(1)} > {many}")


def test_the_picture_is_chosen_with_the_mouse_and_with_keys(showing: Showing) -> None:
    lit, hot, dark = (1.5 / 8, 6.79 / 8), (4.5 / 8, 2.5 / 8), (0.8, 0.3)
    showing.scene = scene(list(TWO.objects), hot=[(2, 4)])
    chosen = "document.querySelector('#views :checked').value"
    with open_browser() as page:
        page.goto(showing.url)
        until(page, "+document.getElementById('view').dataset.captureMs > 0")
        assert page.evaluate(chosen) == "objects"
        page.focus("#view")
        page.keyboard.press("Tab")  # next comes the choice
        page.keyboard.press("ArrowRight")
        assert page.evaluate(chosen) == "sounds"
        until(page, "document.getElementById('view-hint').textContent.includes('spectrogram')")
        at_last(page, lambda: any("pixels" in wish for wish in wishes(showing)))
        at_last(page, lambda: mean_light(page, lit) > mean_light(page, dark) + 8)
        page.get_by_role("radio", name="Energy").check()
        at_last(page, lambda: mean_light(page, hot) > 100)
        assert mean_light(page, dark) < DIM
        page.locator("#objects").hover()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("v")
        assert page.evaluate(chosen) == "clusters"
        showing.stop()
        until(page, "document.getElementById('link').dataset.state === 'waiting'")
        showing.start()
        until(page, "document.getElementById('link').textContent === 'live'")
        now_ms = page.evaluate("+document.getElementById('view').dataset.captureMs")
        until(page, f"+document.getElementById('view').dataset.captureMs > {now_ms} + 1000")
        assert mean_light(page, dark) < DIM  # it is told again what is looked at
        page.keyboard.press("v")
        assert page.evaluate(chosen) == "objects"
        gains = [one for one in showing.asked if getattr(one, "kind", "") == "gain"]
        assert gains == []  # arrows that choose a picture turn no gain


def test_two_viewers_look_at_two_pictures(showing: Showing) -> None:
    showing.scene = scene(list(TWO.objects), hot=[(2, 4)])
    orange = """(() => {
      const view = document.getElementById('view');
      const data = view.getContext('2d').getImageData(0, 0, view.width / 2, view.height).data;
      let count = 0;
      for (let at = 0; at < data.length; at += 4)
        count += Math.abs(data[at] - 230) < 30 && Math.abs(data[at + 1] - 159) < 30 && data[at + 2] < 40;
      return count;
    })()"""  # noqa: E501
    with open_browser() as page:
        page.goto(showing.url)
        assert page.context.browser is not None
        other = page.context.browser.new_page()
        other.goto(showing.url)
        other.get_by_role("radio", name="Energy").check()
        until(page, f"{orange} > 300")
        until(other, f"{orange} === 0")
        assert page.evaluate(orange) > 300


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_anyone_from_pictures(
    showing: Showing, width: int, height: int, scheme: Literal["light", "dark"]
) -> None:
    with open_browser(width, height) as page:
        page.emulate_media(color_scheme=scheme)
        page.goto(showing.url)
        until(page, f"{CARDS} === 3")
        for name in ("Sounds", "Energy", "Clusters", "Objects"):
            page.get_by_role("radio", name=name).check()
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
