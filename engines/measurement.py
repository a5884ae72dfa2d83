"""How long both networks take in one engine, side by side.

Both run side by side in a live run, so they are measured side by side: a backend that is fast alone
may take the cores that the other network needs.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from engines.errors import EngineError
from engines.protocol import Engine, Network
from engines.registry import open_engine

NETWORKS: tuple[Network, ...] = ("vision", "sound")
_RUNS_MIN = 4
_MEASURE_S = 0.5  # for each engine, unless a network needs longer for its fewest runs

Timer = Callable[[], float]
Opener = Callable[..., Engine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One candidate: the time both networks take, each its median, or why there is none."""

    backend: str
    precision: str
    vision_ms: float
    sound_ms: float
    problem: str | None = None

    @property
    def total_ms(self) -> float:
        """Both networks, once each; infinite where the candidate does not run."""
        return self.vision_ms + self.sound_ms


def measured(
    engines: Sequence[tuple[str, str]],
    model_dir: Path,
    threads: int,
    *,
    timer: Timer = time.perf_counter,
    opener: Opener = open_engine,
) -> tuple[Measurement, ...]:
    """Backends in precisions, candidates or not, each with both networks; the fastest first."""
    found = [
        _measured(backend, partial(opener, model_dir), precision, threads, timer)
        for backend, precision in engines
    ]
    return tuple(sorted(found, key=lambda entry: entry.total_ms))


def failed(backend: str, precision: str, problem: str) -> Measurement:
    """Of what does not run."""
    return Measurement(
        backend=backend,
        precision=precision,
        vision_ms=math.inf,
        sound_ms=math.inf,
        problem=problem,
    )


def _measured(
    backend: str,
    opener: Callable[[Network, str, str, int], Engine],
    precision: str,
    threads: int,
    timer: Timer,
) -> Measurement:
    """Run both networks of one candidate side by side until both have been timed enough."""
    engines: list[Engine] = []
    try:
        for network in NETWORKS:
            engines.append(opener(network, backend, precision, threads))
        vision_ms, sound_ms = _medians_ms(engines, timer)
    except EngineError as error:
        return failed(backend, precision, str(error))
    finally:
        for engine in engines:
            engine.close()
    return Measurement(backend=backend, precision=precision, vision_ms=vision_ms, sound_ms=sound_ms)


def _medians_ms(engines: Sequence[Engine], timer: Timer) -> list[float]:
    times: list[list[float]] = [[] for _ in engines]
    failures: list[EngineError] = []
    deadline = timer() + _MEASURE_S

    def enough() -> bool:
        return bool(failures) or (
            timer() >= deadline and all(len(entry) >= _RUNS_MIN for entry in times)
        )

    def run(engine: Engine, taken: list[float]) -> None:
        inputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in engine.inputs}
        try:
            # The one that is done first goes on, so that the other is timed under load.
            while not enough():
                start = timer()
                engine.infer(inputs)
                taken.append(timer() - start)
        except EngineError as error:
            failures.append(error)

    workers = [
        threading.Thread(target=run, args=(engine, taken), name="measure", daemon=True)
        for engine, taken in zip(engines, times, strict=True)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
    return [1000 * float(np.median(taken)) for taken in times]
