"""A float32 WAV file that is playable at every moment, also after a kill -9, and of any length.

Samples go straight to the file; `flush` writes the sizes into the header. A reader of a file that
was cut off sees everything up to the last flush.

RIFF counts its bytes with 32 bits. A file that grows beyond becomes RF64 (EBU Tech 3306): its sizes
move into a chunk of 64 bits, which has its place from the beginning and is junk until then.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from realtime.errors import DeviceError
from realtime.sinks.private import new_file

_IEEE_FLOAT = 3
_BYTES_PER_SAMPLE = 4
_HEADER = struct.Struct("<4sI4s4sIQQQI4sIHHIIHHH4sII4sI")
_LARGEST_NUMBER = 2**32 - 1
_SIZES_BYTES = 28


def largest_riff_samples() -> int:
    """How many mono samples fit into a file that counts its bytes with 32 bits."""
    return (_LARGEST_NUMBER - _HEADER.size) // _BYTES_PER_SAMPLE


def _header(rate_hz: int, samples: int) -> bytes:
    data_bytes = samples * _BYTES_PER_SAMPLE
    riff_bytes = _HEADER.size - 8 + data_bytes
    is_riff = samples <= largest_riff_samples()
    sizes = (0, 0, 0) if is_riff else (riff_bytes, data_bytes, samples)
    return _HEADER.pack(
        b"RIFF" if is_riff else b"RF64", riff_bytes if is_riff else _LARGEST_NUMBER, b"WAVE",
        b"JUNK" if is_riff else b"ds64", _SIZES_BYTES, *sizes, 0,
        b"fmt ", 18, _IEEE_FLOAT, 1, rate_hz, rate_hz * _BYTES_PER_SAMPLE,
        _BYTES_PER_SAMPLE, 8 * _BYTES_PER_SAMPLE, 0,
        b"fact", 4, min(samples, _LARGEST_NUMBER),
        b"data", data_bytes if is_riff else _LARGEST_NUMBER,
    )  # fmt: skip


class WavWriter:
    """Write mono float32 samples to a new file, which only its owner may read."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        """Create `path`; raise DeviceError where that is not possible."""
        self._path = path
        self._rate_hz = rate_hz
        self._samples = 0
        try:
            self._file: FileIO | None = os.fdopen(new_file(path), "r+b", buffering=0)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self.flush()
        except DeviceError:
            self._file.close()
            path.unlink()
            raise

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def length_samples(self) -> int:
        """How many samples have been written."""
        return self._samples

    @property
    def is_resting(self) -> bool:
        """Whether the file is closed until it is written to again."""
        return self._file is None

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append (samples,); raise DeviceError when the disk is full."""
        self._put(np.ascontiguousarray(samples, dtype="<f4").tobytes())
        self._samples += samples.size

    def write_silence(self, samples: int) -> None:
        """Append `samples` zeros, as a hole where the file system knows holes: hours cost nothing.

        Raises:
            DeviceError: the disk is full.
        """
        if samples > 0:
            self._cut_or_extend(self._samples + samples)

    def truncate(self, samples: int) -> None:
        """Keep only the first `samples`; nothing happens where there are fewer."""
        if samples < self._samples:
            self._cut_or_extend(samples)
            self.flush()

    def flush(self) -> None:
        """Write the sizes of what is there into the header."""
        file = self._opened()
        try:
            file.seek(0)
            _write(file, _header(self._rate_hz, self._samples))
            file.seek(0, os.SEEK_END)
        except OSError as error:
            raise self._unwritable(error) from error

    def rest(self) -> None:
        """Flush and give the file back until something is written again; raise DeviceError."""
        self.flush()
        self._opened().close()
        self._file = None

    def close(self) -> None:
        """Flush and close; a second call does nothing."""
        if self._file is not None and not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()

    def _opened(self) -> FileIO:
        if self._file is None:
            try:
                self._file = self._path.open("r+b", buffering=0)
                self._file.seek(0, os.SEEK_END)
            except OSError as error:
                raise self._unwritable(error) from error
        return self._file

    def _put(self, data: bytes) -> None:
        file = self._opened()
        try:
            _write(file, data)
        except OSError as error:
            with suppress(OSError):  # half a block would be noise at the end
                file.truncate(self._end)
            raise self._unwritable(error) from error

    def _cut_or_extend(self, samples: int) -> None:
        file = self._opened()
        try:
            file.truncate(_HEADER.size + samples * _BYTES_PER_SAMPLE)
            file.seek(0, os.SEEK_END)
        except OSError as error:
            raise self._unwritable(error) from error
        self._samples = samples

    @property
    def _end(self) -> int:
        return _HEADER.size + self._samples * _BYTES_PER_SAMPLE

    def _unwritable(self, error: OSError) -> DeviceError:
        return DeviceError(f"{self._path} cannot be written: {error.strerror}")


def _write(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
