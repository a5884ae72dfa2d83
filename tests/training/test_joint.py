"""Both networks learn together, from what each has learned alone."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch

import training.joint
from pixelplayer.networks.vision import FrameNet
from training.bank import open_bank
from training.checkpoints import TrainingError
from training.corpus import open_pictures
from training.joint import Pace, read_both, train
from training.listener import Listener
from training.separators import LEAST_SIGHT_WIDTH
from training.ship import read_weights
from training.sight import Naming
from training.told import AUDIO, ClassSeparator

CLASSES = ["bell", "drone", "pipe"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bank of tones and of circles, and two networks that know nothing."""
    rng = np.random.default_rng(0)
    for number, label in enumerate([*CLASSES, "lamp"]):
        kind = "photos_other" if label == "lamp" else "photos"
        (tmp_path / kind / label).mkdir(parents=True)
        (tmp_path / "solo_audio" / label).mkdir(parents=True)
        for take in range(12):
            tone = np.sin(np.arange(30_000) * 0.02 * 2**number)
            soundfile.write(tmp_path / f"solo_audio/{label}/{take}.wav", tone, AUDIO.rate_hz)
            picture = np.full((60, 60, 3), 255, np.uint8)
            cv2.circle(picture, (30, 30), 22, rng.integers(0, 150, 3).tolist(), -1)
            cv2.imwrite(str(tmp_path / f"{kind}/{label}/{label}{take}.png"), picture)
    separator = ClassSeparator(8, 4, CLASSES)
    Listener(separator).write(tmp_path / "sound.pt")
    naming = Naming(FrameNet(width=LEAST_SIGHT_WIDTH, channels=4), len(CLASSES))
    # As `training.reopen` writes it: the visual network alone.
    eyes = {name: v for name, v in naming.state_dict().items() if name.startswith("frame_net.")}
    torch.save(eyes, tmp_path / "sight.pt")
    return tmp_path


def test_it_takes_steps_and_leaves_what_ship_takes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training.joint, "UNSEEN", 2)
    both = read_both(folder)
    before = {name: value.clone() for name, value in both.state_dict().items()}
    bank = open_bank(folder / "solo_audio", folder / "cache", AUDIO.rate_hz)
    pace = Pace(minutes=0.02, columns=128, mixtures=2, pictures=2, seed=1)
    train(both, bank, open_pictures(folder, folder), folder / "joint.pt", pace)
    assert "mask loss" in capsys.readouterr().out
    weights, classes = read_weights(folder)
    assert classes == CLASSES
    for part in ("separator.sound.down.0.0.weight", "naming.frame_net.fc.weight"):
        assert torch.isfinite(weights[part]).all()
        assert not torch.equal(weights[part], before[part])


def test_an_update_that_spoils_the_weights_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training.joint, "UNSEEN", 2)
    monkeypatch.setattr(training.joint, "SOUND_RATE", 1e30)
    bank = open_bank(folder / "solo_audio", folder / "cache", AUDIO.rate_hz)
    (folder / "joint.pt").write_bytes(b"the former one")
    pace = Pace(minutes=1e-6, columns=128, mixtures=2, pictures=2, seed=1)
    with pytest.raises(TrainingError, match="step 1: the loss is nan"):
        train(read_both(folder), bank, open_pictures(folder, folder), folder / "joint.pt", pace)
    assert (folder / "joint.pt").read_bytes() == b"the former one"
