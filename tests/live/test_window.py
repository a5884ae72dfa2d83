"""The window on a real (virtual) screen, with a real mouse and real keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.sinks.layout import Layout, lay_out
from realtime.sinks.rows import row_of
from tests.live.display import Display
from tests.live.parts import end_process, needed_program
from tests.realtime.sinks.examples import BLUE, ORANGE

ROOT = Path(__file__).parents[2]
RED = (64, 64, 232)  # of the mark of a recording
WHITE = (238, 235, 232)


class ShownWindow:
    """The program `tests.live.show` on a display, and the hand that uses it."""

    def __init__(self, display: Display, **environment: str) -> None:
        self._display = display
        self._xdotool = needed_program("xdotool", "xdotool")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.show"],
            env={**display.environment, **environment},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self.line() == "open"
        self.id = self.do("search", "--name", "^PixelPlayer$").split()[-1]

    def line(self) -> str:
        """The next line that the program says; empty when it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def control(self) -> dict[str, object]:
        """The next control."""
        fields: dict[str, object] = json.loads(self.line())
        return {name: value for name, value in fields.items() if value is not None}

    def do(self, *arguments: str) -> str:
        """Run xdotool."""
        done = subprocess.run(
            [self._xdotool, *arguments],
            env=self._display.environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return done.stdout

    def click(self, x: int, y: int) -> None:
        """Press the left button there."""
        self.do("mousemove", "--window", self.id, str(x), str(y), "click", "1")

    def drag(self, *places: tuple[int, int]) -> None:
        """Press the left button at the first place, and let it go at the last."""
        for number, (x, y) in enumerate(places):
            self.do("mousemove", "--window", self.id, str(x), str(y))
            if not number:
                self.do("mousedown", "1")
        self.do("mouseup", "1")

    def button(self, number: int, x: int, y: int) -> None:
        """Press another button there: 3 is the right one, 4 and 5 are the wheel's."""
        self.do("mousemove", "--window", self.id, str(x), str(y), "click", str(number))

    def key(self, name: str) -> None:
        """Press a key."""
        self.do("key", "--window", self.id, name)

    def ask_to_close(self) -> None:
        """What the button in a window's corner does."""
        subprocess.run(
            [sys.executable, "-m", "tests.live.close_window", self.id],
            env=self._display.environment,
            cwd=ROOT,
            timeout=30,
            check=True,
        )

    def layout(self) -> Layout:
        """Where things stand in it now."""
        words = self.do("getwindowgeometry", "--shell", self.id).split()
        values = dict(word.split("=") for word in words)
        return lay_out(int(values["WIDTH"]), int(values["HEIGHT"]), 640, 360)

    def screenshot(self) -> np.ndarray:
        """The whole screen, BGR."""
        ffmpeg = needed_program("ffmpeg", "ffmpeg")
        size = self._display.size
        source = ("-f", "x11grab", "-video_size", f"{size[0]}x{size[1]}", "-i", self._display.name)
        raw = ("-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "bgr24", "-")
        done = subprocess.run(
            [ffmpeg, "-v", "error", *source, *raw],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=30,
            check=True,
        )
        return np.frombuffer(done.stdout, np.uint8).reshape(size[1], size[0], 3)


@pytest.fixture
def window(display: Display) -> Iterator[ShownWindow]:
    shown = ShownWindow(display)
    yield shown
    end_process(shown.process)


def count(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - colour).max(axis=2) <= 12).sum())


def seen_until(window: ShownWindow, is_it: Callable[[np.ndarray], bool]) -> bool:
    """Look at the screen again and again, until it is what is waited for."""
    return any(is_it(window.screenshot()) for _ in range(50))


def at(layout: Layout, x: float, y: float) -> tuple[int, int]:
    x0, y0, x1, y1 = layout.picture
    return round(x0 + x * (x1 - x0)), round(y0 + y * (y1 - y0))


