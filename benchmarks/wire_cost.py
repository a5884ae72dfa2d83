"""What is lost, and what is saved, of pictures and maps on the way to another host and back?

Scenes of the virtual band, as a camera with some noise sees them; sight and hearing once, the
separator with the maps as they were and as they arrive. All of it offline.

    python -m benchmarks.wire_cost --count 4
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np

from benchmarks.report import Report, command, command_line
from benchmarks.scoring import match_streams
from engines.model import read_spec
from engines.shipped import SHIPPED_MODEL
from pixelplayer import band
from realtime import picture
from realtime.build import build
from realtime.clock import SystemClock
from realtime.command_line import parse
from realtime.compose import compose
from realtime.messages import AudioChunk, End, Message, SightMap, Streams, VideoFrame
from realtime.remote.lighter import Lighter
from realtime.remote.packing import JPEG_QUALITY, pack, unpack
from realtime.stage import Stage

MOST_LOST_DB = 0.2
_RATE_HZ, _CHUNK = 44_100, 4410
_LOOKS_HZ, _HEIGHT_PX, _WIDTH_PX = 9, 720, 1280
_NOISE_LEVELS = 3.0  # of 255: a webcam indoors
_QUALITIES = (50, JPEG_QUALITY, 90)

Carry = Callable[[Message], Message]


def main(arguments: Sequence[str] | None = None) -> int:
    """Look, listen, separate twice, compare, print."""
    parser = command_line(__doc__)
    parser.add_argument("--count", type=int, default=4, metavar="N", help="scenes")
    parser.add_argument("--duration", type=float, default=6.0, metavar="S")
    options = parser.parse_args(arguments)
    report = Report("pictures and maps on the wire")
    gained: list[list[float]] = []
    for seed in range(options.count):
        scene = band.scene(seed, options.duration, _RATE_HZ)
        frames = list(_frames(scene, options.duration, seed))
        plain = _maps(frames)
        sent = _maps([_carried(frame, "video") for frame in _light(frames)])
        arrived = [_carried(one, "sight") for one in sent]
        if seed == 0:
            _weigh(report, frames, plain)
            again = _maps(list(_frames(scene, options.duration, seed + 1000)))
            report.note("features apart by the camera's noise alone", f"{_apart(plain, again):.4f}")
        columns = _columns(scene)
        gained.append([_nsdr_db(scene, columns, maps) for maps in (plain, arrived)])
    before_db, after_db = np.mean(gained, axis=0)
    report.keep("nsdr_db", gained)
    report.note("NSDR, mean, of pictures and maps as they are", f"{before_db:.2f} dB")
    report.at_most("… lost by those that were sent", before_db - after_db, MOST_LOST_DB, "dB")
    return report.publish(options.json)


def _weigh(report: Report, frames: Sequence[VideoFrame], plain: Sequence[Message]) -> None:
    """Bytes and features, for each way to send the pictures and the maps."""
    light = list(_light(frames))
    raw_kb = float(np.mean([frame.pixels.nbytes for frame in frames])) / 1000
    report.note("a picture as it is; halved", f"{raw_kb:.0f} kB; "
                f"{np.mean([frame.pixels.nbytes for frame in light]) / 1000:.0f} kB")  # fmt: skip
    for quality in _QUALITIES:
        files = [picture.to_jpeg(frame.pixels, quality) for frame in light]
        seen = _maps(
            [
                dataclasses.replace(frame, pixels=picture.from_jpeg(file))
                for frame, file in zip(light, files, strict=True)
            ]
        )
        kb = sum(map(len, files)) / len(files) / 1000
        megabits = 8 * kb * _LOOKS_HZ / 1000
        report.note(
            f"JPEG {quality}: a picture; a second of them; features apart",
            f"{kb:.0f} kB; {megabits:.1f} Mbit/s; {_apart(plain, seen):.4f}",
        )
    maps = [one.features for one in plain if isinstance(one, SightMap)]
    report.note("a map as it is", f"{np.mean([one.nbytes for one in maps]) / 1000:.0f} kB")
    for name, small in (
        ("half precision", [one.astype(np.float16).astype(np.float32) for one in maps]),
        ("bytes", [np.round(one * 255) / np.float32(255) for one in maps]),
    ):
        apart = np.mean([np.abs(a - b).mean() for a, b in zip(maps, small, strict=True)])
        report.note(f"maps in {name}: features apart", f"{apart:.5f}")


def _apart(first: Sequence[Message], second: Sequence[Message]) -> float:
    """The mean difference of features, which are 0..1."""
    pairs = zip(first, second, strict=True)
    return float(
        np.mean(
            [
                np.abs(one.features - other.features).mean()
                for one, other in pairs
                if isinstance(one, SightMap) and isinstance(other, SightMap)
            ]
        )
    )


def _carried(message: Message, topic: str) -> Message:
    return unpack(topic, pack(topic, message))


def _light(frames: Sequence[VideoFrame]) -> Iterator[VideoFrame]:
    lighter = Lighter(read_spec(SHIPPED_MODEL).vision)
    for frame in frames:
        light = lighter.of(frame)
        if isinstance(light, VideoFrame):
            yield light


def _frames(scene: band.Scene, duration_s: float, seed: int) -> Iterator[VideoFrame]:
    rng = np.random.default_rng(seed)
    for number in range(round(duration_s * _LOOKS_HZ)):
        clean = scene.frame(number / _LOOKS_HZ, _HEIGHT_PX, _WIDTH_PX)
        noise = rng.standard_normal(clean.shape, np.float32) * _NOISE_LEVELS
        yield VideoFrame(
            stream="t",
            sequence=number,
            capture_ns=round(number * 1e9 / _LOOKS_HZ),
            pixels=np.clip(clean + noise, 0, 255).astype(np.uint8),
        )


def _maps(frames: Sequence[Message]) -> list[Message]:
    with _stage("sight") as sight:
        return [one for frame in frames for one in _step(sight, video=[frame])]


def _columns(scene: band.Scene) -> list[Message]:
    with _stage("hearing") as hearing:
        heard: list[Message] = []
        for number, first in enumerate(range(0, len(scene.mixture), _CHUNK)):
            chunk = AudioChunk(
                stream="t",
                sequence=number,
                capture_ns=round(first * 1e9 / _RATE_HZ),
                first_sample=first,
                rate_hz=_RATE_HZ,
                samples=np.asarray(scene.mixture[first : first + _CHUNK], np.float32),
            )
            heard += _step(hearing, audio=[chunk])
        end = End(stream="t", sequence=0, topic="audio", stop_sample=len(scene.mixture))
        return heard + _step(hearing, audio=[end])


def _nsdr_db(scene: band.Scene, columns: Sequence[Message], maps: Sequence[Message]) -> float:
    """What the separator gains over the mixture, dB, mean of the instruments."""
    rows = np.zeros((1000, len(scene.mixture)), np.float32)
    with _stage("separator") as separator:
        end = End(stream="t", sequence=0, topic="sight")
        given = _step(separator, sight=[*maps, end]) + _step(separator, sound=columns)
    ids: set[int] = set()
    for message in given:
        if isinstance(message, Streams):
            stop = message.first_sample + message.samples.shape[1]
            for number, samples in zip(message.object_ids, message.samples, strict=False):
                rows[number, message.first_sample : stop] = samples[
                    : len(rows[0]) - message.first_sample
                ]
                ids.add(number)
    scores = match_streams(scene.stems, rows[sorted(ids)], scene.mixture)
    return float(np.mean([score.nsdr_db for score in scores]))


def _step(stage: Stage, **inputs: Sequence[Message]) -> list[Message]:
    return [message for _, message in stage.step(0, inputs)]


@contextmanager
def _stage(name: str) -> Iterator[Stage]:
    line = "--demo --duration 1 --pace fast --view none --engine onnxruntime --precision fp32"
    plan = compose(parse(line.split()), {}, lambda text: None)
    with closing(build(name, plan, SystemClock())) as stage:
        stage.open()
        yield stage


if __name__ == "__main__":
    command(main)
