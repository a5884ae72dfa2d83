"""Media files with picture and sound that are exactly what was put in."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = NDArray[np.uint8]  # (height, width, 3) BGR
Samples: TypeAlias = NDArray[np.float32]
VideoCodec: TypeAlias = Literal["ffv1", "libx264"]  # without loss; as most files have it

_PIXELS = MappingProxyType({"ffv1": "bgr0", "libx264": "yuv420p"})
_OPTIONS = MappingProxyType({"ffv1": {}, "libx264": {"preset": "veryfast", "crf": "18"}})
_BLOCK = 4096  # samples


def write_scene(
    path: Path,
    pictures: Iterable[Picture],
    fps: int,
    samples: Samples,
    rate_hz: int,
    *,
    video_codec: VideoCodec = "ffv1",
) -> None:
    """Write a Matroska file whose sound is 32 bit float.

    Args:
        path: ends in ``.mkv``.
        pictures: at least one; all of one size, both sides even.
        fps: pictures per second.
        samples: ``(n,)`` float32, mono.
        rate_hz: samples per second.
        video_codec: how the pictures are kept.

    Raises:
        ValueError: there is no picture.
    """
    remaining = iter(pictures)
    first = next(remaining, None)
    if first is None:
        raise ValueError("a scene has at least one picture")
    with av.open(str(path), "w", format="matroska") as container:
        video: Any = container.add_stream(
            video_codec, rate=fps, options=dict(_OPTIONS[video_codec])
        )
        video.height, video.width = first.shape[:2]
        video.pix_fmt = _PIXELS[video_codec]
        audio: Any = container.add_stream("pcm_f32le", rate=rate_hz, layout="mono")
        written = 0
        for index, picture in enumerate(_chain(first, remaining)):
            until = min((index + 1) * rate_hz // fps, len(samples))
            written = _write_sound(container, audio, samples, written, until, rate_hz)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        _write_sound(container, audio, samples, written, len(samples), rate_hz)
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def _chain(first: Picture, rest: Iterable[Picture]) -> Iterable[Picture]:
    yield first
    yield from rest


def _write_sound(  # noqa: PLR0917  a range of samples and where it goes
    container: Any, audio: Any, samples: Samples, start: int, stop: int, rate_hz: int
) -> int:
    for position in range(start, stop, _BLOCK):
        block = samples[position : min(position + _BLOCK, stop)]
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block[np.newaxis], np.float32), format="flt", layout="mono"
        )
        frame.sample_rate = rate_hz
        frame.pts, frame.time_base = position, Fraction(1, rate_hz)
        container.mux(audio.encode(frame))
    return max(start, stop)


def sound_length_samples(path: Path) -> int:
    """Samples from the file's time 0 to the end of its sound, by its decoder's time stamps."""
    with av.open(str(path)) as container:
        audio = container.streams.audio[0]
        start_s = max(Fraction(container.start_time or 0, av.time_base), Fraction(0))
        length = 0
        for frame in container.decode(audio):
            if frame.pts is not None and frame.time_base is not None:
                begin_s = Fraction(frame.pts) * frame.time_base - start_s
                # Time stamps of some containers are rounded to milliseconds: where a frame
                # follows the last one, counting is exact and the stamp is not.
                begin = round(begin_s * frame.sample_rate)
                if abs(begin - length) > frame.sample_rate // 100:
                    length = begin
            length += frame.samples
    return length


def pictures_at(path: Path, shares: Iterable[float]) -> list[Picture]:
    """The pictures of a movie at these shares of its length, in 0..1, sorted; BGR."""
    with av.open(str(path)) as container:
        times = [float(frame.time or 0.0) for frame in container.decode(container.streams.video[0])]
    if not times:
        return []
    wanted = {min(round(share * (len(times) - 1)), len(times) - 1) for share in shares}
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(format="bgr24")
            for index, frame in enumerate(container.decode(container.streams.video[0]))
            if index in wanted
        ]
