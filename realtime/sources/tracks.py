"""The sound and the pictures of one media file, each decoded on its own, only as far as asked.

The file is opened once per track: a file that stores all its sound after all its pictures then
costs no more memory than any other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import PurePath
from typing import Any, Literal

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from realtime.checks import HIGHEST_RATE_HZ
from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.errors import UsageError
from realtime.sources.samples import mono, silence_broken, to_float
from realtime.sources.size import reduced
from realtime.sources.timeline import Timeline

LONGEST_HOLE_S = Fraction(60)
CUT_SHORT_S = Fraction(1, 4)  # a file that ends so much before its declared end was cut
LATE_NS = 250 * NS_PER_MS  # from here on pictures that no other depends on are left out
VERY_LATE_NS = 1000 * NS_PER_MS  # from here on all but key pictures
_SMALL_PX = 1280 * 720

_log = logging.getLogger(__name__)


class Complaints:
    """What is wrong with one file: counted, and the first is mentioned to the user."""

    def __init__(self, path: str) -> None:
        self._name = PurePath(path).name
        self.count = 0

    def note(self, what: str) -> None:
        """Count it."""
        if not self.count:
            _log.warning("%s: %s", self._name, what)
        self.count += 1


class FileTrack:
    """One stream of a file: its decoded frames, as far as they can be decoded.

    ``is_unknown``: there are streams of this kind, but no decoder for any.

    Raises:
        UsageError: no such file, or not a media file.
    """

    def __init__(self, path: str, kind: Literal["audio", "video"], complaints: Complaints) -> None:
        self.name = PurePath(path).name
        self._complaints = complaints
        self._container = _open(path)
        streams = getattr(self._container.streams, kind)
        known = [one for one in streams if one.codec_context is not None]
        self.is_unknown = bool(streams) and not known
        if self.is_unknown:
            complaints.note(f"its {kind} is of a kind that no decoder knows")
        self._stream: Any = known[0] if known else None
        if self.found and kind == "video":
            self._spare_threads()
        start = self._container.start_time
        self._start_s = Fraction(start or 0, av.time_base)
        self._declared_s = Fraction(self._container.duration or 0, av.time_base)
        self._end_s = Fraction(0)

    def _spare_threads(self) -> None:
        """Small pictures are soon decoded; shared out, they take a fifth more of the processor."""
        if 0 < self._stream.width * self._stream.height <= _SMALL_PX:
            self._stream.codec_context.thread_count = 1

    @property
    def found(self) -> bool:
        """Whether the file has a stream of this kind at all that can be decoded."""
        return self._stream is not None

    def time_s(self, frame: Any) -> Fraction | None:
        """The frame's presentation time; 0 is the start of the whole file.

        A file that says it starts before 0 has there what its decoders need to get going.
        """
        if frame.pts is None or frame.time_base is None:
            return None
        return Fraction(frame.pts) * Fraction(frame.time_base) - max(Fraction(0), self._start_s)

    def frames(self) -> Iterator[Any]:
        """Every frame that decodes; broken parts are left out."""
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self._complaints.note(f"it cannot be read to its end ({_reason(error)})")
                return
            if packet is None:
                break
            if packet.pts is not None:
                end = (packet.pts + (packet.duration or 0)) * Fraction(packet.time_base)
                self._end_s = max(self._end_s, end)
            if packet.stream_index != self._stream.index:
                continue
            try:
                yield from packet.decode()
            except av.EOFError:
                break
            except av.FFmpegError as error:
                self._complaints.note(f"a broken part of it is left out ({_reason(error)})")
        self._check_end()

    def _check_end(self) -> None:
        declared_s = self._declared_s + self._start_s
        if declared_s - self._end_s > CUT_SHORT_S:
            there = f"{float(self._end_s):.1f} of {float(declared_s):.1f} s"
            self._complaints.note(f"it is cut short; {there} are there")

    def length(self) -> Mapping[str, float]:
        """``duration_s`` from the file's time 0 to its end, where the container knows it."""
        if self._declared_s <= 0:
            return {}
        return {"duration_s": float(self._declared_s + min(Fraction(0), self._start_s))}

    def leave_out(self, which: Literal["DEFAULT", "NONREF", "NONKEY"]) -> None:
        """Which pictures the decoder may leave out from now on; ``DEFAULT`` for none."""
        self._stream.codec_context.skip_frame = which

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def _open(path: str) -> Any:
    name = PurePath(path).name
    try:
        return av.open(path, metadata_errors="replace")
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (av.FFmpegError, OSError) as error:
        raise UsageError(
            f"{name} cannot be opened as a media file ({_reason(error)}); play it in a media "
            "player to see whether it is whole"
        ) from None


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)


