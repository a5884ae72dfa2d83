"""A player between two null sinks of a real sound server: what goes in, and what comes out."""

from __future__ import annotations

import argparse
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.delay import Delay, delays
from benchmarks.monitors import RATE_HZ, MonitorRecorder, Recording
from benchmarks.session_run import ProgramRun, RunError
from tests.live.parts import end_process
from tests.live.pulse import PulseServer

SETTLING_S = 5.0
OPENING_S = 60.0
_LONGEST_DELAY_S = 4.0
_PIECE_S = 600.0  # is played at once: a longer one is much to hold
_BETWEEN_PIECES_S = 10.0
_SWEEPS, _STRIDE = 8, 3
_NEEDED = ("pulseaudio", "pactl", "pacat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A file to play."""

    path: Path
    duration_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What the microphone was played, recorded twice, and what the speaker played."""

    said: Recording
    again: Recording
    heard: Recording

    @property
    def delays(self) -> tuple[Delay, ...]:
        """From microphone to speaker."""
        return _between(self.said, self.heard)

    @property
    def errors(self) -> tuple[Delay, ...]:
        """Of the measurement: the delay between two recordings of one source."""
        return _between(self.said, self.again)

    @property
    def apart_ppm(self) -> float:
        """How much slower the speaker's clock is than the microphone's."""
        return 1e6 * (self.heard.slow - self.said.slow)


def check_programs(parser: argparse.ArgumentParser) -> None:
    """End the command where there is no sound server to start."""
    for program in _NEEDED:
        if shutil.which(program) is None:
            parser.error(f"{program} is missing; run: scripts/system-packages test")


def player_s(duration_s: float) -> float:
    """How long a player must run for an :func:`exchange` of ``duration_s``."""
    further = math.ceil(duration_s / _PIECE_S) - 1
    return duration_s + 2 * SETTLING_S + further * _BETWEEN_PIECES_S


def prepared(server: PulseServer, duration_s: float) -> tuple[Piece, ...]:
    """Noises to play into the microphone for so long; the long ones are one.

    To make ten minutes of them takes a core for two seconds: not while somebody is measured.
    """
    whole, rest_s = divmod(duration_s, _PIECE_S)
    pieces = [_piece(server, _PIECE_S, seed=3)] * int(whole) if whole else []
    return (*pieces, _piece(server, rest_s, seed=4)) if rest_s else tuple(pieces)


def _piece(server: PulseServer, duration_s: float, seed: int) -> Piece:
    return Piece(
        path=server.written(noises(duration_s, RATE_HZ, seed)),
        duration_s=duration_s,
    )


def exchange(server: PulseServer, pieces: Sequence[Piece]) -> Exchange:
    """Play what was :func:`prepared` into the microphone; record it twice, and the speaker."""
    sources = ("mic.monitor", "mic.monitor", "spk.monitor")
    recorders = [MonitorRecorder(source, server.environment) for source in sources]
    try:
        time.sleep(SETTLING_S / 2)
        for piece in pieces:
            _play(server, piece)
        time.sleep(SETTLING_S / 2)
    finally:
        said, again, heard = (recorder.stop() for recorder in recorders)
    return Exchange(said=said, again=again, heard=heard)


def _play(server: PulseServer, piece: Piece) -> None:
    player = server.play_file(piece.path)
    try:
        player.wait(piece.duration_s + OPENING_S)
    finally:
        end_process(player)


def noises(duration_s: float, rate_hz: int, seed: int = 3) -> NDArray[np.float32]:
    """A different noise and a different chirp every second, ``(n,)`` float32.

    Chirps that sweep as fast are alike, whatever they begin at: eight in a row do not.
    """
    rng = np.random.default_rng(seed)
    seconds = []
    t_s = np.arange(rate_hz // 4) / rate_hz
    fade = np.hanning(t_s.size)
    for number in range(round(duration_s)):
        step = (number + seed) * _STRIDE % _SWEEPS + rng.uniform(0, 0.5)
        low_hz, sweep_hz = rng.uniform(200, 800), 1200 + 4000 * step / _SWEEPS
        chirp = np.sin(2 * np.pi * (low_hz + sweep_hz * 2 * t_s) * t_s)
        second = np.zeros(rate_hz, np.float32)
        second[: t_s.size] = 0.2 * chirp * fade
        second[rate_hz // 2 : rate_hz // 2 + t_s.size] = 0.1 * rng.standard_normal(t_s.size) * fade
        seconds.append(second)
    return np.concatenate(seconds)


def wait_until(
    is_so: Callable[[], bool], run: ProgramRun, what: str, limit_s: float = OPENING_S
) -> None:
    """Wait for ``is_so`` while the player runs.

    Raises:
        RunError: it ended, or it takes too long: "the player did not ``what``".
    """
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s and run.is_running:
        if is_so():
            return
        time.sleep(0.1)
    raise RunError(f"the player did not {what}\n{run.output()[-2000:]}")


def _between(said: Recording, heard: Recording) -> tuple[Delay, ...]:
    later_s = heard.start_s - said.start_s
    found = delays(
        said.samples, heard.samples, RATE_HZ, heard_later_s=later_s, longest_s=_LONGEST_DELAY_S
    )
    # By each sink's own clock, which are not one.
    return tuple(
        replace(
            item,
            delay_s=heard.instant_s(item.at_s - later_s + item.delay_s) - said.instant_s(item.at_s),
        )
        for item in found
    )
