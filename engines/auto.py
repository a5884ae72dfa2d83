"""Chooses the engine that is fastest here, by trying.

A precision is a candidate where the model has graphs for it, whose loss was judged when they were
written (``calibration``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engines import cuda, memory
from engines.errors import EngineError
from engines.locks import held
from engines.measurement import NETWORKS, Measurement, Opener, Timer, failed, measured
from engines.model import graph_path, whole_network
from engines.processor import processor
from engines.registry import installed_runtime, is_installed, open_engine
from engines.versions import installed_version

# Torch is the reference, not a candidate: a live run does not import it unasked.
CANDIDATES = ("openvino", "onnxruntime")
# fp16 is for GPUs: what runs on a processor widens it again.
PRECISIONS = ("int8", "fp32")
GPU_PRECISIONS = ("fp16", "fp32")  # the first that the model has

# Of a graph's file the nodes come first and the ports last: that is what its speed depends on, not
# the weights between. To read all of them takes as long as a process to start.
_HEAD_BYTES, _TAIL_BYTES = 2**20, 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The backend chosen, and the reasons."""

    backend: str
    precision: str
    measurements: tuple[Measurement, ...]  # the fastest first
    origin: str  # how they were come by, as a clause
    is_guess: bool = False  # nothing was measured

    def report(self) -> str:
        """The choice and its reasons, one line for each candidate."""
        verdict = "the fastest here" if self.measurements else "not measured"
        found = self.origin if self.is_guess else f"{verdict}, {self.origin}"
        lines = [f"engine {self.backend}/{self.precision}: {found}"]
        for entry in self.measurements:
            reason = entry.problem or (
                f"vision {entry.vision_ms:.1f} ms, sound {entry.sound_ms:.1f} ms"
            )
            lines.append(f"  {entry.backend}/{entry.precision}: {reason}")
        return "\n".join(lines)


def usable_gpu() -> str | None:
    """The GPU that TensorRT is installed for and can use; None where there is none."""
    if not (is_installed("tensorrt") and cuda.has_driver()):
        return None
    try:
        return cuda.device().name
    except EngineError:
        return None


def choose(
    model_dir: Path,
    threads: int,
    precision: str = "auto",
    *,
    newest: int | None = None,
    cache: Path | None = None,
    timer: Timer = time.perf_counter,
    opener: Opener = open_engine,
    gpu: Callable[[], str | None] = usable_gpu,
) -> Choice:
    """The fastest candidate for this model on this machine; measured once, then remembered.

    Args:
        model_dir: the model's folder.
        threads: CPU threads for each of the two networks, at least 1.
        precision: ``fp32`` or one that the model has graphs for; ``auto`` tries all of these.
        newest: columns of a window that the sound network will give; all unless told.
        cache: the JSON file to remember in; by default the user's own.
        timer: seconds, monotonic.
        opener: opens an engine, as ``engines.registry.open_engine``.
        gpu: the name of the GPU that TensorRT can use here, or None. Where there is one it is
            chosen unmeasured: to build for it may take minutes.

    Raises:
        EngineError: no candidate runs this model; the message has every reason.
    """
    path = cache or memory.default_path()
    asked = _Asked(model_dir, threads, precision, newest)
    known = _known(asked, path, gpu)
    if known is not None:
        return known
    with held(
        path and path.with_suffix(".lock")
    ):  # two that begin at once would measure each other
        return _known(asked, path, gpu) or _fastest(asked, path, timer, opener)


