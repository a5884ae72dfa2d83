"""A stranger's way through the README: its lines as they are printed, on a clip of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scene_files import write_scene
from pixelplayer.band import demo_scene
from realtime.remix.recorded import read_wav
from tests.docs.commands import ROOT, printed

RATE_HZ, DURATION_S, SIZE = 44_100, 4, (360, 640)
QUICK = ("--engine", "onnxruntime")  # to find the fastest takes longer than the clip


def line_of_readme(*words: str) -> list[str]:
    """The line in which all of these are."""
    (found,) = (
        one for one in printed() if one.page == "README.md" and set(words) <= set(one.words)
    )
    python = {"python": sys.executable, "run_live.py": str(ROOT / "run_live.py")}
    return [python.get(word, word) for word in found.words]


def typed(line: list[str], folder: Path) -> str:
    done = subprocess.run(
        line,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stranger types, with a clip in it: guitar and flute, picture and sound."""
    made = tmp_path_factory.mktemp("stranger")
    scene = demo_scene(RATE_HZ)
    pictures = (scene.frame(number / scene.fps, *SIZE) for number in range(DURATION_S * scene.fps))
    sound = scene.mixture[: DURATION_S * RATE_HZ]
    write_scene(made / "clip.mp4", pictures, scene.fps, sound, RATE_HZ, video_codec="libx264")
    return made


def test_an_own_clip_is_separated_and_mixed_again(folder: Path) -> None:
    typed([*line_of_readme("clip.mp4", "--record"), *QUICK], folder)
    said = json.loads((folder / "session" / "session.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in said["objects"]] == ["guitar", "flute"]
    assert (folder / "session" / "overlay.mp4").is_file()
    rate_hz, mixture = read_wav(folder / "session" / "mixture.wav")
    names = ("object-1.wav", "object-2.wav", "residual.wav")
    rows = [read_wav(folder / "session" / name)[1] for name in names]
    assert (rate_hz, len(mixture)) == (RATE_HZ, DURATION_S * RATE_HZ)
    np.testing.assert_allclose(np.sum(rows, axis=0), mixture, atol=1e-5)
    remix = line_of_readme("remix", "session")
    mixed = typed(remix, folder)
    assert "1 guitar: × 2.00" in mixed
    assert "2 flute: × 0.00" in mixed
    assert (folder / "session" / "remix.mp4").stat().st_size > 10_000


def test_make_demo_is_the_player_on_its_duet() -> None:
    said = subprocess.run(
        # Within `make check`, a make of its own would end in "Leaving directory".
        ["make", "--dry-run", "--no-print-directory", "demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.splitlines()[-1].split()[1:] == ["run_live.py", "--demo"]
