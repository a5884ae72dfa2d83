"""What cannot be is told in a line, before minutes are spent on it."""

from __future__ import annotations

import errno
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto

from calibration.__main__ import main
from calibration.collection import Collection
from pixelplayer.spec import ModelSpec
from tests.fakes.tiny_model import (
    tiny_spec,
)


def collection_for(spec: ModelSpec) -> Collection:
    """Noise in the sizes that a model takes."""
    rng = np.random.default_rng(0)
    audio, vision = spec.audio, spec.vision
    rows, columns = (count * vision.stride_px for count in vision.grid_for(9, 16))
    heard = rng.uniform(-12, 3, (2, audio.frequency_bins, audio.columns))
    return Collection(
        log_magnitudes=heard.astype(np.float32),
        pictures=rng.random((2, 3, rows, columns)).astype(np.float32),
    )


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong is told before anything is computed."""

    def work(*_arguments: object) -> None:
        raise AssertionError("it began to work")

    monkeypatch.setattr("calibration.trials.trials", work)
    monkeypatch.setattr("calibration.__main__.from_band", work)


def refused(
    line: list[str], capsys: pytest.CaptureFixture[str], model: Path, kept: Path
) -> tuple[int, str]:
    given = ["--set" if line[0] == "quantize" else "--out", str(kept), "--model", str(model)]
    code = main([line[0], *given, *line[1:]])
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert len(told.splitlines()) == 1
    return code, told


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("collect --band 2 --most 0", "--most 0 is too few; give 1 or more"),
        ("collect --band 2 --seed -1", "--seed -1 is too few; give 0 or more"),
        ("collect --band -2", "--band -2 is too few"),
        ("collect --live nan", "--live nan is no number from 0 on"),
        ("quantize --scenes 0", "--scenes 0 is too few; give 1 or more"),
        ("quantize --scenes -1", "--scenes -1 is too few"),
        ("quantize --threads 0", "--threads 0 is too few"),
        ("quantize --most-lost-db nan", "--most-lost-db nan is no number from 0 on"),
        ("quantize --most-lost-db -1", "--most-lost-db -1 is no number from 0 on"),
        ("quantize --most-lost-db inf", "--most-lost-db inf is no number from 0 on"),
    ],
)
def test_numbers_that_cannot_be_are_told(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    collection_for(tiny_spec()).write(tmp_path / "set.npz")
    code, said = refused(line.split(), capsys, model, tmp_path / "set.npz")
    assert code == 2
    assert told in said


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("content", ["{", "[1]", "[" * 100_000])
def test_a_damaged_record_is_told_first(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    folder, kept = tmp_path / "model", tmp_path / "set.npz"
    shutil.copytree(model, folder)
    (folder / "precisions.json").write_text(content)
    collection_for(tiny_spec()).write(kept)
    code, said = refused(["quantize"], capsys, folder, kept)
    assert code == 2
    assert "precisions.json is damaged (" in said
    assert "remove it" in said


@pytest.mark.usefixtures("no_work")
def test_a_folder_that_takes_nothing_is_told_first(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = tmp_path / "set.npz"
    collection_for(tiny_spec()).write(kept)
    with monkeypatch.context() as patched:
        usage = shutil.disk_usage(tmp_path)._replace(free=1000)
        patched.setattr(shutil, "disk_usage", lambda _place: usage)
        code, said = refused(["quantize"], capsys, model, kept)
        assert code == 2
        assert "has 0 MB left, and up to " in said

    def refuse(dir: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    code, said = refused(["quantize"], capsys, model, kept)
    assert code == 2
    assert f"{model} cannot be written: Read-only file system; make it writable" in said
    code, said = refused(["collect", "--band", "2"], capsys, model, kept)
    assert code == 2
    assert "set.npz cannot be written: Read-only file system; give another --out" in said


def test_a_disk_that_becomes_full_is_told(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = tmp_path / "set.npz"
    collection_for(tiny_spec()).write(kept)

    def full(_model: ModelProto, path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(onnx, "save", full)
    line = ["quantize", "--scenes", "1", "--precision", "fp16"]
    code, said = refused(line, capsys, model, kept)
    assert code == 2
    assert "cannot be written: No space left on device; free space there" in said


@pytest.mark.usefixtures("no_work")
def test_onnx_that_is_not_there_is_told(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.startswith("calibration.")]:
        if name not in ("calibration.__main__", "calibration.collection"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    code, said = refused(["quantize"], capsys, model, tmp_path / "set.npz")
    assert code == 3
    assert "onnx is not installed, which quantize needs; run: pip install onnx" in said


@pytest.mark.usefixtures("no_work")
def test_a_set_of_another_model_is_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, right = tmp_path / "set.npz", collection_for(tiny_spec())
    replace(right, pictures=right.pictures[..., :-16]).write(kept)
    code, said = refused(["quantize"], capsys, model, kept)
    assert code == 2
    assert "is of another model: its pictures are 48×64, and tiny takes 48×80; make its own" in said
    assert f"collect --model {model} --band 24 --out {kept}" in said
    replace(right, log_magnitudes=right.log_magnitudes[:, :40]).write(kept)
    code, said = refused(["quantize"], capsys, model, kept)
    assert code == 2
    assert "its windows are 40×32, and tiny takes 48×32" in said


def test_nothing_to_collect_from_is_told(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    which = ["--model", str(model)]
    assert main(["collect", *which, "--out", str(tmp_path / "set.npz")]) == 2
    assert "give media files, or --band 24" in capsys.readouterr().err
    assert main(["quantize", *which, "--set", str(tmp_path / "set.npz")]) == 2
    told = capsys.readouterr().err
    assert "set.npz is missing; make it: python -m calibration collect --band 24 --out" in told
