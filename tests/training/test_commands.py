"""What a command cannot use is one line: the thing, what was found, and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pixelplayer.networks.vision import FrameNet
from tests.fakes.disk import room_for
from training import __main__ as start
from training.listener import Listener
from training.separators import LEAST_SIGHT_WIDTH
from training.ship import main as ship
from training.sight import Naming
from training.told import ClassSeparator

ROOT = Path(__file__).parents[2]
CLASSES = ["bell", "pipe"]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["training", *words])
    return start.main()


def write_photos(folder: Path) -> None:
    for kind, label in (("photos", "bell"), ("photos", "pipe"), ("photos_other", "lamp")):
        (folder / kind / label).mkdir(parents=True)
        for number in range(4):
            picture = np.full((60, 60, 3), 255, np.uint8)
            cv2.circle(picture, (30, 30), 22, (20, 40 * number, 90), -1)
            cv2.imwrite(str(folder / kind / label / f"{label}{number}.png"), picture)


def write_ears(work: Path) -> None:
    separator = ClassSeparator(8, 4, CLASSES)
    Listener(separator).write(work / "sound.pt")


def write_eyes(work: Path) -> None:
    naming = Naming(FrameNet(width=LEAST_SIGHT_WIDTH, channels=4), len(CLASSES))
    eyes = {name: v for name, v in naming.state_dict().items() if name.startswith("frame_net.")}
    torch.save(eyes, work / "sight.pt")


def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> str:
    """What the command says, in its one line."""
    assert run(monkeypatch, *words) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("distill", "teacher holds no *.npz"),
        ("attention", "photos holds no <class>/<picture> files"),
        ("look", "photos holds no <class>/<picture> files"),
        ("sight", "sound.pt is missing; python -m training sound"),
        ("joint", "sound.pt is missing; python -m training sound"),
        ("sound", "solo_audio holds no <class>/<recording> files"),
        ("ship", "sound.pt is missing; python -m training sound"),
        ("reopen", "model.json is missing"),
    ],
)
def test_an_empty_folder_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    named: str,
) -> None:
    empty, work = tmp_path / "empty", str(tmp_path / "work")
    empty.mkdir()
    data, model = ["--data", str(empty)], ["--model", str(tmp_path / "model")]
    cache = ["--cache", str(tmp_path / "cache")]
    options = {"sound": data + cache, "joint": data + cache, "ship": model, "reopen": model}
    said = refused(monkeypatch, capsys, command, "--work", work, *options.get(command, data))
    assert named in said
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("command", ["distill", "attention"])
def test_photographs_without_a_teacher_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    write_photos(tmp_path)
    line = [command, "--data", str(tmp_path), "--work", str(tmp_path / "work")]
    said = refused(monkeypatch, capsys, *line)
    assert f"{tmp_path / 'teacher'} holds no *.npz" in said
    assert f"python -m training separate --bank {tmp_path}" in said
    (tmp_path / "teacher").mkdir()
    np.savez(tmp_path / "teacher" / "other.npz", weight=np.zeros(3))
    assert "other.npz: Conv1.weight is missing" in refused(monkeypatch, capsys, *line)
    narrow = {"Conv1.weight": np.zeros((16, 3, 3, 3)), "Conv1.bias": np.zeros(16)}
    np.savez(tmp_path / "teacher" / "other.npz", **narrow)
    assert "Conv1.weight is (16, 3, 3, 3), expected (32, 3, 3, 3)" in refused(
        monkeypatch, capsys, *line
    )
    (tmp_path / "teacher" / "other.npz").write_bytes(b"<html>404</html>")
    assert "other.npz cannot be read" in refused(monkeypatch, capsys, *line)


def test_each_thing_that_sight_begins_from_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["sight", "--data", str(tmp_path), "--work", str(tmp_path)]
    line += ["--width", str(LEAST_SIGHT_WIDTH), "--channels", "4"]
    (tmp_path / "sound.pt").write_bytes(b"<html>404</html>")
    assert "sound.pt is no file of weights" in refused(monkeypatch, capsys, *line)
    torch.save({"model": {}}, tmp_path / "sound.pt")
    assert "sound.pt has no 'classes'" in refused(monkeypatch, capsys, *line)
    write_ears(tmp_path)
    assert "insight.npz is missing; python -m training distill" in refused(
        monkeypatch, capsys, *line
    )
    names = np.array(CLASSES)
    rows, offsets = np.zeros((66, 1280), np.float32), np.zeros(66, np.float32)
    np.savez(tmp_path / "insight.npz", rows=rows, offsets=offsets, classes=names)
    assert "frame-distilled.pt is missing; python -m training distill" in refused(
        monkeypatch, capsys, *line
    )


@pytest.mark.parametrize("command", ["look", "joint", "ship"])
def test_ears_without_eyes_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    write_photos(tmp_path)
    write_ears(tmp_path)
    line = [command, "--work", str(tmp_path)]
    more = {"ship": ["--model", str(tmp_path / "model")], "joint": ["--cache", str(tmp_path)]}
    line += more.get(command, [])
    line += [] if command == "ship" else ["--data", str(tmp_path)]
    assert "sight.pt is missing; python -m training sight" in refused(monkeypatch, capsys, *line)


def test_ears_that_stream_are_not_taught_with_eyes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_eyes(tmp_path)
    separator = ClassSeparator(8, 4, CLASSES, "streaming")
    Listener(separator).write(tmp_path / "sound.pt")
    line = ["joint", "--data", str(tmp_path), "--cache", str(tmp_path), "--work", str(tmp_path)]
    assert "sound.pt is of ears that stream" in refused(monkeypatch, capsys, *line)


def test_what_ships_by_default_is_as_what_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_ears(tmp_path)
    write_eyes(tmp_path)
    model = tmp_path / "model"
    monkeypatch.setattr(sys, "argv", ["ship", "--work", str(tmp_path), "--model", str(model)])
    with room_for(20_000):
        assert ship() == 1
    assert f"{model} cannot be written (File too large)" in capsys.readouterr().err
    assert not model.exists()
    assert ship() == 0
    shipped = json.loads((ROOT / "models" / "live" / "model.json").read_text())
    assert json.loads((model / "model.json").read_text())["mask"] == shipped["mask"]


@pytest.mark.parametrize("facts", [None, "{", "[1]", '{"score": NaN}', '{"audio": {}}'])
def test_facts_that_are_none_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    facts: str | None,
) -> None:
    write_ears(tmp_path)
    write_eyes(tmp_path)
    path = tmp_path / "facts.json"
    if facts is not None:
        path.write_text(facts)
    line = ["ship", "--work", str(tmp_path), "--model", str(tmp_path / "model")]
    assert str(path) in refused(monkeypatch, capsys, *line, "--facts", str(path))


@pytest.mark.parametrize("command", ["distill", "attention", "sound", "separate", "together"])
def test_a_work_folder_that_is_a_file_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    work = tmp_path / "work"
    work.touch()
    folder = str(tmp_path)
    given = ["--data", folder] + (["--cache", folder] if command == "sound" else [])
    if command in ("separate", "together"):
        given = ["--bank", folder]
    said = refused(monkeypatch, capsys, command, "--work", str(work), *given)
    assert f"--work {work} cannot be a folder" in said


def test_weights_that_are_broken_do_not_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_ears(tmp_path)
    write_eyes(tmp_path)
    sight = torch.load(tmp_path / "sight.pt")
    sight["frame_net.features.0.weight"].fill_(float("nan"))
    torch.save(sight, tmp_path / "sight.pt")
    line = ["ship", "--work", str(tmp_path), "--model", str(tmp_path / "model")]
    assert run(monkeypatch, *line) == 1
    assert "the weights are broken" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_module_started_by_itself_says_the_same(tmp_path: Path) -> None:
    line = ["-m", "training.distill", "--data", str(tmp_path), "--work", str(tmp_path / "work")]
    done = subprocess.run(
        [sys.executable, *line], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'teacher'} holds no *.npz")


def test_the_overview_says_what_each_command_is_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--help") == 0
    lines = capsys.readouterr().out.splitlines()
    told = dict(line.split(maxsplit=1) for line in lines if line.startswith("  "))
    assert told == {name: command.purpose for name, command in start.COMMANDS.items()}
    assert {f"{wish}:" for wish in start.GROUPS} < set(lines)
    assert all(len(line) <= 88 for line in lines)
