"""Curves of a training, as TensorBoard reads them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from training.whole import TrainingError


class Scalars:
    """A file of its own for every start; TensorBoard puts them together.

    TensorBoard's own writer does it in a thread, where a full disk is a traceback.

    Raises:
        TrainingError: the disk does not take it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"events.out.tfevents.{time.time():.0f}.{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb")
        except OSError as error:
            raise self._unwritten(error) from error
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Add them to the curves.

        Raises:
            TrainingError: the disk does not take them.
        """
        values = [Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def close(self) -> None:
        """What could not be written has been told before."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _write(self, event: Event) -> None:
        try:
            RecordWriter(self._file).write(event.SerializeToString())
            self._file.flush()
        except OSError as error:
            raise self._unwritten(error) from error

    def _unwritten(self, error: OSError) -> TrainingError:
        return TrainingError(
            f"{self._path} cannot be written ({error.strerror}); every checkpoint that is there is "
            "kept: make room and start again"
        )
