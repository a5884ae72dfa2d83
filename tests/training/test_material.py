"""What the commands work on: both sides of it, and what is said where one is too small."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from tests.fakes.clips import ToneClips, write_bank
from training.clips import ClipError, ClipSource
from training.material import Material, add_material_options, open_material
from training.methods import Problem
from training.mixing import Mixtures
from training.nmf import learn_bases, nmf
from training.paper import AUDIO
from training.separate import main as separate
from training.solos import SHIFT_SEMITONES
from training.sources import held_out, recording_is_held_out
from training.variants import View


def opened(*arguments: str) -> Material:
    parser = argparse.ArgumentParser()
    add_material_options(parser)
    return open_material(parser.parse_args(arguments), AUDIO)


def write_music(folder: Path, **sides: tuple[str, ...]) -> Path:
    """Videos as `training prepare` leaves them, all of one bell: of each class one on each side."""
    bell = ToneClips().clip("bell", 8 * AUDIO.rate_hz, np.random.default_rng(0))
    for side, labels in sides.items():
        lines = []
        for label in labels:
            audio, frames = folder / f"audio/{label}/{side}.flac", folder / f"frames/{label}/{side}"
            audio.parent.mkdir(parents=True, exist_ok=True)
            frames.mkdir(parents=True)
            soundfile.write(audio, bell.samples, AUDIO.rate_hz)
            for number in range(1, 65):
                cv2.imwrite(str(frames / f"{number:06d}.jpg"), bell.frames[0])
            lines.append((audio, frames, 64))
        with (folder / f"{side}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(lines)
    return folder


def test_what_is_judged_is_of_classes_that_are_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    music = write_music(tmp_path, train=("bell", "pipe"), val=("bell", "gong", "pipe"))
    material = opened("--music", str(music))
    assert material.judged.labels == ["bell", "pipe"]
    assert "kept out: gong not learned, so not judged" in capsys.readouterr().err
    view = View(AUDIO, "linear")
    bases = learn_bases(material.learned, view, np.random.default_rng(0))
    mixtures = Mixtures(material.judged, view, count=2, seed=0)
    for number in range(4):
        problem = Problem.of(mixtures.solos(number))
        assert nmf(bases, view)(problem).shape[0] == 2


def test_videos_that_are_learned_from_vary_in_pitch(tmp_path: Path) -> None:
    classes = ("bell", "pipe")
    material = opened("--music", str(write_music(tmp_path, train=classes, val=classes)))
    rng = np.random.default_rng(0)
    samples = AUDIO.rate_hz  # a second: a bin of its transform is a hertz

    def heights_hz(source: ClipSource) -> set[int]:
        clips = [source.clip("bell", samples, rng).samples for _ in range(16)]
        assert {len(clip) for clip in clips} == {samples}
        return {int(np.abs(np.fft.rfft(clip)).argmax()) for clip in clips}

    (as_it_is, *others) = sorted(heights_hz(material.judged))
    assert not others or others[-1] - as_it_is < 5
    varied = sorted(heights_hz(material.learned))
    assert varied[0] < 0.95 * as_it_is
    assert varied[-1] > 1.05 * as_it_is
    assert varied[-1] / varied[0] < 2 ** (2 * SHIFT_SEMITONES / 12) * 1.01


def held_out_side(folder: Path, label: str) -> tuple[list[Path], list[Path]]:
    """Sounds and photographs of a class in a bank that are kept out of training."""
    sounds = (folder / "solo_audio" / label).iterdir()
    photos = (folder / "photos" / label).iterdir()
    return (
        [path for path in sounds if recording_is_held_out(label, path.stem)],
        [path for path in photos if held_out(f"{label}/{path.stem}")],
    )


def test_a_class_with_an_empty_side_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, cache = write_bank(tmp_path / "bank"), str(tmp_path / "cache")
    for path in held_out_side(bank, "drone")[1]:
        path.unlink()
    material = opened("--bank", str(bank), "--cache", cache)
    assert material.learned.labels == ["bell", "drone", "pipe"]
    assert material.judged.labels == ["bell", "pipe"]
    assert "kept out: no photographs of drone; they are left out" in capsys.readouterr().err
    for path in held_out_side(bank, "pipe")[0]:
        path.unlink()
    with pytest.raises(ClipError, match=r"kept out: mixing needs two .* found \['bell'\]"):
        opened("--bank", str(bank), "--cache", cache)
    assert "kept out: no photographs of drone; no sounds of pipe" in capsys.readouterr().err


def test_too_few_classes_are_told_with_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    music = write_music(tmp_path, train=("bell", "pipe"), val=("bell",))
    assert separate(["--music", str(music), "--work", str(tmp_path / "work")]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: kept out: mixing needs two classes or more, found ['bell']; add")
    assert f"`python -m training prepare --videos VIDEOS --out {music}` again" in said


@pytest.mark.parametrize("what", ["sound", "picture"])
def test_material_that_breaks_in_the_middle_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    music = write_music(tmp_path / "music", train=("bell", "pipe"), val=("bell", "pipe"))
    broken = {
        "sound": music / "audio/pipe/train.flac",
        "picture": music / "frames/pipe/train/000001.jpg",
    }[what]
    for path in broken.parent.glob("train.flac" if what == "sound" else "*"):
        path.write_bytes(b"half a file")
    sizes = [
        "--sight-width",
        "16",
        "--sound-width",
        "2",
        "--channels",
        "3",
        "--batch",
        "1",
        "--steps",
        "2",
    ]
    assert separate(["--music", str(music), "--work", str(tmp_path / "work"), *sizes]) == 2
    (said,) = (line for line in capsys.readouterr().err.splitlines() if "error" in line)
    assert said.startswith(f"error: {broken.parent}")
    deleted = broken if what == "sound" else broken.parent
    assert f"delete {'it' if what == 'sound' else deleted} and run `training prepare` again" in said
