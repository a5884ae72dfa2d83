"""What the three pictures and the spectrograms cost: where they are made, and where drawn.

python -m benchmarks.pictures

The demo is seen and heard once; its separator then works with nobody who wants to see more than
the scene, and with somebody who wants all, in turns. Processor time, medians.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from benchmarks.report import Report, command, command_line
from pixelplayer.band import Scene as BandScene
from pixelplayer.band import demo_scene
from realtime.build import build
from realtime.clock import NS_PER_S, SystemClock
from realtime.command_line import parse
from realtime.compose import compose
from realtime.messages import AudioChunk, Message, VideoFrame
from realtime.picture import resized, to_jpeg
from realtime.sinks.viewer import Viewer
from realtime.sinks.views import VIEWS
from realtime.sinks.web_packets import spectra_packet
from realtime.spectra import ObjectSpectra, PixelSpectra
from realtime.stage import Stage
from realtime.wire import encode
from realtime.wishes import Show

MOST_OF_A_CORE = 0.02
MOST_KB_PER_S = 30.0  # to the page; a telephone call has 8
MOST_DRAWN_MS = 6.0  # of the 33 between two pictures
_DURATION_S, _RATE_HZ, _CHUNK = 8, 44_100, 441
_PICTURES_PER_S = 9
_TURNS = 5
_PICTURE_PX = (1024, 576)  # the largest that is sent


def main(arguments: Sequence[str] | None = None) -> int:
    """See and hear once, separate in turns, draw, print."""
    parser = command_line(__doc__)
    options = parser.parse_args(arguments)
    report = Report("pictures and spectrograms")
    inputs = list(_inputs(demo_scene(_RATE_HZ)))
    plain_s, wished_s = [], []
    given: list[Message] = []
    for _ in range(_TURNS):
        plain_s.append(_separated(inputs, ())[0])
        spent_s, given = _separated(inputs, ("objects", "pixels"))
        wished_s.append(spent_s)
    plain, wished = (statistics.median(each) / _DURATION_S for each in (plain_s, wished_s))
    report.note("separator, while nobody wants to see more", f"{plain:.2%} of a core")
    report.note("… while somebody wants all", f"{wished:.2%} of a core")
    more = 100 * (wished - plain)
    report.at_most("… more", more, 100 * MOST_OF_A_CORE, "% of a core")
    objects = [one for one in given if isinstance(one, ObjectSpectra)]
    pixels = [one for one in given if isinstance(one, PixelSpectra)]
    to_page = sum(len(spectra_packet(one)) for one in objects) / _DURATION_S / 1000
    report.at_most(
        "objects' spectrograms to each page that shows them", to_page, MOST_KB_PER_S, "kB/s"
    )
    between = sum(len(part) for one in pixels for part in encode(one)) / _DURATION_S / 1000
    report.note("what the pixels sound, between processes", f"{between:.0f} kB/s")
    report.note("… so often", f"{len(pixels) / _DURATION_S:.1f} /s")
    _draw(report, given)
    report.keep("plain_s", plain_s)
    report.keep("wished_s", wished_s)
    return report.publish(options.json)


def _draw(report: Report, given: Sequence[Message]) -> None:
    viewer = Viewer({})
    pixels = demo_scene(_RATE_HZ).frame(_DURATION_S - 1.0, *_PICTURE_PX[::-1])
    frame = VideoFrame(
        stream="s", sequence=0, capture_ns=(_DURATION_S - 1) * NS_PER_S, pixels=pixels
    )
    known = [one for one in given if getattr(one, "capture_ns", 0) < frame.capture_ns]
    viewer.take({"video": [frame]})
    for message in known:
        viewer.take({"any": [message]})
        viewer.turn(frame.capture_ns)
    picture = resized(pixels, *_PICTURE_PX)
    spectra = [one for one in given if isinstance(one, PixelSpectra)][-_PICTURES_PER_S * 2 :]
    for view in VIEWS:
        spent_ms = []
        for number in range(3 * len(spectra)):
            if number % 3 == 0:  # so many more are the pictures
                viewer.take({"spectra": [spectra[number // 3]]})
                viewer.turn(2 * _DURATION_S * NS_PER_S)
            spent_ms.append(_spent_ms(lambda: viewer.picture(view, picture)))  # noqa: B023
        what = f"{view}: a picture of {_PICTURE_PX[0]} x {_PICTURE_PX[1]} drawn, mean"
        report.at_most(what, statistics.mean(spent_ms), MOST_DRAWN_MS, "ms")
    jpeg_ms = [_spent_ms(lambda: to_jpeg(picture, 85)) for _ in range(20)]
    report.note(
        "… made a JPEG of, per view that somebody looks at", f"{statistics.mean(jpeg_ms):.1f} ms"
    )


def _spent_ms(work: Callable[[], object]) -> float:
    start_ns = time.process_time_ns()
    work()
    return (time.process_time_ns() - start_ns) / 1e6


def _inputs(scene: BandScene) -> Iterator[tuple[str, Message]]:
    """What comes to the separator, in order of time."""
    with _stage("sight") as sight, _stage("hearing") as hearing:
        looked = 0
        for number in range(_DURATION_S * _RATE_HZ // _CHUNK):
            first = number * _CHUNK
            if first >= looked * _RATE_HZ // _PICTURES_PER_S:
                frame = VideoFrame(
                    stream="s",
                    sequence=looked,
                    capture_ns=first * NS_PER_S // _RATE_HZ,
                    pixels=scene.frame(first / _RATE_HZ, 360, 640),
                )
                looked += 1
                yield from sight.step(0, {"video": [frame]})
            chunk = AudioChunk(
                stream="s",
                sequence=number,
                capture_ns=first * NS_PER_S // _RATE_HZ,
                first_sample=first,
                rate_hz=_RATE_HZ,
                samples=scene.mixture[first : first + _CHUNK],
            )
            yield from hearing.step(0, {"audio": [chunk]})


def _separated(
    inputs: Sequence[tuple[str, Message]], what: tuple[str, ...]
) -> tuple[float, list[Message]]:
    """Processor time of all steps, s, and what came of them."""
    given: list[Message] = []
    spent_ms = 0.0
    with _stage("separator") as separator:
        wish = Show(stream="s", sequence=0, what=what)  # type: ignore[arg-type]
        for topic, message in inputs:
            start_ns = time.process_time_ns()
            given += [one for _, one in separator.step(0, {topic: [message], "control": [wish]})]
            spent_ms += (time.process_time_ns() - start_ns) / 1e6
    return spent_ms / 1000, given


@contextmanager
def _stage(name: str) -> Iterator[Stage]:
    line = ["--demo", "--view", "none", "--speaker", "none", "--engine", "onnxruntime"]
    plan = compose(parse(line), {}, lambda text: None)
    with closing(build(name, plan, SystemClock())) as stage:
        stage.open()
        yield stage


if __name__ == "__main__":
    command(main)
