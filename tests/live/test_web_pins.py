"""The cards and keys of the page in a real browser: they tell what was set, turn what was hit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Page

from realtime.messages import Control, Scene
from tests.live.browser import open_browser, until
from tests.live.showing import ONE_ALONE, TWO, Showing
from tests.live.test_web_page import CARDS, FLUTE, GUITAR, asked, spot, violations

_GUITAR, _FLUTE = TWO.objects
TURNED = replace(
    TWO,
    objects=(replace(_GUITAR, gain=0.0, set_gain=0.5), replace(_FLUTE, is_pinned=True)),
    muted=(1,),
)
SHUT_OUT = replace(TURNED, muted=(), soloed=(2,), residual_gain=0.0)


@pytest.fixture
def showing() -> Iterator[Showing]:
    here = Showing()
    here.scene = TWO
    yield here
    here.stop()


@pytest.fixture
def page(showing: Showing) -> Iterator[Page]:
    """It shows two objects."""
    with open_browser() as opened:
        opened.goto(showing.url)
        until(opened, f"{CARDS} === 3")
        yield opened


def controls(page: Page, showing: Showing, count: int) -> list[Control]:
    """The first that were asked for, once there are as many."""
    for _ in range(100):
        if len(asked(showing)) >= count:
            break
        page.wait_for_timeout(50)
    found = asked(showing)
    assert len(found) == count
    return found


def show(page: Page, showing: Showing, scene: Scene, number: int, state: str) -> None:
    showing.scene = scene
    until(page, f"document.querySelector('[data-id=\"{number}\"]').dataset.state === '{state}'")


def test_a_card_shows_the_gain_that_was_set_also_while_it_is_not_heard(
    showing: Showing, page: Page
) -> None:
    card = page.locator("[data-id='1']")
    for scene, state in ((TURNED, "muted"), (SHUT_OUT, "off")):
        show(page, showing, scene, 1, state)
        for _ in range(2):
            assert float(card.locator("input").input_value()) == pytest.approx(-6.0, abs=0.3)
            assert card.locator(".db").inner_text() == "−6.0 dB"
            is_lit = card.locator(".mute").get_attribute("aria-pressed")
            assert is_lit == str(state == "muted").lower()
            page.reload()
            until(page, f"{CARDS} === 3")


def test_the_note_tells_what_a_number_did(showing: Showing, page: Page) -> None:
    page.keyboard.press("1")
    assert page.inner_text("#note") == "Muted 1 guitar."
    page.keyboard.press("1")  # nothing has been told meanwhile
    assert page.inner_text("#note") == "Unmuted 1 guitar."
    assert [one.value for one in controls(page, showing, 2)] == [1.0, 0.0]
    show(page, showing, TURNED, 1, "muted")
    page.wait_for_timeout(1100)
    page.keyboard.press("1")
    assert page.inner_text("#note") == "Unmuted 1 guitar."
    assert controls(page, showing, 3)[2].value == 0.0


def test_what_is_pinned_is_let_go_of_by_its_button_and_by_a_key(
    showing: Showing, page: Page
) -> None:
    buttons = page.get_by_role("button", name="Let go of")
    assert buttons.count() == 0
    page.keyboard.press("u")
    assert "Nothing is selected" in page.inner_text("#note")
    show(page, showing, TURNED, 1, "muted")
    assert buttons.count() == 1
    assert page.locator("[data-id='2'] .pinned").is_visible()
    assert violations(page) == []
    button = page.get_by_role("button", name="Let go of 2 flute")
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("u")
    assert page.inner_text("#note") == "Let go of 2 flute."
    for one in controls(page, showing, 2):
        assert (one.kind, one.object_id) == ("unpin", 2)
    showing.scene = TWO
    until(page, "document.activeElement.matches('[data-id=\"2\"] input')")  # where its button was
    page.keyboard.press("u")
    assert page.inner_text("#note") == "Not pinned: 2 flute."
    assert len(asked(showing)) == 2


def test_arrows_turn_what_was_clicked(showing: Showing, page: Page) -> None:
    until(page, "+document.getElementById('view').dataset.captureMs > 0")
    page.keyboard.press("2")
    page.mouse.click(*spot(page, GUITAR))
    page.keyboard.press("ArrowUp")  # it is not known yet what was hit
    show(page, showing, ONE_ALONE, 1, "solo")
    assert page.locator(".card.selected").get_attribute("data-id") == "1"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    _, click, first, second = controls(page, showing, 4)
    assert click.kind == "click"
    assert [(one.kind, one.object_id) for one in (first, second)] == [("gain", 1)] * 2
    assert first.value == pytest.approx(10 ** (1.5 / 20))
    assert second.value == pytest.approx(10 ** (3.0 / 20))
    assert page.locator("#cross").is_hidden()
    page.keyboard.press("2")
    page.mouse.click(*spot(page, GUITAR))
    show(page, showing, TWO, 1, "")  # clicked again: all are heard
    assert page.locator(".card.selected").get_attribute("data-id") == "1"


def test_arrows_move_the_cross_once_the_keyboard_is_on_the_picture(
    showing: Showing, page: Page
) -> None:
    until(page, "+document.getElementById('view').dataset.captureMs > 0")
    page.keyboard.press("2")
    page.locator("#views :checked").focus()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "view"
    page.keyboard.press("ArrowUp")
    assert page.locator("#cross").is_visible()
    assert [one.kind for one in controls(page, showing, 1)] == ["mute"]
    page.mouse.click(*spot(page, FLUTE))  # the pointer takes it away again
    assert page.evaluate("document.activeElement.id") != "view"
    assert page.locator("#cross").is_hidden()
    show(page, showing, replace(ONE_ALONE, soloed=(2,)), 2, "solo")
    page.keyboard.press("ArrowDown")
    assert controls(page, showing, 3)[2].object_id == 2


def test_one_press_of_q_ends_nothing(showing: Showing, page: Page) -> None:
    page.keyboard.down("q")
    page.keyboard.down("q")  # it repeats while it is held
    page.keyboard.up("q")
    assert page.inner_text("#note") == "Press Q again to end the run for everybody."
    page.wait_for_timeout(6500)
    assert page.inner_text("#note") == ""
    page.keyboard.press("q")
    page.wait_for_timeout(300)
    assert asked(showing) == []
    page.keyboard.press("q")
    assert [one.kind for one in controls(page, showing, 1)] == ["quit"]


@pytest.mark.parametrize("kind", ["text", "password", "search", "number"])
def test_what_is_typed_is_no_shortcut(showing: Showing, page: Page, kind: str) -> None:
    page.evaluate(
        """kind => {
          const input = Object.assign(document.createElement("input"), {type: kind, id: "typed"});
          input.setAttribute("aria-label", "typed");
          document.querySelector("main").prepend(input);
          input.focus();
        }""",
        kind,
    )
    for key in ("q", "q", "1", "r", "p", "u", "s", "t", "v", "ArrowUp", "Escape"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert asked(showing) == []
    assert page.inner_text("#note") == ""
