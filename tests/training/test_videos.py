"""From videos to a network that has learned of them, by the commands alone."""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from tests.realtime.sources.media_files import FPS, write_media
from training.paper import AUDIO, LEAST_S

ROOT = Path(__file__).parents[2]
TONES_HZ = {"bell": 880.0, "pipe": 220.0}
LONG_S = LEAST_S + 1
STEPS = 4


def write_videos(folder: Path) -> None:
    """Tones beside a picture that grows lighter; four of each class."""
    for label, tone_hz in TONES_HZ.items():
        (folder / label).mkdir(parents=True)
        for number in range(4):
            time_s = np.arange(round(LONG_S * AUDIO.rate_hz)) / AUDIO.rate_hz
            tone = 12_000 * np.sin(2 * np.pi * tone_hz * 2 ** (number / 12) * time_s)
            write_media(
                folder / label / f"take{number}.mkv",
                frames=round(LONG_S * FPS),
                samples=tone.astype(np.int16)[:, np.newaxis],
                rate_hz=AUDIO.rate_hz,
            )


def training(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-m", "training", *words],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_videos_are_prepared_and_learned_from(tmp_path: Path) -> None:
    write_videos(tmp_path / "videos")
    data, work = tmp_path / "data", tmp_path / "work"
    line = f"prepare --videos {tmp_path / 'videos'} --out {data} --jobs 2"
    prepared = training(*line.split())
    assert prepared.returncode == 0, prepared.stderr
    for index, count in (("train.csv", 3), ("val.csv", 1)):
        with (data / index).open(newline="") as file:
            classes = [Path(audio).parent.name for audio, _, _ in csv.reader(file)]
        assert sorted(classes) == count * ["bell"] + count * ["pipe"]

    line = f"separate --variant ratio-linear --music {data} --work {work} --steps {STEPS}"
    sizes = "--batch 2 --sight-width 16 --sound-width 2 --channels 3 --judge-every 2 --judged 1"
    learned = training(*line.split(), *sizes.split())
    assert learned.returncode == 0, learned.stderr
    assert f"step {STEPS}  loss" in learned.stdout + learned.stderr
    state = torch.load(work / "ratio-linear.pt", weights_only=True)
    assert state["step"] == len(state["losses"]) == STEPS
    assert all(math.isfinite(loss) for loss in state["losses"])
    assert math.isfinite(state["best"])
    assert tuple(state["what"]["classes"]) == ("bell", "pipe")
    assert (work / "ratio-linear.best.pt").exists()
