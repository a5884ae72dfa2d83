"""A float32 WAV file that is playable at every moment, also after a kill -9.

Samples go straight to the file; `flush` writes the sizes into the header. A reader of a file that
was cut off sees everything up to the last flush.
"""

from __future__ import annotations

import struct
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from realtime.errors import DeviceError

_IEEE_FLOAT = 3
_BYTES_PER_SAMPLE = 4
_HEADER = struct.Struct("<4sI4s4sIHHIIHHH4sII4sI")
_LARGEST_FILE_BYTES = 2**32 - 1
_SILENCE_BLOCK_SAMPLES = 1 << 16


def largest_length_samples() -> int:
    """How many mono samples fit into one file: RIFF counts its bytes with 32 bits."""
    return (_LARGEST_FILE_BYTES - _HEADER.size) // _BYTES_PER_SAMPLE


def _header(rate_hz: int, samples: int) -> bytes:
    data_bytes = samples * _BYTES_PER_SAMPLE
    return _HEADER.pack(
        b"RIFF", _HEADER.size - 8 + data_bytes, b"WAVE",
        b"fmt ", 18, _IEEE_FLOAT, 1, rate_hz, rate_hz * _BYTES_PER_SAMPLE,
        _BYTES_PER_SAMPLE, 8 * _BYTES_PER_SAMPLE, 0,
        b"fact", 4, samples,
        b"data", data_bytes,
    )  # fmt: skip


class WavWriter:
    """Write mono float32 samples to a new file."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        """Create `path`; raise DeviceError where that is not possible."""
        self._path = path
        self._rate_hz = rate_hz
        self._samples = 0
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise DeviceError(f"{path} cannot be written: {error.strerror}") from error
        self.flush()

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

    def write(self, samples: NDArray[np.float32]) -> None:
        """Append (samples,); raise DeviceError when the file or the disk is full."""
        if self._samples + samples.size > largest_length_samples():
            hours = largest_length_samples() / self._rate_hz / 3600.0
            raise DeviceError(
                f"{self._path} is full: a WAV file holds 4 GiB, {hours:.1f} h at "
                f"{self._rate_hz} Hz. What was recorded is playable; start a new recording"
            )
        self._put(np.ascontiguousarray(samples, dtype="<f4").tobytes())
        self._samples += samples.size

    def write_silence(self, samples: int) -> None:
        """Append `samples` zeros."""
        block = np.zeros(min(samples, _SILENCE_BLOCK_SAMPLES), dtype=np.float32)
        while samples > 0:
            self.write(block[:samples])
            samples -= block[:samples].size

    def truncate(self, samples: int) -> None:
        """Keep only the first `samples`; nothing happens where there are fewer."""
        if samples >= self._samples:
            return
        self._samples = samples
        try:
            self._file.truncate(_HEADER.size + samples * _BYTES_PER_SAMPLE)
        except OSError as error:
            raise DeviceError(f"{self._path} cannot be written: {error.strerror}") from error
        self.flush()

    def flush(self) -> None:
        """Write the sizes of what is there into the header."""
        try:
            self._file.seek(0)
            self._put(_header(self._rate_hz, self._samples))
            self._file.seek(0, 2)
        except OSError as error:
            raise DeviceError(f"{self._path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Flush and close; a second call does nothing."""
        if not self._file.closed:
            try:
                self.flush()
            finally:
                self._file.close()

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise DeviceError(f"{self._path} cannot be written: {error.strerror}") from error
