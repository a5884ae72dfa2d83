"""The ears' benchmark, whole, on a model and on music that the test makes itself."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from benchmarks.fixed_objects import Clip
from benchmarks.hearing import class_vectors, main, score
from benchmarks.held_out import RATE_HZ
from benchmarks.report import EXIT_MET, EXIT_MISSED, BenchmarkError
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model

CLASSES = ("bell", "drone", "pipe")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three instruments: notes, performances of a collection that is kept out, a trio, pictures."""
    rng = np.random.default_rng(0)
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    (tmp_path / "ensembles" / "trio").mkdir(parents=True)
    for number, name in enumerate(CLASSES, 1):
        for kind in ("solo_audio", "photos"):
            (tmp_path / kind / name).mkdir(parents=True)
        for take in range(24):
            tone = 0.5 * np.sin(2 * np.pi * 220 * number * (1 + take / 40) * time_s)
            tone += 0.01 * rng.standard_normal(len(tone))
            kept = f"fsd_{take}" if take < 4 else f"{name}{take}"
            soundfile.write(tmp_path / "solo_audio" / name / f"{kept}.wav", tone, RATE_HZ)
            if take < 3:
                part = tmp_path / "ensembles" / "trio" / f"p{take}_{name}.wav"
                soundfile.write(part, tone, RATE_HZ)
            picture = np.full((60, 60, 3), 255, np.uint8)
            cv2.circle(picture, (30, 30), 22, rng.integers(0, 150, 3).tolist(), -1)
            cv2.imwrite(str(tmp_path / "photos" / name / f"{name}{take}.png"), picture)
    (tmp_path / "photos_other" / "lamp").mkdir(parents=True)
    for take in range(16):
        cv2.imwrite(str(tmp_path / "photos_other" / "lamp" / f"{take}.png"), picture)
    return tmp_path


def describe(model: Path) -> None:
    described = json.loads((model / "model.json").read_text())
    described["classes"] = list(CLASSES)
    described["class_vectors"] = np.eye(3, described["channels"]).tolist()
    (model / "model.json").write_text(json.dumps(described))


def test_every_number_is_printed_and_kept(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("benchmarks.hearing.BEGINNING_S", 0.8)
    monkeypatch.setattr("benchmarks.hearing.DURATION_S", 1.6)
    write_tiny_model(tmp_path / "model")
    describe(tmp_path / "model")
    line = ["--data", str(data), "--cache", str(tmp_path / "cache"), "--clips", "2"]
    line += ["--model", str(tmp_path / "model"), "--engine", "onnxruntime"]
    code = main([*line, "--json", str(tmp_path / "found.json")])
    assert code in (EXIT_MET, EXIT_MISSED)
    printed = capsys.readouterr().out
    for what in ("told: SDR", "three sources", "real performances", "players of one piece"):
        assert what in printed
    values = json.loads((tmp_path / "found.json").read_text())["values"]
    assert len(values["two"]["later, live"]) == 2
    assert set(values["performances"]) == {"told", "shown", "shown, seen only", "shown, live"}
    again = main(line)
    assert again == code
    assert capsys.readouterr().out == printed  # the same clips, the same scores


def test_a_model_that_streams_is_held_against_one_that_looks_at_windows(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("benchmarks.hearing.BEGINNING_S", 0.8)
    monkeypatch.setattr("benchmarks.hearing.DURATION_S", 1.6)
    write_tiny_model(tmp_path / "streams", tiny_streaming_spec())
    write_tiny_model(tmp_path / "whole")
    for name in ("streams", "whole"):
        describe(tmp_path / name)
    line = ["--data", str(data), "--cache", str(tmp_path / "cache"), "--clips", "2"]
    line += ["--model", str(tmp_path / "streams"), "--engine", "onnxruntime"]
    main(line)
    alone = capsys.readouterr().out
    assert "lost live" not in alone
    assert alone.count("(against whole windows: --whole)") == 2
    main([*line, "--whole", str(tmp_path / "whole")])
    held = capsys.readouterr().out
    assert held.count("lost live") == 2
    assert "lost live, 4 columns ahead, after that | <= 0.5 dB | 0.00 ± 0.00 dB" not in held


def test_a_model_that_does_not_name_its_features_is_told(tmp_path: Path) -> None:
    write_tiny_model(tmp_path)
    with pytest.raises(BenchmarkError, match=r"has no 'classes': its instruments cannot be told"):
        class_vectors(tmp_path)


def test_scores_are_means_over_the_sources() -> None:
    stems = np.random.default_rng(0).standard_normal((2, 8000)).astype(np.float32)
    clip = Clip(name="a and b", rate_hz=RATE_HZ, stems=stems, boxes=(), pictures=())
    leak = np.float32(0.1)
    found = score(clip, np.stack([stems[0] + leak * stems[1], stems[1] + leak * stems[0]]))
    assert found.sdr == pytest.approx(20.0, abs=1.0)
    assert found.nsdr == pytest.approx(20.0, abs=1.5)  # the mixture has 0 dB
    assert score(clip, np.stack([clip.mixture] * 2)).nsdr == pytest.approx(0.0, abs=1e-6)
