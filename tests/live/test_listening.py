"""The listening test in a real browser, from the page to the paper's tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.fakes.clips import ToneClips, write_bank
from tests.live.browser import open_browser
from training.contenders import Contender
from training.judgements import main as judge
from training.listen import main as make_test
from training.listen import questions, write_test
from training.methods import Problem, mixture_itself, oracle_mask
from training.mixing import Mixtures
from training.paper import AUDIO
from training.variants import VARIANTS, View

VIEW = View(AUDIO, "log")
METHODS = {
    "perfect method": Contender(oracle_mask(VIEW, VARIANTS["binary-log"])),
    "lazy method": Contender(mixture_itself),
}
PER_MIXTURE = 2 * len(METHODS) + 4


@pytest.fixture
def test_page(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    mixtures = Mixtures(ToneClips(), VIEW, count=2, seed=3)
    asked = [
        question
        for number in range(2)
        for question in questions(Problem.of(mixtures.solos(number)), METHODS, AUDIO.rate_hz, rng)
    ]
    assert len(asked) == 2 * PER_MIXTURE
    write_test(asked, tmp_path / "test.html")
    return tmp_path / "test.html"


@pytest.fixture
def browser() -> Iterator[Page]:
    with open_browser() as page:
        yield page


def key_of(page: Path) -> dict[str, dict[str, str]]:
    values = json.loads(page.with_suffix(".key.json").read_text())
    return {item["item"]: item for item in values["items"]}


def asked_now(page: Page) -> str:
    return str(page.evaluate("test.items[state.order[state.answers.length]].id"))


def answer(page: Page, value: str) -> None:
    """Click what says so, once the sound has begun."""
    texts = {"both": "Both", "neither": "Neither", "yes": "Yes", "no": "No"}
    if value in texts:
        text = texts[value]
    else:
        place = ("first", "second").index(value)
        text = str(
            page.evaluate(f"test.items[state.order[state.answers.length]].shown[{place}].name")
        )
    page.wait_for_selector(".answers button:enabled")
    page.locator(".answers button", has_text=text).first.click()


def listen(page: Page, judgement: Callable[[str], str], count: int) -> None:
    for _ in range(count):
        answer(page, judgement(asked_now(page)))


def save(page: Page, path: Path) -> Path:
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(path)
    return path


def test_a_good_ear_fills_the_tables(
    browser: Page, test_page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_of(test_page)

    def hears(item: str) -> str:
        if key[item]["method"] == "lazy method" and key[item]["kind"] == "separation":
            return "both"
        return key[item]["right"]

    browser.goto(test_page.as_uri())
    assert "methods" not in browser.content()
    assert not any(name in browser.content() for name in METHODS)
    browser.click("button >> text=Begin")
    listen(browser, hears, 5)
    browser.reload()  # closed in the middle: it goes on where it was
    browser.click("button >> text=Go on")
    listen(browser, hears, 2 * PER_MIXTURE - 5)
    answers = save(browser, tmp_path / "answers-1.json")
    given = json.loads(answers.read_text())["answers"]
    assert {one["item"] for one in given} == set(key)
    assert all(one["ms"] >= 0 for one in given)
    assert judge(["--key", str(test_page.with_suffix(".key.json")), str(answers)]) == 0
    printed = capsys.readouterr().out
    assert "| perfect method | 100.0 (34 to 100) | 0.0 (0 to 66) | 0.0 (0 to 66) |" in printed
    assert "| lazy method | 0.0 (0 to 66) | 0.0 (0 to 66) | 100.0 (34 to 100) |" in printed
    assert "| reference | 100.0 (51 to 100) | 4 |" in printed


def test_the_commands_page_asks_what_its_key_knows(browser: Page, tmp_path: Path) -> None:
    page, bank = tmp_path / "page.html", write_bank(tmp_path / "bank")
    line = ["--bank", str(bank), "--cache", str(tmp_path / "cache"), "--mixtures", "1"]
    assert make_test([*line, "--out", str(page)]) == 0
    key = key_of(page)
    browser.goto(page.as_uri())
    browser.click("button >> text=Begin")
    listen(browser, lambda item: key[item]["right"], len(key))
    answers = json.loads(save(browser, tmp_path / "answers.json").read_text())["answers"]
    assert {one["item"]: one["answer"] for one in answers} == {
        item: one["right"] for item, one in key.items()
    }


def test_keys_answer_and_nothing_can_be_answered_unheard(browser: Page, test_page: Path) -> None:
    browser.add_init_script("HTMLMediaElement.prototype.play = () => Promise.reject(new Error())")
    browser.goto(test_page.as_uri())
    browser.click("button >> text=Begin")
    browser.keyboard.press("1")
    assert browser.evaluate("state.answers.length") == 0
    browser.evaluate("document.querySelector('audio').dispatchEvent(new Event('play'))")
    browser.keyboard.press("1")
    assert browser.evaluate("state.answers.length") == 1


def test_listeners_meet_the_questions_in_orders_of_their_own(
    browser: Page, test_page: Path
) -> None:
    orders = set()
    for _ in range(3):
        browser.goto(test_page.as_uri())
        browser.evaluate("localStorage.clear()")
        browser.reload()
        orders.add(tuple(browser.evaluate("state.order")))
    assert len(orders) > 1
    assert all(sorted(order) == list(range(2 * PER_MIXTURE)) for order in orders)
