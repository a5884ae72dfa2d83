"""The recorded sound: one WAV file per stream, all of the same length, aligned to sample 0."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.errors import DeviceError
from realtime.sinks.wav import WavWriter

REST_S = 10.0


def object_file(object_id: int) -> str:
    """The file name of an object's stream."""
    return f"object-{object_id}.wav"


class SoundFiles:
    """Writes `mixture.wav`, `residual.wav` and an `object-<id>.wav` for each object.

    An object that is found late, or that is missing for a while, is silent until then. The file of
    one that is missing for longer than ``REST_S`` is closed, so that hours of ever new objects do
    not need ever more open files; it gets the length of all when the object is back or at the end.
    """

    def __init__(self, folder: Path, rate_hz: int) -> None:
        """Create the files; raises DeviceError where that is not possible."""
        self._folder = folder
        self._rate_hz = rate_hz
        self._length = 0
        self._mixture = WavWriter(folder / "mixture.wav", rate_hz)
        self._residual = WavWriter(folder / "residual.wav", rate_hz)
        self._objects: dict[int, WavWriter] = {}
        self._heard: dict[int, int] = {}  # where each object was last there, in samples

    @property
    def rate_hz(self) -> int:
        """The rate of all files."""
        return self._rate_hz

    @property
    def length_samples(self) -> int:
        """The length of all files."""
        return self._length

    def write(self, object_ids: Sequence[int], samples: NDArray[np.float32]) -> None:
        """Append (objects + 1, n), the residual last; raises DeviceError when the disk is full."""
        count = samples.shape[1]
        # In float64, so that the sum of the files is the mixture to the last bit of a float32.
        self._mixture.write(samples.sum(axis=0, dtype=np.float64).astype(np.float32))
        self._residual.write(samples[-1])
        for object_id, row in zip(object_ids, samples, strict=False):
            self._object(object_id).write(row)
            self._heard[object_id] = self._length + count
        for object_id in self._objects.keys() - set(object_ids):
            self._miss(object_id, count)
        self._length += count

    def write_silence(self, samples: int) -> None:
        """Append `samples` zeros to every file."""
        for writer in self._awake():
            writer.write_silence(samples)
        self._length += samples

    def fit(self, samples: int) -> None:
        """Make every file `samples` long, by cutting its end off or with silence."""
        self._length = samples
        for writer in self._all():
            writer.truncate(samples)

    def flush(self) -> None:
        """Make everything so far playable, whatever happens next."""
        for writer in self._awake():
            writer.flush()

    def close(self) -> None:
        """Give all files their length, flush and close them; raises DeviceError."""
        with ExitStack() as stack:
            for writer in self._all():
                stack.callback(self._close, writer)

    def rescue(self) -> None:
        """After a failure: leave all files with what all of them have, as far as possible."""
        for writer in self._awake():
            with suppress(DeviceError):
                writer.truncate(self._length)
        with suppress(DeviceError):
            self.close()

    def _close(self, writer: WavWriter) -> None:
        try:
            writer.write_silence(self._length - writer.length_samples)
        finally:
            writer.close()

    def _object(self, object_id: int) -> WavWriter:
        writer = self._objects.get(object_id)
        if writer is None:
            writer = WavWriter(self._folder / object_file(object_id), self._rate_hz)
            self._objects[object_id] = writer
        writer.write_silence(self._length - writer.length_samples)
        return writer

    def _miss(self, object_id: int, count: int) -> None:
        writer = self._objects[object_id]
        if writer.is_resting:
            return
        writer.write_silence(count)
        if self._length - self._heard[object_id] > REST_S * self._rate_hz:
            writer.rest()

    def _all(self) -> tuple[WavWriter, ...]:
        return (self._mixture, self._residual, *self._objects.values())

    def _awake(self) -> list[WavWriter]:
        return [writer for writer in self._all() if not writer.is_resting]
