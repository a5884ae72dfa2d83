"""The page behind its token, in a real browser that came from another address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from realtime.page_options import PageOptions
from tests.live.browser import open_browser, until
from tests.live.capturing import BUTTON, IS_ON, SHOWN, USUAL, Film
from tests.live.showing import TWO, Showing
from tests.live.test_web_page import Scheme, violations
from tests.realtime.sinks.certificate import self_signed
from tests.realtime.sinks.test_web_elsewhere import TOKEN, free_port, own_address

LIVE = "document.getElementById('link').textContent === 'live'"
DOOR = "!document.getElementById('door').hidden"


@pytest.fixture
def showing() -> Iterator[Showing]:
    page = PageOptions(address=f"0.0.0.0:{free_port()}", token=TOKEN)
    here = Showing(page=page, captures=True)
    here.scene = TWO
    yield here
    here.stop()


def at(showing: Showing, host: str, fragment: str = f"#token={TOKEN}") -> str:
    scheme, _, rest = showing.url.partition("://")
    return f"{scheme}://{host}:{rest.partition('/')[0].rpartition(':')[2]}/{fragment}"


def test_the_printed_address_opens_the_page_and_leaves_no_token_in_sight(showing: Showing) -> None:
    with open_browser() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(at(showing, own_address()))
        until(page, f"{LIVE} && {SHOWN}")
        assert TOKEN not in page.url
        assert page.evaluate("document.cookie") == ""
        page.reload()
        until(page, f"{LIVE} && {SHOWN}")
        assert not page.is_visible("#door")
        assert not any(TOKEN in url.partition("#")[0] for url in asked)
    assert showing.stats()["refused_tokens"] == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_it_the_page_asks_for_it(showing: Showing, scheme: Scheme) -> None:
    with open_browser(390, 844) as page:
        page.emulate_media(color_scheme=scheme)
        page.goto(at(showing, own_address(), ""))
        until(page, DOOR)
        assert page.evaluate("document.activeElement.id") == "token"
        assert violations(page) == []
        page.keyboard.type("this-is-not-the-token")
        page.keyboard.press("Enter")
        until(page, "document.querySelector('#door [role=alert]')?.textContent.includes('wrong')")
        assert violations(page) == []
        page.keyboard.type(f"http://box:8765/#token={TOKEN}")
        page.keyboard.press("Enter")
        until(page, f"{LIVE} && {SHOWN} && !({DOOR})")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert violations(page) == []


def test_over_http_from_elsewhere_the_page_says_what_to_do(showing: Showing) -> None:
    with open_browser() as page:
        page.goto(at(showing, own_address()))
        until(page, f"{LIVE} && {SHOWN}")
        page.get_by_role("button", name=BUTTON).click()
        says(page, "#capture p")
        page.get_by_role("button", name="Hear it here").click()
        says(page, "#note")
        assert violations(page) == []


def says(page: Page, place: str) -> None:
    text = page.inner_text(place)
    assert "--web-certificate" in text
    assert f"ssh -L {page.evaluate('location.port')}:localhost:" in text


def test_with_a_certificate_camera_microphone_and_sound_work_from_elsewhere(
    tmp_path: Path,
) -> None:
    host = own_address()
    certificate, key = self_signed(tmp_path, f"IP:{host}")
    options = PageOptions(
        address=f"0.0.0.0:{free_port()}",
        token=TOKEN,
        certificate=str(certificate),
        key=str(key),
    )
    showing = Showing(page=options, captures=True)
    film = Film(tmp_path)
    try:
        showing.scene = TWO
        # As one who has told the system to trust it.
        trusting = (*film.options, "--ignore-certificate-errors")
        with open_browser(options=trusting) as page:
            page.goto(at(showing, host))
            until(page, f"{LIVE} && {SHOWN}")
            assert page.evaluate("window.isSecureContext")
            page.get_by_role("button", name=BUTTON).click()
            until(page, IS_ON)
            assert violations(page) == []
            page.get_by_role("button", name="Hear it here").click()
            until(page, "document.getElementById('view').dataset.behindMs !== undefined")
        assert any(type(one).__name__ == "CapturedSound" for one in showing.asked)
    finally:
        showing.stop()


def test_an_open_page_asks_for_the_new_token(showing: Showing) -> None:
    """A page that is open when another token becomes the right one asks for it."""
    with open_browser(options=USUAL) as page:
        page.goto(at(showing, "127.0.0.1"))
        until(page, LIVE)
        showing.stop()
        showing._served["page"] = PageOptions(
            address=f"0.0.0.0:{page.evaluate('+location.port')}", token=TOKEN[::-1]
        )
        showing.start()
        until(page, DOOR)
        page.fill("#token", TOKEN[::-1])
        page.get_by_role("button", name="Enter").click()
        until(page, LIVE)
