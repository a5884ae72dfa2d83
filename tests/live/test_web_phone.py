"""The page on a phone, and without its player: what fingers do, what fits, and what is stale."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import CDPSession, Page

from realtime.desk import Present
from realtime.messages import Stats
from tests.live.browser import open_browser, until
from tests.live.showing import TWO, Showing
from tests.live.test_web_page import CARDS, GUITAR, Scheme, asked, present, spot, violations

UPRIGHT, LYING = (390, 844), (844, 390)
SHOWN = "+document.getElementById('view').dataset.captureMs > 0"


@pytest.fixture
def showing() -> Iterator[Showing]:
    here = Showing()
    here.scene = TWO
    yield here
    here.stop()


@contextmanager
def phone(showing: Showing, size: tuple[int, int] = UPRIGHT) -> Iterator[Page]:
    """It has a touch screen and no mouse, and shows two objects."""
    width, height = size
    with open_browser() as desk:
        assert desk.context.browser is not None
        page = desk.context.browser.new_page(
            viewport={"width": width, "height": height}, has_touch=True, is_mobile=True
        )
        page.goto(showing.url)
        until(page, f"{CARDS} === 3 && {SHOWN}")
        yield page


def touch(session: CDPSession, kind: str, *places: tuple[float, float]) -> None:
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_finger_that_stays_pins_and_a_tap_is_a_click(showing: Showing) -> None:
    with phone(showing) as page:
        assert page.locator("#touch-hint").is_visible()
        assert "Tap and hold" in page.inner_text("#touch-hint")
        session = page.context.new_cdp_session(page)
        place = spot(page, GUITAR)
        touch(session, "touchStart", place)
        page.wait_for_timeout(700)
        assert page.locator("#cross").is_visible()
        touch(session, "touchEnd")
        assert page.locator("#cross").is_hidden()
        touch(session, "touchStart", place)
        touch(session, "touchMove", (place[0], place[1] + 30))  # it scrolls
        page.wait_for_timeout(700)
        touch(session, "touchEnd")
        touch(session, "touchStart", place)
        touch(session, "touchStart", place, (place[0] + 60, place[1]))  # it zooms
        page.wait_for_timeout(700)
        touch(session, "touchEnd")
        page.evaluate("window.scrollTo(0, 0)")
        page.wait_for_timeout(500)
        page.touchscreen.tap(*spot(page, GUITAR))
        page.wait_for_timeout(500)
        pin, click = asked(showing)
        assert (pin.kind, click.kind) == ("pin", "click")
        for one in (pin, click):
            assert (one.x, one.y) == pytest.approx(GUITAR, abs=0.01)


def test_who_has_a_mouse_is_told_nothing_of_taps(showing: Showing) -> None:
    with open_browser() as page:
        page.goto(showing.url)
        assert page.locator("#touch-hint").is_hidden()


@pytest.mark.parametrize("size", [UPRIGHT, LYING])
def test_the_whole_picture_is_seen_at_once(showing: Showing, size: tuple[int, int]) -> None:
    with phone(showing, size) as page:
        box = page.locator("#view").bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= size[1]
        assert box["height"] > 0.2 * size[1]


@pytest.mark.parametrize("width", [390, 600, 900, 1280])
def test_nothing_moves_as_another_picture_is_chosen(showing: Showing, width: int) -> None:
    with open_browser(width, 844) as page:
        page.goto(showing.url)
        until(page, f"{CARDS} === 3 && {SHOWN}")
        places = set()
        for name in ("Objects", "Sounds", "Energy", "Clusters"):
            page.get_by_role("radio", name=name).check()
            box = page.locator("#tools").bounding_box()
            assert box is not None
            places.add(box["y"])
        assert len(places) == 1


def test_what_is_waited_for_is_said_in_the_middle(showing: Showing) -> None:
    with open_browser(*UPRIGHT) as page:
        page.route("**/main.js", lambda route: route.abort())
        page.goto(showing.url)
        page.evaluate(
            "document.getElementById('waiting').textContent ="
            " 'waiting for a camera: press the button below, here or in another browser'"
        )
        left, right = page.evaluate(
            """(() => {
              const words = document.createRange();
              words.selectNodeContents(document.getElementById('waiting'));
              const text = words.getBoundingClientRect();
              const frame = document.getElementById('frame').getBoundingClientRect();
              return [text.left - frame.left, frame.right - text.right];
            })()"""
        )
        assert min(left, right) >= 16
        assert left == pytest.approx(right, abs=2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_was_before_the_player_went_looks_stale(showing: Showing, scheme: Scheme) -> None:
    light = "getComputedStyle(document.getElementById('view')).filter"
    with open_browser(*UPRIGHT) as page:
        page.emulate_media(color_scheme=scheme)
        page.goto(showing.url)
        until(page, f"{CARDS} === 3 && {SHOWN}")
        assert page.evaluate(light) == "none"
        assert page.locator("#waiting").is_hidden()
        showing.stop()
        until(page, "document.body.classList.contains('stale')")
        assert "grayscale" in page.evaluate(light)
        assert page.locator("#waiting").is_visible()
        assert page.inner_text("#waiting") == "Not connected: this is the last picture."
        until(page, "[...document.querySelectorAll('.value')].every(one => one.innerText === '–')")
        assert violations(page) == []
        showing.start()
        until(page, "document.getElementById('waiting').hidden")
        assert page.evaluate(light) == "none"


def told(**values: float) -> Stats:
    return Stats(stream="test", sequence=0, stage="speaker", values=values)


DRAW = """async values => {
  const {Graphs} = await import('/graphs.js');
  const list = document.createElement('ul');
  const graphs = new Graphs(list, [{key: 'early', what: '', unit: ' ms'}]);
  for (const early of values) {
    graphs.take({early});
    graphs.tick();
  }
  return ['.values', '.zero', '.value'].map(one => {
    const part = list.querySelector(one);
    return part.getAttribute('d') ?? part.textContent;
  });
}"""


def test_a_number_below_zero_is_seen(showing: Showing) -> None:
    with open_browser() as page:
        page.goto(showing.url)
        line, zero, value = page.evaluate(DRAW, [20, -40, -80])
        heights = [float(point.split()[1]) for point in line[1:].split("L")]
        level = float(zero.split()[1].split("H")[0])
        assert 0 < heights[0] < level < heights[1] < heights[2] < 30
        assert value == "-80 ms"
        _, zero, _ = page.evaluate(DRAW, [20, 40])
        assert zero == ""  # it is the edge


def test_before_anything_is_played_there_is_no_delay(showing: Showing) -> None:
    value = "document.querySelector('#graphs .value').innerText"
    with open_browser() as page:
        page.goto(showing.url)
        showing.desk = (told(latency_ms=0.0),)
        until(page, f"{CARDS} === 3 && {SHOWN}")
        page.wait_for_timeout(1000)
        assert page.evaluate(value) == "–"
        showing.desk = (told(latency_ms=151.0),)
        until(page, f"{value} === '151 ms'")


def test_it_is_said_of_what_how_much_was_lost(showing: Showing) -> None:
    with open_browser() as page:
        page.goto(showing.url)
        until(page, "document.getElementById('causes').innerText === 'nothing lost'")
        showing.desk = (told(dropped_video=1153.0),)
        until(page, "document.getElementById('causes').innerText === '1153 pictures skipped'")


def test_who_opens_the_lists_is_told_that_they_are_looked_up(showing: Showing) -> None:
    speaker: Present = present("speaker")
    showing.desk = (speaker,)
    says = """(() => {
      const said = document.getElementById('chosen');
      window.said = [];
      const look = new MutationObserver(() => window.said.push(said.textContent));
      look.observe(said, {childList: true});
    })()"""
    with open_browser() as page:
        page.goto(showing.url)
        until(page, "!document.getElementById('rig').hidden")
        page.evaluate(says)
        page.click("#rig summary")
        until(page, "window.said.length === 2")
        assert page.evaluate("window.said") == ["Looking for what there is…", ""]
