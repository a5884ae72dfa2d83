"""``python -m training sound``, whole, on sounds that the test makes itself."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import training.sound
from training.sound import main

RATE_HZ = 44_100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder of three instruments, with the cache beside it."""
    rng = np.random.default_rng(0)
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    for number, name in enumerate(("bell", "drone", "pipe"), 1):
        (tmp_path / "solo_audio" / name).mkdir(parents=True)
        for take in range(12):
            tone = np.sin(2 * np.pi * 200 * number * (1 + take / 40) * time_s)
            tone += 0.01 * rng.standard_normal(len(time_s))
            soundfile.write(tmp_path / "solo_audio" / name / f"{name}{take}.wav", tone / 2, RATE_HZ)
    return tmp_path


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    command = ["sound", "--data", str(folder), "--cache", str(folder / "cache")]
    command += ["--work", str(folder / "work"), "--width", "4", "--batch", "2", *arguments]
    monkeypatch.setattr(sys, "argv", command)
    monkeypatch.setattr("training.virtual.PHRASES", 6)
    monkeypatch.setattr("training.virtual.PHRASE_S", 1.0)
    return main()


def test_it_learns_and_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(folder, monkeypatch, "--minutes", "0.02") == 0
    first = torch.load(folder / "work" / "sound.pt", weights_only=True)
    assert first["step"] >= 1
    assert {"bell", "drone", "pipe"} < set(first["classes"])
    assert run(folder, monkeypatch, "--minutes", "0.04") == 0
    second = torch.load(folder / "work" / "sound.pt", weights_only=True)
    assert second["step"] > first["step"]
    assert second["used_s"] > first["used_s"]


def test_ears_that_stream_learn_of_what_is_blended(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.sound.STOCK", 32)
    monkeypatch.setattr("training.sound.FIRST", 8)
    blended = ["--network", "streaming", "--blend", "2", "--minutes", "0.02"]
    assert run(folder, monkeypatch, *blended) == 0
    state = torch.load(folder / "work" / "sound.pt", weights_only=True)
    assert state["network"] == "streaming"
    assert state["step"] >= 1
    assert state["model"]["sound.told"].shape[0] == len(training.sound.LOOKAHEADS)


def test_what_blends_has_no_share_for_the_band_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(folder, monkeypatch, "--blend", "2", "--virtual-share", "0.2")
    assert "--virtual-share is of the workers' mixtures" in capsys.readouterr().err


def test_nothing_to_hear_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder / "none", monkeypatch) == 2
    assert "solo_audio holds no <class>/<recording> files" in capsys.readouterr().err


def test_a_table_of_other_classes_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = training.sound.ClassSeparator(4, 24, ["gong"])
    training.sound.save(model, [], folder / "other.pt", used_s=0.0, step=0)
    assert run(folder, monkeypatch, "--table", str(folder / "other.pt")) == 2
    assert "other.pt knows ['gong'], this training" in capsys.readouterr().err


def test_a_loss_that_is_no_number_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, monkeypatch, "--minutes", "0.02") == 0
    before = (folder / "work" / "sound.pt").read_bytes()
    monkeypatch.setattr("training.sound.NOTHING_SHARE", float("nan"))
    assert run(folder, monkeypatch, "--minutes", "9") == 1
    assert "the loss is nan; the last checkpoint is kept" in capsys.readouterr().err
    assert (folder / "work" / "sound.pt").read_bytes() == before


def test_an_update_that_spoils_the_weights_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "work" / "sound.pt"
    assert run(folder, monkeypatch, "--minutes", "0.01") == 0
    good = path.read_bytes()
    # So little time that it ends at the first step, whose own loss is well.
    assert run(folder, monkeypatch, "--minutes", "0.0101", "--rate", "1e36") == 1
    assert "the last checkpoint is kept: start again with a smaller --rate" in (
        capsys.readouterr().err
    )
    assert path.read_bytes() == good
    step = torch.load(path, weights_only=True)["step"]
    assert run(folder, monkeypatch, "--minutes", "0.03") == 0
    assert torch.load(path, weights_only=True)["step"] > step