class FileSound:
    """The sound of a file as mono at its own rate, sample 0 at the file's time 0.

    Sound that starts later than the file is preceded by silence, sound that starts earlier is cut;
    holes are filled with silence. Channels are averaged. A sample that is NaN or infinite becomes
    0.

    Raises:
        UsageError: no such file, no sound in it, or none that decodes.
    """

    def __init__(self, path: str, complaints: Complaints) -> None:
        self._file = FileTrack(path, "audio", complaints)
        self._complaints = complaints
        if self._file.is_unknown:
            raise self._unusable("has sound that cannot be decoded")
        if not self._file.found:
            raise self._unusable("has no sound, so there is nothing to separate")
        self._frames = self._file.frames()
        self._frame = next(self._frames, None)
        if self._frame is None:
            broken = complaints.count > 0
            raise self._unusable(
                "has sound that cannot be decoded" if broken else "has a sound track of zero length"
            )
        self._rate_hz = int(self._frame.sample_rate)
        if not 1 <= self._rate_hz <= HIGHEST_RATE_HZ:
            raise self._unusable(f"says that its sound has {self._rate_hz} samples a second")
        self._timeline = Timeline(self._rate_hz, LONGEST_HOLE_S)
        self._ready = np.zeros(0, np.float32)
        self._silence = 0
        self._silenced_samples = 0
        self._padded_samples = 0

    def _unusable(self, problem: str) -> UsageError:
        self._file.close()
        return UsageError(
            f"{self._file.name} {problem}; choose another file, or give the sound with --audio"
        )

    @property
    def rate_hz(self) -> int:
        """The rate of the decoded sound (which some codecs only tell with the first frame)."""
        return self._rate_hz

    def read(self, count: int) -> NDArray[np.float32]:
        """The next ``count`` samples; fewer only at the end."""
        parts: list[NDArray[np.float32]] = []
        missing = count
        while missing > 0:
            if self._silence:
                part = np.zeros(min(self._silence, missing), np.float32)
                self._silence -= part.size
            elif self._ready.size:
                part, self._ready = self._ready[:missing], self._ready[missing:]
            elif self._frame is not None:
                self._place(self._frame)
                continue
            else:
                break
            parts.append(part)
            missing -= part.size
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _place(self, frame: Any) -> None:
        channels = _channels(frame)
        self._silenced_samples += silence_broken(channels)
        samples = mono(channels)
        self._silence, skipped = self._timeline.place(self._file.time_s(frame), samples.size)
        self._padded_samples += self._silence
        self._ready = samples[skipped:]
        self._frame = next(self._frames, None)
        if self._frame is not None and self._frame.sample_rate != self._rate_hz:
            self._complaints.note("its sound changes its rate on the way; the rest is left out")
            self._frame = None

    def stats(self) -> Mapping[str, float]:
        """What had to be mended, and the file's length."""
        return {
            **self._file.length(),
            "silenced_samples": self._silenced_samples,
            "padded_samples": self._padded_samples,
        }

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _channels(frame: Any) -> NDArray[np.float32]:
    """A decoded frame as float32 (channels, n)."""
    samples = to_float(frame.to_ndarray())  # (channels, n), or (1, n * channels) interleaved
    return samples if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels).T


class FilePictures:
    """The pictures of a file, upright, as they follow each other in time.

    Pictures larger than ``longest_side_px`` are reduced to it, in proportion. Pictures before the
    file's time 0 are left out.
    """

    def __init__(self, track: FileTrack, longest_side_px: int) -> None:
        self._file = track
        self._longest_side_px = longest_side_px
        self._frames = track.frames()
        self._frame: Any = None
        self._media_ns = -1
        self._pictures = 0
        # Kept, for to set one up takes as long as to use it.
        self._reduce, self._colour = VideoReformatter(), VideoReformatter()
        self._advance()

    def peek_ns(self) -> int | None:
        """The position of the next picture; None at the end."""
        return None if self._frame is None else self._media_ns

    def take(self) -> NDArray[np.uint8]:
        """The next picture, BGR (height, width, 3)."""
        picture = self._upright(self._frame)
        self._pictures += 1
        self._advance()
        return picture

    def _upright(self, frame: Any) -> NDArray[np.uint8]:
        width, height = reduced(frame.width, frame.height, self._longest_side_px)
        if (width, height) != (frame.width, frame.height):
            frame = self._reduce.reformat(frame, width=width, height=height, interpolation="AREA")
        picture = self._colour.reformat(frame, format="bgr24").to_ndarray()
        quarter_turns = round(self._frame.rotation / 90)  # counter-clockwise
        return np.ascontiguousarray(np.rot90(picture, quarter_turns))

    def hurry(self, late_ns: int) -> None:
        """Let the decoder leave pictures out when it cannot keep up."""
        if late_ns > VERY_LATE_NS:
            self._file.leave_out("NONKEY")
        elif late_ns > LATE_NS:
            self._file.leave_out("NONREF")
        else:
            self._file.leave_out("DEFAULT")

    def stats(self) -> Mapping[str, float]:
        """How many have been given out, and the file's length."""
        return {**self._file.length(), "pictures": self._pictures}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _advance(self) -> None:
        for frame in self._frames:
            time_s = self._file.time_s(frame)
            media_ns = self._media_ns + 1 if time_s is None else round(time_s * NS_PER_S)
            if media_ns > self._media_ns:  # times that fall back are broken ones
                self._frame, self._media_ns = frame, media_ns
                return
        self._frame = None


def open_file_pictures(
    path: str, longest_side_px: int, complaints: Complaints
) -> FilePictures | None:
    """The pictures of ``path``, or None when it has none.

    Raises:
        UsageError: no such file, or not a media file.
    """
    track = FileTrack(path, "video", complaints)
    if not track.found:
        track.close()
        return None
    return FilePictures(track, longest_side_px)
