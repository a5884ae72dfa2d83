"""Writes small, real media files for the tests of this folder."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FPS = 10


def noise(samples: int, channels: int = 1, seed: int = 1) -> np.ndarray:
    """int16 (samples, channels)."""
    random = np.random.default_rng(seed)
    return random.integers(-20_000, 20_000, (samples, channels), dtype=np.int16)


def write_wav(path: Path, samples: np.ndarray, rate_hz: int) -> Path:
    """``samples`` int16 (n, channels)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def ramp_picture(index: int, height: int, width: int) -> np.ndarray:
    """BGR uint8, lighter from frame to frame, its top left quarter red."""
    picture = np.full((height, width, 3), min(255, 10 + 20 * index), np.uint8)
    picture[: height // 2, : width // 2] = (0, 0, 255)
    return picture


def write_media(
    path: Path,
    *,
    frames: int = 0,
    size: tuple[int, int] = (64, 96),
    samples: np.ndarray | None = None,
    rate_hz: int = 44_100,
    layout: str = "mono",
    audio_codec: str = "pcm_s16le",
    video_codec: str = "mpeg4",
    audio_start_s: float = 0.0,
    video_start_s: float = 0.0,
    audio_hole_s: float = 0.0,
) -> Path:
    """Pictures at FPS and/or ``samples`` (n, channels), with a hole in the middle of the sound."""
    with av.open(str(path), "w") as container:
        video = audio = None
        if frames:
            video = container.add_stream(video_codec, rate=FPS)
            video.height, video.width = size
            video.pix_fmt = "yuv420p"
            video.time_base = Fraction(1, 1000)
            video.codec_context.time_base = Fraction(1, 1000)
        if samples is not None:
            audio = container.add_stream(audio_codec, rate=rate_hz, layout=layout)
        if video is not None:
            for index in range(frames):
                frame = av.VideoFrame.from_ndarray(ramp_picture(index, *size), format="bgr24")
                frame.time_base = Fraction(1, 1000)
                frame.pts = round((video_start_s + index / FPS) * 1000)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        if audio is not None and samples is not None:
            planar = audio.codec_context.format.is_planar
            block = 1000
            for start in range(0, len(samples), block):
                data = samples[start : start + block]
                if planar:
                    data = (data.T / 32768).astype(np.float32)
                    frame = av.AudioFrame.from_ndarray(
                        np.ascontiguousarray(data), format="fltp", layout=layout
                    )
                else:
                    frame = av.AudioFrame.from_ndarray(
                        np.ascontiguousarray(data.reshape(1, -1)), format="s16", layout=layout
                    )
                frame.sample_rate = rate_hz
                frame.time_base = Fraction(1, rate_hz)
                late = audio_hole_s if start >= len(samples) // 2 else 0.0
                frame.pts = start + round((audio_start_s + late) * rate_hz)
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path
