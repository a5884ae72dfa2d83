"""What the commands work on: both sides of it, and what is said where one is too small."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from tests.fakes.clips import ToneClips
from training.material import Material, add_material_options, open_material
from training.methods import Problem
from training.mixing import Mixtures
from training.nmf import learn_bases, nmf
from training.paper import AUDIO
from training.variants import View


def opened(*arguments: str) -> Material:
    parser = argparse.ArgumentParser()
    add_material_options(parser)
    return open_material(parser.parse_args(arguments), AUDIO)


def write_music(folder: Path, **sides: tuple[str, ...]) -> Path:
    """Videos as `training prepare` leaves them: of each class one on each side that has it."""
    source, rng = ToneClips(), np.random.default_rng(0)
    for side, labels in sides.items():
        lines = []
        for label in labels:
            audio, frames = folder / f"audio/{label}/{side}.flac", folder / f"frames/{label}/{side}"
            clip = source.clip("bell", 2 * AUDIO.rate_hz, rng)
            audio.parent.mkdir(parents=True, exist_ok=True)
            frames.mkdir(parents=True)
            soundfile.write(audio, clip.samples, AUDIO.rate_hz)
            for number in range(1, 17):
                cv2.imwrite(str(frames / f"{number:06d}.jpg"), clip.frames[0])
            lines.append((audio, frames, 16))
        with (folder / f"{side}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    return folder


def test_what_is_judged_is_of_classes_that_are_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    music = write_music(tmp_path, train=("bell", "pipe"), val=("bell", "gong", "pipe"))
    material = opened("--music", str(music))
    assert material.judged.labels == ["bell", "pipe"]
    assert "not judged, as nothing of them is learned: gong" in capsys.readouterr().err
    view = View(AUDIO, "linear")
    bases = learn_bases(material.learned, view, np.random.default_rng(0))
    mixtures = Mixtures(material.judged, view, count=2, seed=0)
    for number in range(4):
        problem = Problem.of(mixtures.solos(number))
        assert nmf(bases, view)(problem).shape[0] == 2