def test_a_click_solos_what_sounds_there_and_keys_do_what_they_say(window: ShownWindow) -> None:
    layout = window.layout()
    window.click(*at(layout, 0.75, 0.6))
    click = window.control()
    assert click["kind"] == "click"
    assert click["x"] == pytest.approx(0.75, abs=0.01)
    assert click["y"] == pytest.approx(0.6, abs=0.01)
    window.key("Up")
    up = window.control()
    assert (up["kind"], up["object_id"]) == ("gain", 2)
    assert up["value"] == pytest.approx(10 ** (1.5 / 20))
    for key, expected in (
        ("1", {"kind": "mute", "object_id": 1}),
        ("0", {"kind": "mute", "object_id": 0}),
        ("Escape", {"kind": "unsolo"}),
    ):
        window.key(key)
        assert window.control() == expected
    window.key("s")
    assert window.control()["kind"] == "click"
    window.key("q")
    assert window.control() == {"kind": "quit"}


def test_it_shows_the_scene_and_follows_its_size(window: ShownWindow) -> None:
    before = window.screenshot()
    assert count(before, ORANGE) > 500
    assert count(before, BLUE) > 500
    window.do("windowsize", "--sync", window.id, "700", "420")
    layout = window.layout()
    assert (layout.width, layout.height) == (700, 420)
    window.click(*at(layout, 0.2, 0.6))
    assert window.control()["x"] == pytest.approx(0.2, abs=0.01)
    after = window.screenshot()
    assert 0 < count(after, ORANGE) < count(before, ORANGE)
    assert count(after[:, 720:], ORANGE) == 0


def test_on_a_dense_screen_all_is_larger_and_a_click_is_where_it_is_seen() -> None:
    display = Display(2560, 1600)
    window = None
    try:
        window = ShownWindow(display, QT_SCALE_FACTOR="2")
        layout = window.layout()
        assert layout.width == 2 * 1280
        window.click(*at(layout, 0.3, 0.5))
        assert window.control()["x"] == pytest.approx(0.3, abs=0.01)
        # Lines are thicker, and as sharp.
        assert seen_until(window, lambda shown: count(shown, ORANGE) > 2 * 500)
    finally:
        if window is not None:
            end_process(window.process)
        display.close()


@pytest.mark.skipif(
    not (shutil.which("xrandr") or shutil.which("xdpyinfo")), reason="nobody tells the size"
)
def test_on_a_small_screen_it_opens_no_larger() -> None:
    display = Display(640, 360)
    window = None
    try:
        window = ShownWindow(display)
        layout = window.layout()
        assert (layout.width, layout.height) == (640, 360)
        window.button(3, *middle(layout.strips(3)[2]))  # the residual's row can be reached
        assert window.control() == {"kind": "mute", "object_id": 0}
    finally:
        if window is not None:
            end_process(window.process)
        display.close()


def middle(box: tuple[int, int, int, int]) -> tuple[int, int]:
    return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2


def test_what_is_dragged_in_the_picture_is_pinned_where_it_is_let_go(window: ShownWindow) -> None:
    layout = window.layout()
    x, y = at(layout, 0.3, 0.3)
    window.drag((x, y), (x + 40, y), at(layout, 0.75, 0.6))
    pin = window.control()
    assert pin["kind"] == "pin"
    assert pin["x"] == pytest.approx(0.75, abs=0.01)
    assert pin["y"] == pytest.approx(0.6, abs=0.01)
    window.drag((x, y), (x + 4, y))  # an unsteady hand
    assert window.control()["kind"] == "click"
    window.key("p")
    assert window.control()["kind"] == "pin"
    window.key("u")  # nothing is pinned in this scene
    window.do("keydown", "shift")
    window.click(x, y)
    window.do("keyup", "shift")
    assert window.control()["kind"] == "pin"


def test_quick_clicks_are_as_many_as_they_are(window: ShownWindow) -> None:
    x, y = at(window.layout(), 0.3, 0.5)
    window.do("mousemove", "--window", window.id, str(x), str(y), "click", "--repeat", "3", "1")
    assert [window.control()["kind"] for _ in range(3)] == ["click"] * 3
    window.key("0")
    assert window.control() == {"kind": "mute", "object_id": 0}


