"""The new mix as a WAV file, or with the session's picture as a movie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from realtime.errors import DeviceError, UsageError

Blocks = Iterable[NDArray[np.float32]]  # (2, n)
_CODECS = {
    ".wav": ("pcm_f32le", "flt"),
    ".flac": ("flac", "s32"),
    ".mp4": ("aac", "fltp"),
    ".m4a": ("aac", "fltp"),
}
KINDS = ", ".join(_CODECS)


def write_mix(path: Path, blocks: Blocks, rate_hz: int, picture: Path | None) -> None:
    """Write to a file that becomes ``path`` when it is whole.

    Args:
        path: ``.wav``, ``.flac`` or ``.m4a``; ``.mp4`` shows the picture too.
        blocks: the sound.
        rate_hz: of the sound.
        picture: a movie whose picture is copied as it is.

    Raises:
        UsageError: the ending is none of these.
        DeviceError: the file cannot be written, or the picture not be read.
    """
    if path.suffix.lower() not in _CODECS:
        raise UsageError(f"{path}: wanted a file of one of the kinds {KINDS}")
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    is_movie = path.suffix.lower() == ".mp4"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(part), "w") as out:
            _write(out, path.suffix.lower(), blocks, rate_hz, picture if is_movie else None)
        part.replace(path)
    except (OSError, FFmpegError) as error:
        raise DeviceError(f"{path} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)


class _Sound:
    """Encodes blocks into one stream of an open file."""

    def __init__(self, out: Any, kind: str, rate_hz: int) -> None:
        codec, form = _CODECS[kind]
        self._out, self._rate_hz = out, rate_hz
        self._stream = out.add_stream(codec, rate=rate_hz, layout="stereo")
        self._resampler = av.AudioResampler(
            format=form,
            layout="stereo",
            rate=rate_hz,
            frame_size=self._stream.codec_context.frame_size,
        )
        self._samples = 0

    @property
    def seconds(self) -> float:
        """How much was written."""
        return self._samples / self._rate_hz

    def write(self, block: NDArray[np.float32]) -> None:
        samples = np.ascontiguousarray(block)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.rate, frame.pts = self._rate_hz, self._samples
        self._samples += block.shape[1]
        self._encode(frame)

    def close(self) -> None:
        self._encode(None)
        self._out.mux(self._stream.encode(None))

    def _encode(self, frame: av.AudioFrame | None) -> None:
        for part in self._resampler.resample(frame):
            self._out.mux(self._stream.encode(part))


def _write(out: Any, kind: str, blocks: Blocks, rate_hz: int, picture: Path | None) -> None:
    with ExitStack() as opened:
        packets: Iterator[Any] = iter(())
        copied = None
        if picture is not None:
            movie = opened.enter_context(av.open(str(picture)))
            if movie.streams.video:
                copied = out.add_stream_from_template(movie.streams.video[0])
                packets = movie.demux(movie.streams.video[0])
        sound = _Sound(out, kind, rate_hz)
        waiting = iter(blocks)
        for packet in packets:
            if packet.dts is None:  # the last one says the end
                continue
            # Sound and picture of the same moment lie near each other, as players read on.
            while sound.seconds < packet.dts * packet.time_base:
                block = next(waiting, None)
                if block is None:
                    break
                sound.write(block)
            packet.stream = copied
            out.mux(packet)
        for block in waiting:
            sound.write(block)
        sound.close()
