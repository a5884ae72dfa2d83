"""The two networks of a model, in the engine that a live run would choose."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines import auto
from engines.model import Model, open_model
from engines.protocol import Engine
from engines.registry import open_engine
from engines.shipped import SHIPPED_MODEL
from pixelplayer.spec import USUAL
from realtime.dial import DIALS, STAGE
from realtime.stages.eyes import Eyes, OpenVision
from realtime.stages.object_streams import Synthesizer

Floats = NDArray[np.float32]
PACE = DIALS[STAGE].pace(is_fast=True)
NEWEST = PACE.newest_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenModel:
    """A model with both networks open; ``vision`` for the proportions of most cameras."""

    model: Model
    open_vision: OpenVision
    vision: Engine
    sound: Engine  # of whole windows
    step: Engine  # of the columns that a live step needs
    eyes: Eyes

    @property
    def synthesizer(self) -> Synthesizer:
        """As the separator has it."""
        model = self.model
        return Synthesizer(scale=model.scale, bias=model.bias, mask=model.spec.mask)

    def look(self, pixels: NDArray[np.uint8]) -> Floats:
        """A BGR picture's features ``(K, h, w)``, at first look."""
        first: Floats = self.eyes.look(pixels)[1][0]
        return first

    def hear(self, log_magnitude: Floats) -> Floats:
        """``(1, 1, F, T)`` to ``(1, K, F, T)``."""
        return self.sound.infer({"log_magnitude": log_magnitude})["sound"]


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextlib.contextmanager
def open_networks(folder: Path, backend: str | None) -> Iterator[OpenModel]:
    """Open both networks; ``backend`` None: as ``--engine auto`` chooses."""
    threads = max(1, cores() // 2)  # as the live command has it
    precision = "auto"
    if backend is None:
        choice = auto.choose(folder, threads, newest=NEWEST)
        backend, precision = choice.backend, choice.precision
    model = open_model(folder)

    def open_vision(grid: tuple[int, int]) -> Engine:
        return open_engine(folder, "vision", backend, precision, threads, grid=grid)

    with (
        open_vision(model.spec.vision.grid_for(*USUAL)) as vision,
        open_engine(folder, "sound", backend, precision, threads) as sound,
        open_engine(folder, "sound", backend, precision, threads, newest=NEWEST) as step,
        contextlib.closing(Eyes(open_vision, model.spec.vision)) as eyes,
    ):
        yield OpenModel(
            model=model, open_vision=open_vision, vision=vision, sound=sound, step=step, eyes=eyes
        )


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which model, in which engine."""
    parser.add_argument(
        "--model", type=Path, metavar="DIR", default=SHIPPED_MODEL, help="default: the shipped one"
    )
    parser.add_argument("--engine", metavar="NAME", help="default: the fastest here")
