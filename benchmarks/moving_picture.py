"""The README's moving picture: the demo in the player's window, drawn frame by frame.

python -m benchmarks.moving_picture docs/player.webp

The player's own stages hear and see the duet, and its viewer draws; nobody waits for a clock, so
that the pictures are the same on a slow machine. A pointer clicks on one instrument, then on the
other; a second click lets all be heard again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.report import command, command_line
from pixelplayer.band import demo_scene
from realtime.build import build
from realtime.clock import NS_PER_MS, NS_PER_S, SystemClock
from realtime.command_line import parse
from realtime.compose import compose
from realtime.messages import AudioChunk, Control, Message, Scene, VideoFrame
from realtime.picture import fill_box
from realtime.sinks.keys import Commands
from realtime.sinks.layout import Layout, lay_out, natural_size
from realtime.sinks.viewer import Viewer
from realtime.stage import Stage

RATE_HZ = 44_100
FPS = 30
SOURCE = (640, 360)  # the demo's picture
SHOWN_LATER_MS = 250  # when what is heard in a picture is known, at `stage`
GUITAR, FLUTE, NOWHERE = (0.26, 0.62), (0.72, 0.52), (0.5, 0.9)
# When, in seconds, the pointer is where (fractions of the picture), and whether it clicks there.
WAY: tuple[tuple[float, tuple[float, float], bool], ...] = (
    (0.0, NOWHERE, False),
    (2.0, NOWHERE, False),
    (2.6, GUITAR, True),
    (4.7, GUITAR, True),  # again: all are heard
    (5.4, FLUTE, True),
    (7.5, FLUTE, True),
    (8.1, NOWHERE, False),
)
PRESSED_S = 0.25


class Show:
    """The player on the duet, and somebody's hand.

    Args:
        width: of the pictures; they are as high as the window is by itself.
    """

    def __init__(self, width: int) -> None:
        whole = natural_size(*SOURCE)
        height = 2 * round(width * whole[1] / whole[0] / 2)
        self._layout = lay_out(width, height, *SOURCE)
        self._scene = demo_scene(RATE_HZ)
        self._commands = Commands("show")
        self._done = 0  # of WAY

    def pictures(self, start_s: float, stop_s: float) -> Iterator[NDArray[np.uint8]]:
        """``(height, width, 3)`` BGR, ``FPS`` of them a second of [start_s, stop_s)."""
        line = f"--demo --duration {stop_s} --pace fast --view none --engine onnxruntime"
        plan = compose(parse([*line.split(), "--precision", "int8"]), {}, lambda text: None)
        viewer = Viewer({"vision": "onnxruntime/int8", "sound": "onnxruntime/int8"})
        with ExitStack() as opened:
            stages = {}
            for name in ("sight", "hearing", "separator"):
                stage = build(name, plan, SystemClock())
                opened.callback(stage.close)
                stage.open()
                stages[name] = stage
            for number in range(round(stop_s * FPS)):
                controls = self._controls(number / FPS, viewer.newest_scene)
                inputs = {"video": [self._frame(number)], "audio": [self._chunk(number)]}
                viewer.take({"video": inputs["video"], "scene": _heard(stages, inputs, controls)})
                viewer.turn(round(number * NS_PER_S / FPS) - SHOWN_LATER_MS * NS_PER_MS)
                if number >= round(start_s * FPS):
                    view = viewer.draw(self._layout, self._commands.selected, self._commands.view)
                    _draw_pointer(view, self._layout, number / FPS)
                    yield view

    def _frame(self, number: int) -> VideoFrame:
        return VideoFrame(
            stream="show",
            sequence=number,
            capture_ns=round(number * NS_PER_S / FPS),
            pixels=self._scene.frame(number / FPS, SOURCE[1], SOURCE[0]),
        )

    def _chunk(self, number: int) -> AudioChunk:
        first = number * RATE_HZ // FPS
        places = np.arange(first, first + RATE_HZ // FPS)
        return AudioChunk(
            stream="show",
            sequence=number,
            capture_ns=round(number * NS_PER_S / FPS),
            first_sample=first,
            rate_hz=RATE_HZ,
            samples=self._scene.mixture.take(places, mode="wrap"),
        )

    def _controls(self, now_s: float, scene: Scene | None) -> list[Control]:
        """What the hand asks for since it was looked at last."""
        controls: list[Control] = []
        while self._done < len(WAY) and WAY[self._done][0] <= now_s:
            _, place, is_click = WAY[self._done]
            at = _pixel(self._layout, place)
            if is_click:
                controls += self._commands.click(scene, self._layout, *at)
            self._done += 1
        return controls


def _heard(
    stages: dict[str, Stage], inputs: dict[str, list[Message]], controls: list[Control]
) -> list[Message]:
    """The scenes that follow from a picture and its sound."""
    seen = stages["sight"].step(0, {"video": inputs["video"]})
    heard = stages["hearing"].step(0, {"audio": inputs["audio"]})
    given: dict[str, list[Message]] = {"control": list(controls)} if controls else {}
    for topic, message in (*seen, *heard):
        given.setdefault(topic, []).append(message)
    said = stages["separator"].step(0, given) if given else ()
    return [message for topic, message in said if topic == "scene"]


def _pixel(layout: Layout, place: tuple[float, float]) -> tuple[int, int]:
    x0, y0, x1, y1 = layout.picture
    return round(x0 + place[0] * (x1 - x0)), round(y0 + place[1] * (y1 - y0))


def _draw_pointer(view: NDArray[np.uint8], layout: Layout, now_s: float) -> None:
    """A light dot with a dark rim; larger while it presses."""
    times = [at_s for at_s, _, _ in WAY]
    place = tuple(
        float(np.interp(now_s, times, [where[axis] for _, where, _ in WAY])) for axis in (0, 1)
    )
    x, y = _pixel(layout, (place[0], place[1]))
    presses = any(is_click and 0 <= now_s - at_s < PRESSED_S for at_s, _, is_click in WAY)
    radius = layout.px(16 if presses else 11)
    for reach, grey in ((radius + layout.px(3), 20), (radius, 250)):
        fill_box(view, (x - reach, y - reach, x + reach, y + reach), (grey, grey, grey), reach)


def write_webp(
    path: Path, pictures: Iterator[NDArray[np.uint8]], *, every: int, quality: int
) -> int:
    """Every ``every``-th picture, for ever over and over; returns how many they are."""
    count = 0
    with av.open(str(path), "w", format="webp", options={"loop": "0"}) as out:
        stream = None
        for number, picture in enumerate(pictures):
            if number % every:
                continue
            if stream is None:
                stream = out.add_stream("libwebp_anim", rate=FPS // every)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {"quality": str(quality), "compression_level": "4"}
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = count
            out.mux(stream.encode(frame))
            count += 1
        if stream is not None:
            out.mux(stream.encode())
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, write, say how large it is."""
    parser = command_line(__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="to write, .webp")
    parser.add_argument("--width", type=int, default=800, metavar="PX", help="of the pictures")
    parser.add_argument("--start", type=float, default=1.2, metavar="S", help="of the demo")
    parser.add_argument("--stop", type=float, default=9.0, metavar="S", help="of the demo")
    parser.add_argument("--every", type=int, default=3, metavar="N", help="picture of 30 a second")
    parser.add_argument("--quality", type=int, default=60, metavar="0..100", help="of WebP")
    options = parser.parse_args(arguments)
    pictures = Show(options.width).pictures(options.start, options.stop)
    count = write_webp(options.file, pictures, every=options.every, quality=options.quality)
    print(f"{options.file}: {count} pictures, {options.file.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    command(main)
