"""Runs ``run_live.py`` as a user would, and reads what it recorded."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.report import BenchmarkError

COMMAND = Path(__file__).resolve().parent.parent / "run_live.py"
_TAIL_CHARACTERS = 2000

Samples = NDArray[np.float32]


class RunError(BenchmarkError):
    """The command did not end well; the message has the end of what it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedObject:
    """One entry of ``session.json``'s objects, and its sound. Fractions of the picture, seconds."""

    id: int
    centroid: tuple[float, float]
    box: tuple[float, float, float, float]
    mean_energy_db: float
    first_s: float
    last_s: float
    samples: Samples  # (n,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a run with ``--record`` left behind."""

    folder: Path
    facts: Mapping[str, Any]  # session.json
    rate_hz: int
    objects: tuple[RecordedObject, ...]
    mixture: Samples
    residual: Samples

    @property
    def streams(self) -> NDArray[np.float32]:
        """The objects' sound, ``(N, n)``."""
        if not self.objects:
            return np.zeros((0, len(self.mixture)), np.float32)
        return np.stack([item.samples for item in self.objects])

    def streams_of(self, length_samples: int) -> NDArray[np.float32]:
        """The objects' sound, cut or followed by silence to ``(N, length_samples)``."""
        found = self.streams[:, :length_samples]
        return np.pad(found, ((0, 0), (0, length_samples - found.shape[1])))

    @property
    def sum(self) -> Samples:
        """Objects and residual together."""
        total: Samples = (self.streams.sum(axis=0) + self.residual).astype(np.float32)
        return total


class ProgramRun:
    """A Python program while it runs. Its standard output and error go to ``output.txt``.

    It is a session of its own, as a player in a terminal is: where Linux shares the cores among
    sessions first (autogroup), it must not share with the benchmark, its server and its camera.
    """

    def __init__(
        self,
        line: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``line`` is what follows ``python``."""
        folder.mkdir(parents=True, exist_ok=True)
        self._said = folder / "output.txt"
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, *line],
                cwd=COMMAND.parent,
                env=None if environment is None else dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the main process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def output(self) -> str:
        """What it has printed so far."""
        return self._said.read_text(encoding="utf-8", errors="replace")

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def wait(self, timeout_s: float, exit_code: int = 0) -> float:
        """Wait for the end; when it was noticed, monotonic seconds.

        Raises:
            RunError: it takes longer, or the exit code is another.
        """
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise RunError(f"it ran longer than {timeout_s:.0f} s\n{self._tail()}") from None
        ended_s = time.monotonic()
        if code != exit_code:
            raise RunError(f"exit code {code}\n{self._tail()}")
        return ended_s

    def close(self) -> None:
        """End it, whatever its state."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(15)

    def _tail(self) -> str:
        return self.output()[-_TAIL_CHARACTERS:]


class LiveRun(ProgramRun):
    """``run_live.py`` while it runs; it records to ``record``."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.record = folder / "record"
        line = [str(COMMAND), *arguments, "--record", str(self.record)]
        super().__init__(line, folder, environment)


@contextlib.contextmanager
def live_run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[LiveRun]:
    """A run that is over when the block is."""
    run = LiveRun(arguments, folder, environment)
    try:
        yield run
    finally:
        run.close()


def run_session(arguments: Sequence[str], folder: Path, timeout_s: float) -> Session:
    """Run to the end and read the recordings, which stay in ``folder``.

    Raises:
        RunError: it failed, or took longer than ``timeout_s``.
    """
    with live_run(arguments, folder) as run:
        run.wait(timeout_s)
        return read_session(run.record)


def read_session(folder: Path) -> Session:
    """What ``--record`` wrote to ``folder``.

    Raises:
        RunError: a file is missing or wrong.
    """
    try:
        facts = json.loads((folder / "session.json").read_text(encoding="utf-8"))
        mixture, rate_hz = _read(folder / "mixture.wav")
        residual, _ = _read(folder / "residual.wav")
        objects = tuple(_object(folder, entry) for entry in facts["objects"])
    except (OSError, ValueError, KeyError, soundfile.LibsndfileError) as error:
        raise RunError(f"{folder} is no whole recording: {error!r}") from error
    return Session(
        folder=folder,
        facts=facts,
        rate_hz=rate_hz,
        objects=objects,
        mixture=mixture,
        residual=residual,
    )


def _object(folder: Path, entry: Mapping[str, Any]) -> RecordedObject:
    x0, y0, x1, y1 = entry["box"]
    x, y = entry["centroid"]
    return RecordedObject(
        id=entry["id"],
        centroid=(x, y),
        box=(x0, y0, x1, y1),
        mean_energy_db=entry["mean_energy_db"],
        first_s=entry["first_s"],
        last_s=entry["last_s"],
        samples=_read(folder / entry["file"])[0],
    )


def _read(path: Path) -> tuple[Samples, int]:
    samples, rate_hz = soundfile.read(path, dtype="float32")
    return samples, rate_hz


@contextlib.contextmanager
def working_folder(kept: Path | None) -> Iterator[Path]:
    """``kept``, or a folder that is gone after the block.

    Raises:
        BenchmarkError: ``kept`` has something in it already.
    """
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        if any(kept.iterdir()):
            raise BenchmarkError(f"--keep {kept} is not empty; choose a new folder, or empty it")
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        yield Path(name)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every benchmark that runs the command takes; see :func:`model_arguments`."""
    parser.add_argument("--model", type=Path, metavar="DIR", help="default: the shipped one")
    parser.add_argument("--engine", metavar="NAME", help="default: auto")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the recordings there")


def model_arguments(options: argparse.Namespace) -> list[str]:
    """For ``run_live.py``: the model and the engine that the benchmark was told to use."""
    arguments: list[str] = []
    if options.model is not None:
        arguments += ["--model", str(options.model.resolve())]
    if options.engine is not None:
        arguments += ["--engine", options.engine]
    return arguments


def quiet(arguments: Sequence[str]) -> list[str]:
    """The same without any view and any speaker."""
    return [*arguments, "--view", "none", "--speaker", "none"]
