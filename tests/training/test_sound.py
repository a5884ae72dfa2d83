"""``python -m training sound``, whole, on sounds that the test makes itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from training.bank import open_bank
from training.heard import split_for_judging
from training.listener import Listener
from training.sound import main
from training.told import LOOKAHEADS, ClassSeparator

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
    monkeypatch.setattr("training.heard.STOCK", 32)
    monkeypatch.setattr("training.heard.FIRST", 8)
    blended = ["--network", "streaming", "--blend", "2", "--minutes", "0.02"]
    assert run(folder, monkeypatch, *blended) == 0
    state = torch.load(folder / "work" / "sound.pt", weights_only=True)
    assert state["network"] == "streaming"
    assert state["step"] >= 1
    assert state["model"]["sound.told"].shape[0] == len(LOOKAHEADS)


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
    model = ClassSeparator(4, 24, ["gong"])
    Listener(model).write(folder / "other.pt")
    assert run(folder, monkeypatch, "--table", str(folder / "other.pt")) == 2
    assert "other.pt knows ['gong'], this training" in capsys.readouterr().err


def test_a_loss_that_is_no_number_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, monkeypatch, "--minutes", "0.02") == 0
    before = (folder / "work" / "sound.pt").read_bytes()
    monkeypatch.setattr("training.sound.NOTHING_SHARE", float("nan"))
    assert run(folder, monkeypatch, "--minutes", "9") == 1
    assert "the loss is nan; nothing of it is kept" in capsys.readouterr().err
    assert (folder / "work" / "sound.pt").read_bytes() == before


def test_an_update_that_spoils_the_weights_is_not_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "work" / "sound.pt"
    assert run(folder, monkeypatch, "--steps", "2") == 0
    good = path.read_bytes()
    # A single step, whose own loss is well.
    assert run(folder, monkeypatch, "--steps", "3", "--rate", "1e36") == 1
    assert "nothing of it is kept: start again with a smaller --rate" in (capsys.readouterr().err)
    assert path.read_bytes() == good
    step = torch.load(path, weights_only=True)["step"]
    assert run(folder, monkeypatch, "--steps", "4") == 0
    assert torch.load(path, weights_only=True)["step"] == 4
    assert step == 2


def trained(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "work" / "sound.pt", weights_only=True)


@pytest.mark.parametrize(
    "made", [["--workers", "2"], ["--network", "streaming", "--blend", "2", "--workers", "2"]]
)
def test_a_start_in_the_middle_comes_to_the_same_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch, made: list[str]
) -> None:
    monkeypatch.setattr("training.heard.STOCK", 32)
    monkeypatch.setattr("training.heard.FIRST", 16)
    monkeypatch.setattr("training.sound.KEPT_EVERY", 3)
    monkeypatch.setattr("training.mixtures.BLOCK", 2)
    options = [*made, "--steps", "7"]
    assert run(folder, monkeypatch, *options) == 0
    whole = trained(folder)
    (folder / "work" / "sound.pt").unlink()

    class KilledError(Exception):
        pass

    write, kept = Listener.write, []

    def killed_after_the_first(listener: Listener, path: Path) -> None:
        write(listener, path)
        kept.append(listener.step)
        raise KilledError

    with monkeypatch.context() as patched, pytest.raises(KilledError):
        patched.setattr(Listener, "write", killed_after_the_first)
        run(folder, patched, *options)
    assert kept == [3]
    assert run(folder, monkeypatch, *options) == 0
    again = trained(folder)
    assert again["step"] == whole["step"] == 7
    for part in ("model", "last"):
        for name, weight in whole[part].items():
            torch.testing.assert_close(again[part][name], weight, rtol=0, atol=0, msg=name)


def test_what_is_used_is_the_average_of_what_was_learned(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(folder, monkeypatch, "--steps", "12", "--average", "0") == 0
    state = trained(folder)
    for name, weight in state["last"].items():
        torch.testing.assert_close(state["model"][name], weight)
    (folder / "work" / "sound.pt").unlink()
    assert run(folder, monkeypatch, "--steps", "12", "--average", "0.9") == 0
    state = trained(folder)
    name = "synthesizer.scale"
    assert not torch.equal(state["model"][name], state["last"][name])


def test_it_stops_where_it_gets_no_better_and_uses_the_best(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.sound.KEPT_EVERY", 2)
    # At such a rate it gets worse all the time.
    wild = ["--steps", "400", "--rate", "0.5", "--patience", "2", "--average", "0"]
    assert run(folder, monkeypatch, *wild) == 0
    assert "it gets no better than" in capsys.readouterr().out
    state = trained(folder)
    assert state["step"] < 100
    assert state["judgements_since_best"] == 2
    assert not torch.equal(state["model"]["synthesizer.scale"], state["last"]["synthesizer.scale"])
    assert run(folder, monkeypatch, *wild) == 0
    assert "a larger --patience goes on" in capsys.readouterr().out
    assert trained(folder)["step"] == state["step"]


def test_what_judges_is_not_learned_from(folder: Path) -> None:
    bank = open_bank(folder / "solo_audio", folder / "cache", RATE_HZ)
    learned, judged = split_for_judging(bank)
    names = [{one.name for one in side.recordings} for side in (learned, judged)]
    assert names[0] and names[1]
    assert not names[0] & names[1]
    assert names[0] | names[1] == {one.name for one in bank.recordings if not one.held_out}
    assert learned.instruments() == judged.instruments() == bank.instruments()


def test_more_classes_than_components_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, monkeypatch, "--steps", "1", "--channels", "4") == 2
    assert "8 classes want as many components of their own" in capsys.readouterr().err


def test_a_checkpoint_of_another_network_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, monkeypatch, "--steps", "1") == 0
    assert run(folder, monkeypatch, "--steps", "2", "--channels", "30") == 2
    assert "does not go on with these options" in capsys.readouterr().err
    assert run(folder, monkeypatch, "--steps", "1") == 0
    assert "is finished: 1 steps; a larger --steps goes on from it" in capsys.readouterr().out
