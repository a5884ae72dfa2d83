"""One video's sound and pictures, as the MUSIC layout keeps them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
import soxr

from training.paper import FRAMES_FPS

SHORT_SIDE_PX = 256  # of a kept picture
JPEG_QUALITY = 92
_HOLE_S = 0.05  # sound that is missing for longer than this is silence; less is jitter
_SILENT = 1e-3  # of full scale


class ExtractError(Exception):
    """This video cannot be used; the message says why in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where one video's parts are kept."""

    audio: Path  # a FLAC file
    frames: Path  # a folder: 000001.jpg, 000002.jpg, …

    @property
    def are_there(self) -> bool:
        """Whether both are complete: neither gets its name before it is."""
        return self.audio.exists() and self.frames.is_dir()

    @property
    def frame_count(self) -> int:
        """Pictures that are there."""
        return sum(1 for _ in self.frames.glob("*.jpg"))


def extract(video: Path, places: Places, *, rate_hz: int) -> None:
    """Write a video's sound, mono at ``rate_hz``, and eight pictures a second.

    Both begin at the earlier of the two streams' beginnings and last equally long.

    Raises:
        ExtractError: the video is broken, or lacks sound or pictures.
        OSError: the disk is full, or not to be written on. Nothing half-written keeps its name.
    """
    part = places.frames.with_name(places.frames.name + ".part")
    audio_part = places.audio.with_name(places.audio.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    places.audio.parent.mkdir(parents=True, exist_ok=True)
    try:
        sound, rate, start = _sound(video)
        count = _write_frames(video, part, start)
        length = min(len(sound), round(count / FRAMES_FPS * rate))
        if not count or not length:
            raise ExtractError("sound and pictures do not overlap")
        for surplus in range(int(np.ceil(length / rate * FRAMES_FPS)) + 1, count + 1):
            (part / f"{surplus:06d}.jpg").unlink()
        samples = soxr.resample(sound[:length], rate, rate_hz)
        soundfile.write(audio_part, np.clip(samples, -1, 1), rate_hz, format="FLAC")
        shutil.rmtree(places.frames, ignore_errors=True)
        audio_part.replace(places.audio)
        part.replace(places.frames)
    except av.FFmpegError as error:
        raise ExtractError(f"cannot be decoded: {error.strerror}") from error
    except soundfile.LibsndfileError as error:
        raise OSError(f"{audio_part} cannot be written: {error.error_string}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        audio_part.unlink(missing_ok=True)


def _sound(video: Path) -> tuple[np.ndarray, int, float]:
    """Mono float32 samples, their rate, and the instant of the first one in the file, seconds."""
    with av.open(str(video)) as container:
        if not container.streams.audio:
            raise ExtractError("has no sound")
        if not container.streams.video:
            raise ExtractError("has no pictures")
        stream = container.streams.audio[0]
        start = _beginning(container)
        pieces: list[np.ndarray] = []
        rate, reached = stream.rate, 0
        to_mono = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in container.decode(stream):
            if frame.time is not None:
                missing = round((frame.time - start) * rate) - reached
                if missing > _HOLE_S * rate:
                    pieces.append(np.zeros(missing, np.float32))
                    reached += missing
            for mono in to_mono.resample(frame):
                pieces.append(mono.to_ndarray().reshape(-1).astype(np.float32))
                reached += len(pieces[-1])
    sound = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    if not len(sound) or not np.isfinite(sound).all():
        raise ExtractError("its sound is broken")
    if float(np.abs(sound).max()) < _SILENT:
        raise ExtractError("is silent")
    return sound, rate, start


def _beginning(container: av.container.InputContainer) -> float:
    """The earlier of the two streams' first instants, seconds."""
    streams = (container.streams.audio[0], container.streams.video[0])
    return min(
        float((stream.start_time or 0) * (stream.time_base or Fraction(1))) for stream in streams
    )


def _write_frames(video: Path, folder: Path, start: float) -> int:
    """Write what is seen 0, 1/8, … seconds after ``start``; how many pictures that is."""
    count = 0
    for shown, until in _shown(video, start):
        while count / FRAMES_FPS < until:
            count += 1
            path = folder / f"{count:06d}.jpg"
            if not cv2.imwrite(str(path), shown, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
                raise OSError(f"{path} cannot be written")
    return count


def _shown(video: Path, start: float) -> Iterator[tuple[np.ndarray, float]]:
    """Each picture, (h, w, 3) BGR, with the instant at which the next one replaces it."""
    former: np.ndarray | None = None
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        lasts_s = float(1 / (stream.average_rate or Fraction(25)))
        at = 0.0
        for frame in container.decode(stream):
            at = at + lasts_s if frame.time is None else frame.time - start
            if former is not None:
                yield former, at
            scale = SHORT_SIDE_PX / min(frame.width, frame.height)
            size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
            former = cv2.resize(
                frame.to_ndarray(format="bgr24"), size, interpolation=cv2.INTER_AREA
            )
    if former is not None:
        yield former, at + lasts_s
