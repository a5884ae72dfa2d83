"""What recordings that follow one another ask of what writes each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from realtime.stage import Inputs, Outputs


class SessionWriter(Protocol):
    """:class:`realtime.sinks.recorder.Recorder`: it raises DeviceError where it cannot write."""

    def open(self) -> None:
        """Begin to write; raises UsageError where the folder cannot be used."""

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Write what has arrived."""

    @property
    def finished(self) -> bool:
        """Whether all has ended."""

    @property
    def length_samples(self) -> int:
        """Of the sound that is written."""

    def close(self) -> None:
        """Finish all files."""

    def stats(self) -> Mapping[str, float]:
        """Among others ``recorded_s``."""
