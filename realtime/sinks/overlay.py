"""overlay.mp4: the picture with its heat, and the mix. Playable up to the last second at any time.

The file is fragmented: every quarter of a second of it is complete in itself, so a kill -9 costs
little more than the pictures that still waited for their scene.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import PictureType
from numpy.typing import NDArray

from realtime.errors import DeviceError
from realtime.picture import Picture, resized, to_yuv420

LONGEST_SIDE = 640
SMALLEST_WIDTH = 320
SMALLEST_HEIGHT = 180

# All common frame rates are whole in it, and MPEG-4 allows no finer one.
_TICKS_PER_S = 60_000
_FRAGMENT_US = 250_000
_KEY_PICTURE_S = 1  # so often a player can begin
_LONGEST_GROUP_FRAMES = 240
_MP4 = {
    "movflags": "frag_keyframe+delay_moov+default_base_moof",
    "frag_duration": str(_FRAGMENT_US),
    "flush_packets": "1",
}
_AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_AAC_FRAME_SAMPLES = 1024
_AUDIO_BIT_RATE = 160_000
# Of ultrafast what costs least and looks worst is set right. One thread: shared out among more, so
# small a picture takes twice the time.
_X264 = {
    "preset": "ultrafast",
    "crf": "23",
    "tune": "zerolatency",
    "x264-params": "cabac=1:deblock=1,0,0",
}
_THREADS = 1


def picture_size(width: int, height: int) -> tuple[int, int]:
    """Width and height that a picture is scaled to, without its black borders."""
    scale = min(LONGEST_SIDE / width, LONGEST_SIDE / height)
    if scale > 1.0:
        scale = min(scale, max(1.0, SMALLEST_WIDTH / width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def movie_size(width: int, height: int) -> tuple[int, int]:
    """Width and height, both even, of the movie of pictures of width x height."""
    width, height = picture_size(width, height)
    width, height = max(width, SMALLEST_WIDTH), max(height, SMALLEST_HEIGHT)
    return width + width % 2, height + height % 2


def framed(picture: Picture, width: int, height: int) -> Picture:
    """The picture scaled to fit into width x height, in the middle, on black."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner_width = max(1, min(width, round(picture.shape[1] * scale)))
    inner_height = max(1, min(height, round(picture.shape[0] * scale)))
    scaled = resized(picture, inner_width, inner_height)
    if scaled.shape[:2] == (height, width):
        return scaled
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    canvas[top : top + inner_height, left : left + inner_width] = scaled
    return canvas


class OverlayWriter:
    """Write pictures and stereo sound that share one origin of time, in any interleaving."""

    def __init__(self, path: Path, width: int, height: int, rate_hz: int) -> None:
        """Start a movie of width x height (even) with sound at `rate_hz`.

        Raises:
            DeviceError: the file cannot be written, or no encoder is there.
        """
        self._path = path
        self._width = width
        self._height = height
        self._rate_hz = rate_hz
        self._last_tick = -1
        self._next_key_tick = 0
        self._written_samples = 0
        self._closed = False
        try:
            self._container: Any = av.open(str(path), "w", format="mp4", options=_MP4)
            self._video = self._add_video()
            self._audio = self._add_audio()
            self._container.start_encoding()
        except (OSError, FFmpegError) as error:
            raise DeviceError(f"{path} cannot be written: {error}") from error
        self._resampler = av.AudioResampler(
            format="fltp",
            layout="stereo",
            rate=self._audio.rate,
            frame_size=_AAC_FRAME_SAMPLES,
        )

    def write_picture(self, picture: Picture, time_s: float) -> None:
        """Show a BGR picture from `time_s` on; one that is not later than the last is left out.

        Raises:
            DeviceError: the disk is full.
        """
        tick = round(time_s * _TICKS_PER_S)
        if tick <= self._last_tick:
            return
        self._last_tick = tick
        frame = av.VideoFrame.from_ndarray(
            to_yuv420(framed(picture, self._width, self._height)), format="yuv420p"
        )
        frame.pts = tick
        frame.time_base = Fraction(1, _TICKS_PER_S)
        if tick >= self._next_key_tick:
            frame.pict_type = PictureType.I
            self._next_key_tick = tick + _KEY_PICTURE_S * _TICKS_PER_S
        self._mux(self._video, frame)

    def write_sound(self, samples: NDArray[np.float32]) -> None:
        """Append (2, samples), in -1..1.

        Raises:
            DeviceError: the disk is full.
        """
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout="stereo"
        )
        frame.rate = self._rate_hz
        frame.pts = self._written_samples
        frame.time_base = Fraction(1, self._rate_hz)
        self._written_samples += samples.shape[1]
        for part in self._resampler.resample(frame):
            self._mux(self._audio, part)

    def close(self) -> None:
        """Write what the encoders still hold; a second call does nothing.

        Raises:
            DeviceError: the disk is full.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self._written_samples:
                for part in self._resampler.resample(None):
                    self._mux(self._audio, part)
                self._mux(self._audio, None)
            if self._last_tick >= 0:
                self._mux(self._video, None)
        finally:
            try:
                self._container.close()
            except (OSError, FFmpegError) as error:
                raise DeviceError(f"{self._path} cannot be written: {error}") from error

    def rescue(self) -> None:
        """After a failure: close the file with the whole seconds that it has."""
        self._closed = True
        with suppress(OSError, FFmpegError):
            self._container.close()

    def _mux(self, stream: Any, frame: av.VideoFrame | av.AudioFrame | None) -> None:
        try:
            for packet in stream.encode(frame):
                self._container.mux(packet)
        except (OSError, FFmpegError) as error:
            raise DeviceError(f"{self._path} cannot be written: {error}") from error

    def _add_video(self) -> Any:
        codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        stream = self._container.add_stream(
            codec, rate=30, options=_X264 if codec == "libx264" else {}
        )
        stream.width, stream.height = self._width, self._height
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = _THREADS
        stream.codec_context.time_base = Fraction(1, _TICKS_PER_S)
        stream.codec_context.gop_size = _LONGEST_GROUP_FRAMES
        return stream

    def _add_audio(self) -> Any:
        # The next rate that AAC has, so that nothing of the sound is lost.
        rate_hz = next((rate for rate in _AAC_RATES_HZ if rate >= self._rate_hz), _AAC_RATES_HZ[-1])
        # At this rate the quicker of its two searches is not heard.
        quick = {"aac_coder": "fast"}
        stream = self._container.add_stream("aac", rate=rate_hz, layout="stereo", options=quick)
        stream.codec_context.bit_rate = _AUDIO_BIT_RATE
        return stream
