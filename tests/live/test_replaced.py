"""A live run whose processes are really killed, stopped and made to raise: it goes on, whole."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import soundfile

from pixelplayer.band import demo_scene
from realtime.sources.demo import RATE_HZ

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 100.0
FAULTS = ("kill", "stop", "raise")
GOES_ON = re.compile(r"; it (is replaced|begins again)|; it is replaced;")


def wait_until(said: Path, count: int, run: subprocess.Popen[bytes]) -> str:
    """What was said once so many faults were told."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s and run.poll() is None:
        text = said.read_text(encoding="utf-8")
        if len(GOES_ON.findall(text)) >= count:
            return text
        time.sleep(0.2)
    pytest.fail(f"not enough was replaced:\n{said.read_text(encoding='utf-8')}")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("stage", ["sight", "hearing", "separator"])
def test_a_stage_may_fail_in_every_way(model: Path, tmp_path: Path, stage: str) -> None:
    said, record, state = tmp_path / "said.txt", tmp_path / "record", tmp_path / "state"
    faults = ", ".join(f"{kind} {stage} {2 + 3 * at}" for at, kind in enumerate(FAULTS))
    with said.open("wb") as file:
        run = subprocess.Popen(
            [
                *(sys.executable, str(ROOT / "run_live.py"), "--demo", "--model", str(model)),
                *("--engine", "onnxruntime", "--view", "none", "--speaker", "none"),
                *("--record", str(record), "--chaos", faults, "--spares", "none"),
            ],
            env={**os.environ, "XDG_STATE_HOME": str(state)},
            stdin=subprocess.DEVNULL,
            stderr=file,
        )
    family: set[psutil.Process] = set()
    try:
        text = ""
        for count in range(1, len(FAULTS) + 1):
            text = wait_until(said, count, run)
            family.update(psutil.Process(run.pid).children(recursive=True))
        recorded = (record / "session.json").stat().st_mtime_ns
        while (record / "session.json").stat().st_mtime_ns == recorded:
            time.sleep(0.1)  # it goes on
        run.send_signal(signal.SIGINT)
        assert run.wait(PATIENCE_S) == 130
    finally:
        run.kill()
        run.wait()
    assert f"{stage} killed by signal 9; it is replaced; see {state}" in text
    assert f"{stage} was stopped; it is replaced; see {state}" in text
    assert f"{stage} failed (ChaosError: wanted by --chaos; see {state}" in text
    assert not [process for process in family if process.is_running()]
    # Whatever failed, the residual carried on: all of the duet is there, sample by sample.
    mixture, _ = soundfile.read(record / "mixture.wav", dtype="float32")
    duet = demo_scene(RATE_HZ).mixture
    assert len(mixture) > 5 * RATE_HZ
    played = duet.take(range(len(mixture)), mode="wrap")
    facts = json.loads((record / "session.json").read_text(encoding="utf-8"))
    # Five seconds of sound wait for hearing; where a machine is so busy that it takes longer to
    # replace it, what was lost before it is told, and is silence.
    wrong = int((abs(mixture - played) > 1e-4).sum())
    assert wrong <= 1.1 * facts["dropped"]["audio_samples"]
    assert facts["restarts"] == len(FAULTS)
    reports = list((state / "live-pixel-player" / "crashes").iterdir())
    assert len(reports) == len(FAULTS)
    assert {stat.S_IMODE(report.stat().st_mode) for report in reports} == {0o600}
    assert any("ChaosError" in report.read_text(encoding="utf-8") for report in reports)


def test_one_that_is_stopped_does_not_outlive_a_run_that_is_killed(
    model: Path, tmp_path: Path
) -> None:
    said = tmp_path / "said.txt"
    with said.open("wb") as file:
        run = subprocess.Popen(
            [
                *(sys.executable, str(ROOT / "run_live.py"), "--demo", "--model", str(model)),
                *("--engine", "onnxruntime", "--view", "none", "--speaker", "none"),
            ],
            stdin=subprocess.DEVNULL,
            stderr=file,
        )
    family: list[psutil.Process] = []
    try:
        deadline_s = time.monotonic() + PATIENCE_S
        while len(family) < 3 and time.monotonic() < deadline_s:
            family = psutil.Process(run.pid).children()
            time.sleep(0.1)
        while " s | " not in said.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        for child in family:
            child.suspend()
        run.kill()
        run.wait()
        _, alive = psutil.wait_procs(family, 30)
        assert not alive
    finally:
        run.kill()
        run.wait()
        for child in family:
            if child.is_running():
                child.kill()
