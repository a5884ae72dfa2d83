"""The player on a real sound server whose microphone is the speaker, and louder than it."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.monitors import RATE_HZ
from benchmarks.null_sinks import wait_until
from benchmarks.report import Report
from benchmarks.session_run import live_run, model_arguments, working_folder
from pixelplayer import band
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.pulse import PulseServer, read_raw

GAIN_DB = 6.0
MOST_HOWL_S = 2.5
HOWL_DBFS = -10.0  # the source's loudest tenth of a second is near -25
_MUSIC_S = 15.0
_SETTLING_S = 5.0
_PATIENCE_S = 60.0
_PEAK = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLoop:
    """``levels_db`` of the speaker, each tenth of a second, dBFS; what ``session.json`` tells of
    it, and what the player printed.
    """

    levels_db: NDArray[np.float64]
    feedback: dict[str, Any]
    said: str

    @property
    def howl_s(self) -> float:
        """How long it was louder than music that nothing answers to."""
        return 0.1 * float((self.levels_db > HOWL_DBFS).sum())


def live_loop(
    server: PulseServer,
    arguments: list[str],
    folder: Path,
    gain_db: float,
    music_s: float = _MUSIC_S,
) -> LiveLoop:
    """Play music where the player plays: its microphone hears both, louder by ``gain_db``.

    Raises:
        RunError: the player did not run.
    """
    environment = {**server.environment, "PULSE_SOURCE": "spk.monitor"}
    samples = band.scene(3, music_s, RATE_HZ).mixture
    source = (samples * (_PEAK / np.abs(samples).max())).astype(np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "speaker.f32"
        line = [*arguments, "--lookahead", "live", "--gain", f"{gain_db:g}", "--view", "none"]
        line += ["--audio", "pulse", "--speaker", "pulse"]
        with live_run(line, folder, environment) as run:
            mixture = run.record / "mixture.wav"
            wait_until(lambda: mixture.exists() and mixture.stat().st_size > RATE_HZ, run, "record")
            recorder = server.record(path)
            playing = server.play(source, sink="spk")
            try:
                playing.wait(music_s + _PATIENCE_S)
                time.sleep(_SETTLING_S)
            finally:
                end_process(playing)
                end_process(recorder)
            run.interrupt()
            run.wait(_PATIENCE_S, exit_code=130)
            told = json.loads((run.record / "session.json").read_text("utf-8"))["feedback"]
            said = run.output()
        heard = read_raw(path).mean(axis=1)
    length = RATE_HZ // 10
    whole = heard[: len(heard) // length * length].reshape(-1, length).astype(np.float64)
    levels_db = 10 * np.log10(np.mean(whole**2, axis=1) + 1e-12)
    return LiveLoop(levels_db=levels_db, feedback=told, said=said)


def judge_live(report: Report, options: argparse.Namespace) -> None:
    """One run, a second of it howling at most."""
    still = band.scene(11, 2.0, RATE_HZ).frame(0.5, 360, 640)
    server, camera = PulseServer(), MjpegCamera(lambda _: still, 1 / 15)
    try:
        with working_folder(options.keep) as folder:
            line = ["--video", camera.url, *model_arguments(options)]
            found = live_loop(server, line, folder / "live", GAIN_DB)
    finally:
        camera.close()
        server.close()
    report.keep("levels_db", found.levels_db)
    what = f"speaker above {HOWL_DBFS:.0f} dBFS, loop gain {GAIN_DB:+.0f} dB"
    report.at_most(what, found.howl_s, MOST_HOWL_S, "s")
    report.note("loudest tenth of a second", f"{found.levels_db.max():.1f} dBFS")
    report.note("median of the last five seconds", f"{np.median(found.levels_db[-50:]):.1f} dBFS")
    report.note("as the player tells it", json.dumps(found.feedback))