def test_a_row_is_soloed_muted_and_turned_by_the_mouse(window: ShownWindow) -> None:
    layout = window.layout()
    row = row_of(layout.strips(3)[1], layout)
    name = (row.box[2] - 8, row.baseline - 4)
    window.click(*name)
    assert window.control() == {"kind": "solo", "object_id": 2}
    window.click(*middle(row.chip))
    assert window.control() == {"kind": "mute", "object_id": 2}
    window.button(3, *name)
    assert window.control() == {"kind": "mute", "object_id": 2}
    window.button(4, *name)
    up = window.control()
    assert (up["kind"], up["object_id"]) == ("gain", 2)
    assert up["value"] == pytest.approx(10 ** (1.5 / 20))
    window.button(5, *name)
    assert window.control()["value"] == pytest.approx(1.0)
    assert row.fader is not None
    left, y = row.fader[0], middle(row.fader)[1]
    window.drag((left, y), (left - 90, y - 60))
    assert window.control() == {"kind": "gain", "object_id": 2, "value": 0.0}
    window.key("Up")
    assert window.control()["value"] == pytest.approx(10 ** (-38.5 / 20))


def test_a_key_shows_the_next_picture(window: ShownWindow) -> None:
    """First what pixels sound, which has to be asked for; then the energy."""
    x0, y0, x1, y1 = window.layout().picture
    assert seen_until(window, lambda shown: count(shown[y0:y1, x0:x1], ORANGE) > 500)
    window.key("v")
    assert window.control() == {"what": ["pixels"]}
    assert seen_until(window, lambda shown: count(shown[y0:y1, x0:x1], ORANGE) == 0)
    window.key("v")
    assert seen_until(window, lambda shown: is_energy(shown[y0:y1, x0:x1]))


def is_energy(picture: np.ndarray) -> bool:
    """Whether it glows in the two cells of 8 by 8 that are hot, and nowhere else."""
    height, width = picture.shape[0] // 8, picture.shape[1] // 8
    cells = picture[: 8 * height, : 8 * width].reshape(8, height, 8, width, 3).mean(axis=(1, 3, 4))
    return bool(cells[5, 1:3].min() > 80 and cells[:4].max() < 60 and cells[:, 5:].max() < 60)


def test_a_key_records_and_a_mark_on_the_picture_says_so(window: ShownWindow) -> None:
    before = window.screenshot()
    assert count(before, RED) == 0
    window.key("t")
    assert window.control() == {"kind": "record"}
    during = shown(window, lambda picture: count(picture, RED) > 60)
    x0, y0, x1, y1 = window.layout().picture
    places = np.argwhere(np.abs(during.astype(int) - RED).max(axis=2) <= 12)
    assert places[:, 1].min() > (x0 + 3 * x1) / 4  # in the corner
    assert places[:, 0].max() < (3 * y0 + y1) / 4
    window.key("t")
    assert window.control() == {"kind": "record"}
    lower = slice((y0 + 3 * y1) // 4, y1 - 4)
    after = shown(window, lambda picture: count(picture, RED) == 0)
    assert count(after[lower, x0:x1], WHITE) > 200  # where it is
    assert count(during[lower, x0:x1], WHITE) == 0


def test_keys_choose_the_next_device_of_the_list(window: ShownWindow) -> None:
    window.key("l")
    assert window.control() == {"part": "speaker", "name": "USB Headset"}
    window.key("l")
    assert window.control() == {"part": "speaker", "name": "Built-in Audio"}
    window.key("m")  # there is no microphone in this run
    window.key("0")
    assert window.control() == {"kind": "mute", "object_id": 0}


def shown(window: ShownWindow, is_so: Callable[[np.ndarray], bool]) -> np.ndarray:
    """The screen once it is so."""
    for _ in range(40):
        picture = window.screenshot()
        if is_so(picture):
            return picture
    pytest.fail("the window never came to it")


def test_closing_the_window_ends_the_run(window: ShownWindow) -> None:
    window.ask_to_close()
    assert window.control() == {"kind": "quit"}
    assert window.line() == "finished"
    assert window.process.wait(20) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no DISPLAY")
@pytest.mark.parametrize(
    ("name", "expected"),
    [(None, "DISPLAY is not set"), (":4711", "no window can be opened on the display :4711")],
)
def test_without_a_display_it_says_so_and_lives(name: str | None, expected: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    if name is not None:
        environment["DISPLAY"] = name
    done = subprocess.run(
        [sys.executable, "-m", "tests.live.show"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert expected in done.stdout
    assert "--view web" in done.stdout
