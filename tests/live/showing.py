"""The web stage alone, stepped in a thread: pictures, a scene, and a tone for who listens."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import numpy as np

from realtime.messages import Message, Scene, Streams, VideoFrame
from realtime.sinks.web import Web
from tests.realtime.sinks.examples import BLUE, ORANGE, scene, scene_object

RATE_HZ = 44_100
TONE_HZ = 440.0
LOUDNESS = 0.25
PIECE_SAMPLES = 2048
PICTURES_PER_S = 25
_STEP_S = 0.005

_GUITAR, _FLUTE = (0.05, 0.3, 0.35, 0.9), (0.6, 0.3, 0.95, 0.9)
NOTHING = scene([])
TWO = scene(
    [scene_object(1, ORANGE, _GUITAR, name="guitar"), scene_object(2, BLUE, _FLUTE, name="flute")]
)
ONE_ALONE = scene(
    [
        scene_object(1, ORANGE, _GUITAR, name="guitar"),
        scene_object(2, BLUE, _FLUTE, name="flute", gain=0.0),
    ],
    soloed=(1,),
    residual_gain=0.0,
)


class Showing:
    """Serves at `url` until stopped; the same address again when started again.

    Every picture is `picture_age_s` old when the stage gets it, every piece of sound
    `sound_age_s`. A picture is white where a piece of the tone sounds, else black.
    """

    def __init__(self, picture_age_s: float = 0.0, sound_age_s: float = 0.1, **served: Any) -> None:
        """`served` is what the stage is told of its page."""
        self.scene: Scene | None = None
        self.loudness = LOUDNESS
        self.asked: list[Message] = []
        self.desk: tuple[Message, ...] = ()
        self.flashes = False
        self.spectra: Callable[[int], list[Message]] | None = None
        self._ages = (picture_age_s, sound_age_s)
        self._served = served
        self.start()

    def start(self) -> None:
        said: list[str] = []
        self._web = Web(
            "test", {"vision": "openvino/int8"}, said.append, (0.0, 92.9), **self._served
        )
        self._web.open()
        self.url = said[0]
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._web.close()

    def stats(self) -> dict[str, float]:
        return dict(self._web.stats())

    def _run(self) -> None:
        began_ns = time.monotonic_ns()
        picture = sound = 0
        while not self._stop.wait(_STEP_S):
            now_ns = time.monotonic_ns()
            inputs: dict[str, list[Message]] = {}
            if now_ns >= began_ns + picture * 1e9 / PICTURES_PER_S:
                inputs["video"] = [self._picture(picture, now_ns)]
                picture += 1
                if self.scene is not None and picture % 2 == 0:
                    inputs["scene"] = [self.scene]
                inputs["desk"] = [*self.desk]
            if now_ns >= began_ns + sound * PIECE_SAMPLES * 1e9 / RATE_HZ:
                inputs["monitor"] = [self._sound(sound, began_ns)]
                sound += 1
            if self.spectra is not None and (spectra := self.spectra(now_ns)):
                inputs["spectra"] = spectra
            self.asked += [message for _, message in self._web.step(now_ns, inputs)]

    def _picture(self, number: int, now_ns: int) -> VideoFrame:
        capture_ns = now_ns - round(self._ages[0] * 1e9)
        grey = 230 if self.flashes and sounds_at(capture_ns / 1e9) else 20
        pixels = np.full((180, 320, 3), grey, np.uint8)
        return VideoFrame(stream="test", sequence=number, capture_ns=capture_ns, pixels=pixels)

    def _sound(self, number: int, began_ns: int) -> Streams:
        first = number * PIECE_SAMPLES
        capture_ns = began_ns + round(first * 1e9 / RATE_HZ) - round(self._ages[1] * 1e9)
        t_s = capture_ns / 1e9 + np.arange(PIECE_SAMPLES) / RATE_HZ
        tone = self.loudness * np.sin(2 * np.pi * TONE_HZ * (t_s % 1.0))
        if self.flashes:
            tone = np.where(sounds_at(t_s), tone, 0.0)
        return Streams(
            stream="test",
            sequence=number,
            capture_ns=capture_ns,
            first_sample=first,
            rate_hz=RATE_HZ,
            object_ids=(),
            samples=tone[None].astype(np.float32),
            gains=(1.0,),
            pans=(0.0,),
        )


def sounds_at(t_s: float | np.ndarray) -> bool | np.ndarray:
    """Half a second of every one and a half."""
    return t_s % 1.5 < 0.5
