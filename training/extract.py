"""One video's sound and pictures, as the MUSIC layout keeps them."""

from __future__ import annotations

import os
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
_JPEG_BEGINS, _JPEG_ENDS = b"\xff\xd8", b"\xff\xd9"
_BLOCK = 1 << 18  # samples that are decoded at a time, where only their number counts
_SPARE_FRAMES = 1.5  # the last picture is begun, not ended, by sound; and rates are rounded
_HOLE_S = 0.05  # sound that is missing for longer than this is silence; less is jitter
_SILENT = 1e-3  # of full scale
_LACKING_S, _LACKING_SHARE = 2.0, 0.02  # the greater of both is what containers may overstate


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
    def frames_part(self) -> Path:
        """Where pictures are before they are all there."""
        return self.frames.with_name(self.frames.name + ".part")

    @property
    def audio_part(self) -> Path:
        """Where sound is before it is all there."""
        return self.audio.with_name(self.audio.name + ".part")

    def remove_parts(self) -> None:
        """What is not complete, as a process that was killed leaves it."""
        shutil.rmtree(self.frames_part, ignore_errors=True)
        self.audio_part.unlink(missing_ok=True)

    @property
    def frame_count(self) -> int:
        """Pictures that are there."""
        return sum(1 for _ in self.frames.glob("*.jpg"))

    def fault(self, rate_hz: int, listed: int | None = None) -> str:
        """What is wrong with what is there, in a few words; empty if nothing is.

        A kill leaves nothing half-written under these names; a fault of the disk, or of the power
        before it had written all, may. Sound is decoded to its end: its frames have checksums.
        Pictures are read at both ends only, which is where they are cut off.

        Args:
            rate_hz: that the sound should have.
            listed: how many pictures an index counts; None if none lists this video.
        """
        try:
            duration_s = _duration_s(self.audio, rate_hz)
        except (soundfile.LibsndfileError, ValueError) as error:
            return f"its sound is broken: {error}"
        count = self.frame_count
        if listed is not None and count != listed:
            return f"{count} pictures of the {listed} that are listed"
        if abs(count - duration_s * FRAMES_FPS) > _SPARE_FRAMES:
            return f"{count} pictures beside {duration_s:.1f} s of sound"
        for number in range(1, count + 1):
            if not _is_whole_jpeg(self.frames / f"{number:06d}.jpg"):
                return f"picture {number:06d} is missing or cut off"
        return ""


def _duration_s(path: Path, rate_hz: int) -> float:
    """Raises ``ValueError`` on another rate, and what soundfile raises on a file that is broken."""
    with soundfile.SoundFile(path) as file:
        if file.samplerate != rate_hz:
            raise ValueError(f"at {file.samplerate} Hz, not {rate_hz} Hz")
        heard = sum(len(block) for block in file.blocks(_BLOCK, dtype="float32"))
        if heard != file.frames:
            raise ValueError(f"{heard} samples of {file.frames}")
        return heard / rate_hz


def _is_whole_jpeg(path: Path) -> bool:
    """Whether it begins and ends as such a file does."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(_JPEG_BEGINS))
            file.seek(-len(_JPEG_ENDS), os.SEEK_END)
            return begins == _JPEG_BEGINS and file.read() == _JPEG_ENDS
    except OSError:  # not there, or too short to have an end
        return False


def extract(video: Path, places: Places, *, rate_hz: int) -> None:
    """Write a video's sound, mono at ``rate_hz``, and eight pictures a second.

    Both begin at the earlier of the two streams' beginnings and last equally long.

    Raises:
        ExtractError: the video is broken, cut off, or lacks sound or pictures.
        OSError: the disk is full, or not to be written on. Nothing half-written keeps its name.
    """
    part, audio_part = places.frames_part, places.audio_part
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    places.audio.parent.mkdir(parents=True, exist_ok=True)
    try:
        sound, rate, start = _sound(video)
        count = _write_frames(video, part, start)
        _check_end(video, start + max(len(sound) / rate, count / FRAMES_FPS))
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
        places.remove_parts()


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


def _check_end(video: Path, end_s: float) -> None:
    """Make sure that what was decoded goes as far as the container says.

    The later of sound and pictures counts: one may well end before the other. Containers that say
    no duration, or whose duration FFmpeg takes from their last packet (MPEG-TS, AVI), cannot tell:
    they are as long as they are.

    Raises:
        ExtractError: it ends early, as a download that broke off does.
    """
    with av.open(str(video)) as container:
        if not container.duration:
            return
        said_s = container.duration / av.time_base
        own = [_own_duration_s(s) for s in (container.streams.audio[0], container.streams.video[0])]
    known = [duration_s for duration_s in own if duration_s]
    if len(known) == len(own):  # without subtitles, which may last longer
        said_s = min(said_s, max(known))
    if end_s < said_s - max(_LACKING_S, _LACKING_SHARE * said_s):
        raise ExtractError(f"ends after {end_s:.0f} of {said_s:.0f} s; download it again")


def _own_duration_s(stream: av.stream.Stream) -> float | None:
    """A stream's own duration; Matroska keeps it as a tag, ``00:01:00.000000000``."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return float(hours) * 3600 + float(minutes) * 60 + float(seconds)
    except ValueError:  # none, or of another form
        return None


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