def guess(
    model_dir: Path,
    threads: int,
    precision: str = "auto",
    *,
    newest: int | None = None,
    cache: Path | None = None,
    gpu: Callable[[], str | None] = usable_gpu,
) -> Choice:
    """What :func:`choose` gives where it need not measure, else what is usually the fastest.

    For who cannot wait: a live run begins with it, and has the rest measured meanwhile.

    Raises:
        EngineError: a graph cannot be read.
    """
    path = cache or memory.default_path()
    asked = _Asked(model_dir, threads, precision, newest)
    known = _known(asked, path, gpu)
    if known is not None:
        return known
    backend = next((one for one in CANDIDATES if is_installed(one)), CANDIDATES[-1])
    return Choice(
        backend=backend,
        precision=asked.precisions()[0],
        measurements=(),
        origin="not measured on this machine yet; that is done while it runs",
        is_guess=True,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """For what an engine is wanted."""

    model_dir: Path
    threads: int
    precision: str
    newest: int | None

    def precisions(self, known: Sequence[str] = PRECISIONS) -> tuple[str, ...]:
        return _precisions(self.model_dir, self.precision, known)

    def key(self) -> str:
        return _key(self.model_dir, self.precisions(), self.threads, self.newest)


def _known(asked: _Asked, path: Path | None, gpu: Callable[[], str | None]) -> Choice | None:
    """The choice that needs no measuring now."""
    if (name := gpu()) is not None:
        return Choice(
            backend="tensorrt",
            precision=asked.precisions(GPU_PRECISIONS)[0],
            measurements=(),
            origin=f"on {name}",
        )
    remembered = recalled(path, asked.key()) if path else None
    if path and not remembered:  # what `bench` has measured is of whole windows
        remembered = recalled(path, dataclasses.replace(asked, newest=None).key())
    if not remembered:
        return None
    return Choice(
        backend=remembered[0].backend,
        precision=remembered[0].precision,
        measurements=remembered,
        origin=f"measured earlier (remembered in {path})",
    )


def _fastest(asked: _Asked, path: Path | None, timer: Timer, opener: Opener) -> Choice:
    """Measured now, and kept in ``path``."""
    if asked.newest is not None:
        opener = partial(opener, newest=asked.newest)
    candidates = [(backend, one) for backend in CANDIDATES for one in asked.precisions()]
    found = measured(candidates, asked.model_dir, asked.threads, timer=timer, opener=opener)
    return _kept(found, asked, path)


def kept(
    found: Sequence[Measurement], model_dir: Path, threads: int, cache: Path | None = None
) -> Choice:
    """The fastest of ``measured``; what ``choose`` would have measured is remembered for it.

    Raises:
        EngineError: none of them runs this model.
    """
    return _kept(found, _Asked(model_dir, threads, "auto", None), cache or memory.default_path())


def _kept(found: Sequence[Measurement], asked: _Asked, path: Path | None) -> Choice:
    best = found[0]
    if best.problem is not None:
        if len({one.problem for one in found}) == 1:  # it is the model's
            raise EngineError(best.problem)
        reasons = "; ".join(f"{one.backend}/{one.precision}: {one.problem}" for one in found)
        raise EngineError(f"no engine runs the model in {asked.model_dir} ({reasons})")
    wanted = asked.precisions()
    rows = [_as_json(one) for one in found if one.backend in CANDIDATES and one.precision in wanted]
    trouble: str | None = None if path else "the user has no home folder"
    if path and rows:
        trouble = memory.remember(path, asked.key(), {"measurements": rows})
    return Choice(
        backend=best.backend,
        precision=best.precision,
        measurements=tuple(found),
        origin=f"measured now; not remembered ({trouble})" if trouble else "measured now",
    )


def unlike_auto(choice: Choice, model_dir: Path) -> str:
    """What ``--engine auto`` takes, where that is not what was found the fastest; else ""."""
    if (gpu := usable_gpu()) is not None:
        taken = ("tensorrt", _precisions(model_dir, "auto", GPU_PRECISIONS)[0])
        why = f"unmeasured, on {gpu}"
    else:
        able = [
            (one.backend, one.precision)
            for one in choice.measurements
            if one.problem is None and one.backend in CANDIDATES and one.precision in PRECISIONS
        ]
        taken, why = (able or [("", "")])[0], f"of {' and '.join(CANDIDATES)}"
    if taken == (choice.backend, choice.precision):
        return ""
    fastest = f"--engine {choice.backend} --precision {choice.precision}"
    if not taken[0]:
        return f"--engine auto has nothing to take here; the fastest is {fastest}"
    return f"--engine auto takes {'/'.join(taken)}, {why}; the fastest is {fastest}"


def _precisions(model_dir: Path, precision: str, known: Sequence[str]) -> tuple[str, ...]:
    """What is tried: the one that is asked for, or all that the model has both graphs for."""
    if precision != "auto":
        return (precision,)
    return tuple(
        one
        for one in known
        if one == "fp32"
        or all((model_dir / f"{network}.{one}.onnx").exists() for network in NETWORKS)
    )


def recalled(path: Path, key: str) -> tuple[Measurement, ...]:
    """The measurements remembered under ``key``, the fastest first; empty if unusable."""
    entry = memory.recall(path, key) or {}
    rows = entry.get("measurements")
    if not isinstance(rows, list):
        return ()
    try:
        measurements = [_from_json(row) for row in rows]
    except (KeyError, TypeError, ValueError):
        return ()
    measurements.sort(key=lambda measurement: measurement.total_ms)
    if not measurements or not math.isfinite(measurements[0].total_ms):
        return ()
    return tuple(measurements)


def _as_json(entry: Measurement) -> dict[str, str | float]:
    names: dict[str, str | float] = {"backend": entry.backend, "precision": entry.precision}
    if entry.problem is not None:
        return names | {"problem": entry.problem}
    return names | {"vision_ms": entry.vision_ms, "sound_ms": entry.sound_ms}


def _from_json(row: dict[str, object]) -> Measurement:
    backend, precision = str(row["backend"]), str(row["precision"])
    if backend not in CANDIDATES:
        raise ValueError(f"{backend!r} is no candidate")
    if "problem" in row:
        return failed(backend, precision, str(row["problem"]))
    vision_ms, sound_ms = row["vision_ms"], row["sound_ms"]
    if not isinstance(vision_ms, float) or not isinstance(sound_ms, float):
        raise TypeError("a time is no number")
    if not (0 < vision_ms < math.inf and 0 < sound_ms < math.inf):
        raise ValueError("a time is none")
    return Measurement(backend=backend, precision=precision, vision_ms=vision_ms, sound_ms=sound_ms)


def _key(model_dir: Path, precisions: Sequence[str], threads: int, newest: int | None) -> str:
    """A digest of all that the measurement depends on.

    Raises:
        EngineError: a graph cannot be read.
    """
    digest = hashlib.sha256()
    whole = newest is None
    paths = [
        graph_path(model_dir, whole_network(model_dir, network, one) if whole else network, one)
        for one in precisions
        for network in NETWORKS
    ]
    for path in paths:
        try:
            digest.update(_fingerprint(path))
        except OSError as error:
            raise EngineError(
                f"{path} cannot be read ({error.strerror}); "
                "export the model again, see docs/models.md"
            ) from None
    versions = [f"{backend} {_version(backend)}" for backend in CANDIDATES]
    machine = [
        platform.machine(),
        processor(),
        str(os.cpu_count()),
        str(threads),
        str(newest),
        *precisions,
    ]
    digest.update("\n".join([*versions, *machine]).encode())
    return digest.hexdigest()


def _fingerprint(path: Path) -> bytes:
    """A digest of a graph's size, beginning and end; raises OSError."""
    with path.open("rb") as graph:
        size = graph.seek(0, os.SEEK_END)
        graph.seek(0)
        head = graph.read(_HEAD_BYTES)
        graph.seek(max(size - _TAIL_BYTES, len(head)))
        return hashlib.sha256(b"%d " % size + head + graph.read()).digest()


def _version(backend: str) -> str:
    runtime = installed_runtime(backend)
    return "not installed" if runtime is None else installed_version(runtime)
