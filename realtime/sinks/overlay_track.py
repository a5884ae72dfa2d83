"""Joins pictures, scenes and the mix into overlay.mp4, each at its own time.

A picture waits until the scene of its time is known, which is later by the delay of the whole
pipeline. What waits is kept small: scaled down, and compressed where much waits.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S
from realtime.errors import DeviceError
from realtime.messages import Scene, Streams, VideoFrame
from realtime.picture import Picture, resized
from realtime.sinks.mixer import Mixer, PanLaw
from realtime.sinks.overlay import OverlayWriter, movie_size, picture_size
from realtime.sinks.private import new_file
from realtime.sinks.scene_layer import SceneLayer, scene_layer
from realtime.sinks.waiting_pictures import WaitingPictures

MOST_WAITING_FRAMES = 600  # 20 s; then the oldest is drawn with the scene there is
LONGEST_SOUND_ALONE_S = 10.0  # a movie without a single picture so far starts with a black one
_BLANK_SIZE = (640, 360)


@dataclass(frozen=True, slots=True)
class _Sound:
    """What the first streams tell: the rate, and when sample 0 was taken."""

    rate_hz: int
    origin_ns: int
    mixer: Mixer


class OverlayTrack:
    """Feeds an OverlayWriter; the movie begins once its times, its size and its sound are known."""

    def __init__(self, path: Path, pan_law: PanLaw) -> None:
        self._path = path
        self._pan_law = pan_law
        self._sound: _Sound | None = None
        self._writer: OverlayWriter | None = None
        self._held: list[NDArray[np.float32]] = []
        self._held_samples = 0
        self._sound_samples = 0
        self._frames = WaitingPictures()
        self._scenes: deque[Scene] = deque()
        self._layer: tuple[Scene, SceneLayer] | None = None  # of the scene that was shown last
        self._scenes_ended = False

    @property
    def waiting_frames(self) -> int:
        """Pictures whose scene is not known yet."""
        return len(self._frames)

    def add_frame(self, frame: VideoFrame) -> None:
        """Take a picture; raises DeviceError when the disk is full."""
        width, height = picture_size(frame.pixels.shape[1], frame.pixels.shape[0])
        small = resized(frame.pixels, width, height)
        self._frames.append(frame.capture_ns, small)
        self._draw_ready()

    def add_scene(self, scene: Scene) -> None:
        """Take a scene; raises DeviceError when the disk is full."""
        self._scenes.append(scene)
        self._draw_ready()

    def end_scenes(self) -> None:
        """No scene follows: nothing has to wait any more; raises DeviceError."""
        self._scenes_ended = True
        self._draw_ready()

    def add_streams(self, streams: Streams) -> None:
        """Append the mix of the streams; raises DeviceError when the disk is full.

        The first ones tell where in time sample 0 is; what is missing before them is silence.
        """
        if self._sound is None:
            before_ns = round(streams.first_sample * NS_PER_S / streams.rate_hz)
            origin_ns = streams.capture_ns - before_ns
            mixer = Mixer(streams.rate_hz, self._pan_law)
            self._sound = _Sound(streams.rate_hz, origin_ns, mixer)
            self.add_silence(streams.first_sample)
        self._add_mix(self._sound, self._sound.mixer.feed(streams))

    def add_silence(self, samples: int) -> None:
        """Append a gap after the first streams; raises DeviceError when the disk is full."""
        if self._sound is None:
            raise RuntimeError("a gap before any sound: its rate is not known")
        block = np.zeros((2, min(samples, self._sound.rate_hz)), dtype=np.float32)
        while samples > 0:
            part = block[:, :samples]
            self._add_mix(self._sound, part)
            samples -= part.shape[1]

    def close(self) -> None:
        """Draw what waits and finish the movie; raises DeviceError when the disk is full.

        Where scenes were still to come, pictures are ahead of the sound: none outlasts it.
        """
        if not self._scenes_ended:
            self._leave_out_later_frames()
        self.end_scenes()
        if self._writer is None and self._sound is not None:
            self._start_blank(self._sound)
        if self._writer is not None:
            self._writer.close()

    def rescue(self) -> None:
        """After a failure: close the movie with what it has; what waits is lost."""
        if self._writer is not None:
            self._writer.rescue()

    def _leave_out_later_frames(self) -> None:
        if self._sound is None:
            return
        length_ns = round(self._sound_samples * NS_PER_S / self._sound.rate_hz)
        self._frames.drop_from(self._sound.origin_ns + length_ns)

    def _add_mix(self, sound: _Sound, mix: NDArray[np.float32]) -> None:
        self._sound_samples += mix.shape[1]
        if self._writer is not None:
            self._writer.write_sound(mix)
            return
        self._held.append(mix)
        self._held_samples += mix.shape[1]
        if self._held_samples > LONGEST_SOUND_ALONE_S * sound.rate_hz:
            self._start_blank(sound)

    def _draw_ready(self) -> None:
        if self._sound is None:
            while len(self._frames) > MOST_WAITING_FRAMES:
                self._frames.drop()
            return
        while self._frames and self._is_ready(self._frames.first_ns):
            capture_ns, plain = self._frames.pop()
            scene = self._scene_at(capture_ns)
            time_s = (capture_ns - self._sound.origin_ns) / NS_PER_S
            if time_s < 0.0 and self._frames and self._frames.first_ns <= self._sound.origin_ns:
                continue  # another one is nearer to the beginning
            picture = self._drawn(plain, scene)
            self._started(self._sound, picture).write_picture(picture, max(time_s, 0.0))

    def _drawn(self, picture: Picture, scene: Scene | None) -> Picture:
        if scene is None:
            return picture
        if self._layer is None or self._layer[0] is not scene or not self._layer[1].fits(picture):
            height, width = picture.shape[:2]
            self._layer = scene, scene_layer(scene, width, height)
        return self._layer[1].over(picture)

    def _is_ready(self, capture_ns: int) -> bool:
        if self._scenes_ended or len(self._frames) > MOST_WAITING_FRAMES:
            return True
        return bool(self._scenes) and self._scenes[-1].capture_ns > capture_ns

    def _scene_at(self, capture_ns: int) -> Scene | None:
        """The newest scene that is not later; older ones are forgotten."""
        while len(self._scenes) > 1 and self._scenes[1].capture_ns <= capture_ns:
            self._scenes.popleft()
        if self._scenes and self._scenes[0].capture_ns <= capture_ns:
            return self._scenes[0]
        return None

    def _started(self, sound: _Sound, picture: Picture) -> OverlayWriter:
        if self._writer is None:
            width, height = movie_size(picture.shape[1], picture.shape[0])
            try:
                os.close(new_file(self._path))  # private; the writer's library cannot say so
            except OSError as error:
                raise DeviceError(f"{self._path} cannot be written: {error.strerror}") from error
            self._writer = OverlayWriter(self._path, width, height, sound.rate_hz)
            for mix in self._held:
                self._writer.write_sound(mix)
            self._held.clear()
        return self._writer

    def _start_blank(self, sound: _Sound) -> None:
        width, height = _BLANK_SIZE
        blank = np.zeros((height, width, 3), dtype=np.uint8)
        self._started(sound, blank).write_picture(blank, 0.0)
