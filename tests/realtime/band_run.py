"""The shipped model's stages on the virtual band, one after the other, with any sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pixelplayer.band import demo_scene
from pixelplayer.band.scene import Scene as BandScene
from realtime.build import build
from realtime.clock import SystemClock
from realtime.command_line import parse
from realtime.compose import compose
from realtime.messages import AudioChunk, Control, End, Message, Scene, Streams, VideoFrame
from realtime.stage import Stage

RATE_HZ = 44_100
DURATION_S = 5.0
CHUNK = 1024
_LOOKS_HZ = 9
_SIZE = (360, 640)

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Separated:
    """``rows`` ``(N + 1, n)``: every object ever found, and the residual last.

    ``present``: how many objects there were in each scene, and when, s. ``ahead_ms``: how far ahead
    was heard as each chunk came.
    """

    rows: Samples
    present: tuple[tuple[float, int], ...]
    ahead_ms: tuple[float, ...]


class BandRun:
    """Guitar and flute are seen; heard is whatever is given."""

    @cached_property
    def duet(self) -> Samples:
        """What they play, ``DURATION_S`` long."""
        return np.array(self._scene.mixture[: samples(DURATION_S)], np.float32)

    def separated(
        self, sound: Samples, lookahead: str, turns: Mapping[float, float] | None = None
    ) -> Separated:
        """``turns``: what is asked of the dial, ms, by the time when it is, s."""
        waiting = dict(turns or {})
        rows = np.zeros((1, len(sound)), np.float32)
        present: list[tuple[float, int]] = []
        ahead_ms: list[float] = []

        def take(messages: Sequence[Message]) -> None:
            nonlocal rows
            for message in messages:
                if isinstance(message, Scene):
                    present.append((message.capture_ns / 1e9, len(message.objects)))
                elif isinstance(message, Streams):
                    more = len(message.samples) - len(rows)
                    rows = np.concatenate([rows[:-1], np.zeros((more, len(sound))), rows[-1:]])
                    first = message.first_sample
                    place = slice(first, first + message.samples.shape[1])
                    rows[: len(message.object_ids), place] = message.samples[:-1]
                    rows[-1, place] = message.samples[-1]

        with _stage("hearing", lookahead) as hearing, _stage("separator", lookahead) as separator:
            take(step(separator, sight=self._seen))
            for number, first in enumerate(range(0, len(sound), CHUNK)):
                chunk = AudioChunk(
                    stream="t",
                    sequence=number,
                    capture_ns=round(first * 1e9 / RATE_HZ),
                    first_sample=first,
                    rate_hz=RATE_HZ,
                    samples=sound[first : first + CHUNK],
                )
                due = [at_s for at_s in waiting if samples(at_s) <= first]
                controls = [
                    Control(stream="t", sequence=0, kind="lookahead", value=waiting.pop(at_s))
                    for at_s in due
                ]
                take(step(separator, sound=step(hearing, audio=[chunk], control=controls)))
                ahead_ms.append(hearing.stats()["lookahead_ms"])
            end = End(stream="t", sequence=len(ahead_ms), topic="audio")
            take(step(separator, sound=step(hearing, audio=[end])))
        return Separated(rows.astype(np.float32), tuple(present), tuple(ahead_ms))

    @cached_property
    def _scene(self) -> BandScene:
        return demo_scene(RATE_HZ)

    @cached_property
    def _seen(self) -> list[Message]:
        seen: list[Message] = []
        with _stage("sight", "studio") as sight:
            for number in range(round(DURATION_S * _LOOKS_HZ)):
                frame = VideoFrame(
                    stream="t",
                    sequence=number,
                    capture_ns=round(number * 1e9 / _LOOKS_HZ),
                    pixels=self._scene.frame(number / _LOOKS_HZ, *_SIZE),
                )
                seen += step(sight, video=[frame])
            seen += step(sight, video=[End(stream="t", sequence=number + 1, topic="video")])
        return seen


def samples(duration_s: float) -> int:
    """So many last so long."""
    return round(duration_s * RATE_HZ)


def step(stage: Stage, **inputs: Sequence[Message]) -> list[Message]:
    """What a stage makes of what is there."""
    return [message for _, message in stage.step(0, inputs)]


@contextmanager
def _stage(name: str, lookahead: str) -> Iterator[Stage]:
    line = (
        f"--demo --duration {DURATION_S} --pace fast --view none --engine onnxruntime "
        f"--precision fp32 --lookahead {lookahead}"
    )
    plan = compose(parse(line.split()), {}, lambda text: None)
    with closing(build(name, plan, SystemClock())) as stage:
        stage.open()
        yield stage
