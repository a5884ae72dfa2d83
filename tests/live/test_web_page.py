"""The page in a real browser: it shows the demo, and a click on an instrument leaves it alone."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from realtime.desk import Part, Present, Recording
from realtime.messages import Control
from tests.live.browser import open_browser, until
from tests.live.parts import end_process
from tests.live.showing import ONE_ALONE, TWO, Showing

Scheme = Literal["light", "dark"]

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
def showing() -> Iterator[Showing]:
    here = Showing()
    yield here
    here.stop()


@pytest.fixture
def page() -> Iterator[Page]:
    with open_browser() as opened:
        yield opened


SOLOED = (
    "[...document.querySelectorAll('.card')].filter(one => one.dataset.state === 'solo').length"
)
HEARD = "document.querySelectorAll('.card:not(.off)').length"
CARDS = "document.querySelectorAll('.card').length"


def spot(page: Page, place: tuple[float, float]) -> tuple[float, float]:
    """Where a point of the picture is on the page."""
    box = page.locator("#view").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * place[0], box["y"] + box["height"] * place[1]


def test_a_click_leaves_one_instrument(address: str, page: Page) -> None:
    page.goto(address)
    until(page, f"{CARDS} >= 3")
    until(page, "+document.getElementById('view').dataset.captureMs > 0")
    assert page.evaluate(SOLOED) == 0
    for place in (GUITAR, FLUTE):
        page.mouse.click(*spot(page, place))
        until(page, f"{SOLOED} === 1 && {HEARD} === 1")
        assert page.locator("#objects button[aria-pressed=true]").count() == 1
        page.keyboard.press("ArrowUp")  # of the one that was clicked, and of no other
        until(page, "+document.querySelector('[data-state=solo]').dataset.gain > 1.1")
        assert page.locator("[data-state=solo].selected").count() == 1
        page.click("#all")
        until(page, f"{SOLOED} === 0 && {HEARD} === {CARDS}")


def test_a_drag_pins_an_object_where_it_ends(showing: Showing, page: Page) -> None:
    showing.scene = TWO
    page.goto(showing.url)
    until(page, "+document.getElementById('view').dataset.captureMs > 0")
    page.mouse.move(*spot(page, GUITAR))
    page.mouse.down()
    page.mouse.move(*spot(page, (0.5, 0.5)), steps=4)
    assert page.locator("#cross").is_visible()
    page.mouse.move(*spot(page, FLUTE))
    page.mouse.up()
    assert page.locator("#cross").is_hidden()
    page.mouse.click(*spot(page, GUITAR))
    for _ in range(100):
        if len(asked(showing)) >= 2:
            break
        page.wait_for_timeout(50)
    pin, click = asked(showing)
    assert (pin.kind, click.kind) == ("pin", "click")
    assert (pin.x, pin.y) == pytest.approx(FLUTE, abs=0.01)
    assert (click.x, click.y) == pytest.approx(GUITAR, abs=0.01)


def test_a_browser_that_decodes_in_one_way_alone_shows_pictures(
    showing: Showing, page: Page
) -> None:
    """Off this machine and without TLS, browsers do not give their decoders to scripts."""
    page.add_init_script("delete window.ImageDecoder")
    showing.scene = TWO
    page.goto(showing.url)
    until(page, "+document.getElementById('view').dataset.captureMs > 0")
    assert not page.evaluate("'ImageDecoder' in window")
    assert page.evaluate("document.getElementById('view').width") == 640


def asked(showing: Showing) -> list[Control]:
    return [one for one in showing.asked if isinstance(one, Control)]


# How light the picture is around a point, 0..255, and how much more of it is red than blue.
LOOK = """([x, y]) => {
  const view = document.getElementById('view');
  const around = view.getContext('2d').getImageData(x * view.width - 6, y * view.height - 6, 12, 12).data;
  const mean = one => around.filter((_, place) => place % 4 === one).reduce((sum, each) => sum + each) / 144;
  return [(mean(0) + mean(1) + mean(2)) / 3, mean(0) - mean(2)];
}"""  # noqa: E501
NOWHERE = ((0.5, 0.9), (0.06, 0.1), (0.5, 0.08))
# How many points within a box are bright and more red than blue, as the colours of sounds are.
GLOWING = """([x0, y0, x1, y1]) => {
  const view = document.getElementById('view'), {width, height} = view;
  const box = [x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height].map(Math.round);
  const {data} = view.getContext('2d').getImageData(...box);
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    count += data[at] > 150 && data[at] - data[at + 2] > 50;
  return count;
}"""
# Of a card's spectrogram: how many points have a colour, and how many have none and are lit.
POINTS = """id => {
  const canvas = document.querySelector(`[data-id="${id}"] canvas`);
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let coloured = 0, grey = 0;
  for (let at = 0; at < data.length; at += 4) {
    const lights = [...data.slice(at, at + 3)], most = Math.max(...lights);
    if (most - Math.min(...lights) > 60) coloured++;
    else if (most > 60 && most - Math.min(...lights) < 8) grey++;
  }
  return [coloured, grey];
}"""


def test_the_papers_pictures_show_the_duet(address: str, page: Page) -> None:
    """Bright is what sounds, and nothing else; the two have two colours, and their notes."""
    page.goto(address)
    until(page, f"{CARDS} >= 3")
    for card in (1, 2):
        until(page, f"({POINTS})({card})[0] > 300 && ({POINTS})({card})[1] > 300")
    assert page.evaluate(POINTS, 0)[0] == 0  # the rest has the colour grey
    page.get_by_role("radio", name="Energy").check()
    for place in (GUITAR, FLUTE):  # each rests now and then
        until(page, f"({LOOK})([{place[0]}, {place[1]}])[0] > 90")
    assert max(page.evaluate(LOOK, list(place))[0] for place in NOWHERE) < 60
    page.get_by_role("radio", name="Clusters").check()
    one, other = (f"({LOOK})([{place[0]}, {place[1]}])[1]" for place in (GUITAR, FLUTE))
    until(page, f"Math.min({one}, {other}) < -30 && Math.max({one}, {other}) > 30")
    page.get_by_role("radio", name="Sounds").check()
    for box in ([0.15, 0.3, 0.4, 0.9], [0.55, 0.2, 0.95, 0.8]):
        until(page, f"({GLOWING})({box}) > 50")
    assert page.evaluate(GLOWING, [0, 0, 0.1, 1]) == 0


def test_all_can_be_done_with_keys(address: str, page: Page) -> None:
    page.goto(address)
    until(page, f"{CARDS} >= 3")
    page.keyboard.press("1")
    until(page, "document.querySelector('[data-id=\"1\"]').dataset.state === 'muted'")
    page.keyboard.press("1")
    until(page, "document.querySelector('[data-id=\"1\"]').dataset.state === ''")
    page.keyboard.press("ArrowUp")
    until(page, "+document.querySelector('[data-id=\"1\"]').dataset.gain > 1.1")
    page.keyboard.press("Tab")  # the picture is first
    assert page.evaluate("document.activeElement.id") == "view"
    for _ in range(11):  # the cross, from the middle to the guitar
        page.keyboard.press("ArrowLeft")
    assert page.is_visible("#cross")
    page.keyboard.press("Enter")
    until(page, f"{SOLOED} === 1 && {HEARD} === 1")
    page.keyboard.press("Escape")
    until(page, f"{SOLOED} === 0")
    page.get_by_role("button", name="Solo residual").focus()
    page.keyboard.press("Space")
    until(page, "document.querySelector('[data-id=\"0\"]').dataset.state === 'solo'")


def test_the_dial_is_turned_on_the_page(address: str, page: Page) -> None:
    """Its list is what the model can do, wherever the dial stands."""
    page.goto(address)
    offered = "[...document.getElementById('ahead').options].map(one => one.text)"
    shown = "document.getElementById('ahead').selectedOptions[0]?.text"
    told = "+document.getElementById('ahead').dataset.ms"
    until(page, f"Math.abs({told} - 92.9) < 1 && {shown} === '93 ms'")
    assert page.evaluate(offered) == ["-23 ms", "0 ms", "93 ms"]
    page.select_option("#ahead", label="0 ms")
    until(page, f"Math.abs({told}) < 1 && {shown} === '0 ms'")
    page.locator("#view").hover()
    page.keyboard.press("[")  # what the model knows next
    until(page, f"Math.abs({told} + 23.2) < 1 && {shown} === '-23 ms'")
    assert page.evaluate(offered) == ["-23 ms", "0 ms", "93 ms"]
    page.keyboard.press("[")  # there is no less
    page.keyboard.press("]")
    until(page, f"Math.abs({told}) < 1 && {shown} === '0 ms'")
    assert not page.inner_text("#note")


def test_the_page_says_when_the_program_has_ended(address: str, page: Page) -> None:
    page.goto(address)
    until(page, f"{CARDS} > 0")
    page.keyboard.press("q")
    assert "Press Q again" in page.inner_text("#note")
    page.wait_for_timeout(1000)
    assert page.inner_text("#link") == "live"  # nobody's run has ended
    page.keyboard.press("q")
    until(page, "document.getElementById('link').textContent.includes('the program has ended')")
    page.keyboard.press("r")
    until(page, "document.getElementById('note').textContent.includes('Not connected')")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_anyone_from_the_page(
    showing: Showing, width: int, height: int, scheme: Scheme
) -> None:
    """No rule of axe-core is broken: before the first scene, with objects, one alone, and away."""
    with open_browser(width, height) as page:
        page.emulate_media(color_scheme=scheme)
        page.goto(showing.url)
        until(page, "document.getElementById('link').textContent === 'live'")
        assert violations(page) == []
        showing.scene = TWO
        until(page, f"{CARDS} === 3")
        page.focus("#view")
        assert violations(page) == []
        showing.scene = ONE_ALONE
        until(page, f"{SOLOED} === 1")
        assert violations(page) == []
        showing.desk = (recording(), present("speaker"), present("microphone"))
        page.click("#rig summary")
        until(page, "document.getElementById('record').innerText === '1:05'")
        assert violations(page) == []
        showing.desk = (
            recording(said="recorded 65.0 s in /home/ada/recordings/2026-11-27-101500"),
            present("speaker", said="'USB Headset' does not answer; 'Built-in Audio' goes on"),
        )
        until(page, "document.getElementById('chosen').classList.contains('refused')")
        until(page, "document.getElementById('recorded').innerText.includes('101500')")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        showing.stop()
        until(page, "document.getElementById('link').dataset.state === 'waiting'")
        assert violations(page) == []


def recording(said: str = "") -> Recording:
    """One that is on for 65 s, or has ended as is said."""
    began_ns = time.monotonic_ns() - 65_200_000_000
    return Recording(
        stream="test",
        sequence=0,
        is_on=not said,
        began_ns=began_ns,
        said=said,
        number=int(bool(said)),
        is_refusal=False,
    )


def present(part: Part, said: str = "") -> Present:
    return Present(
        stream="test",
        sequence=0,
        part=part,
        name="Built-in Audio",
        said=said,
        number=int(bool(said)),
        is_refusal=bool(said),
    )


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


def test_a_lost_connection_comes_back_by_itself(showing: Showing) -> None:
    with open_browser() as page:
        page.goto(showing.url)
        showing.scene = TWO
        until(page, f"{CARDS} === 3")
        showing.stop()
        until(page, "document.getElementById('link').textContent.includes('trying again')")
        showing.scene = ONE_ALONE
        showing.start()
        until(page, "document.getElementById('link').textContent === 'live'")
        until(page, f"{SOLOED} === 1")
        shown = page.evaluate("document.getElementById('view').dataset.captureMs")
        until(page, f"document.getElementById('view').dataset.captureMs !== '{shown}'")


def test_two_browsers_see_what_either_does(address: str, page: Page) -> None:
    page.goto(address)
    until(page, f"{CARDS} >= 3")
    assert page.context.browser is not None
    other = page.context.browser.new_page()
    other.goto(address)
    until(other, f"{CARDS} >= 3")
    other.get_by_role("button", name="Mute residual").click()
    until(page, "document.querySelector('[data-id=\"0\"]').dataset.state === 'muted'")
