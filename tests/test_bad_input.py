"""Whatever file it is given, the command says one clear line, or simply works."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import soundfile

from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model
from tests.realtime.sources.media_files import noise, write_media, write_wav

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder)
    return folder


def run(model: Path, source: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, str(ROOT / "run_live.py"), "--source", str(source)),
            *("--model", str(model), "--engine", "onnxruntime", "--place", "threads"),
            *("--pace", "fast", "--view", "none", *more),
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def tone(seconds: float, rate_hz: int, channels: int) -> np.ndarray:
    wave_form = 8000 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate_hz)) / rate_hz)
    return np.repeat(wave_form.astype(np.int16)[:, None], channels, axis=1)


@pytest.mark.parametrize(
    ("name", "rate_hz", "layout", "channels", "size"),
    [
        ("low.mkv", 8_000, "mono", 1, (64, 96)),
        ("high.mkv", 192_000, "stereo", 2, (64, 96)),
        ("surround.mkv", 48_000, "5.1", 6, (160, 90)),
        ("tiny.mkv", 44_100, "stereo", 2, (16, 16)),
    ],
)
def test_unusual_files_simply_work(  # noqa: PLR0917
    model: Path,
    tmp_path: Path,
    name: str,
    rate_hz: int,
    layout: str,
    channels: int,
    size: tuple[int, int],
) -> None:
    samples = tone(0.7, rate_hz, channels)
    source = write_media(
        tmp_path / name, frames=7, size=size, samples=samples, rate_hz=rate_hz, layout=layout
    )
    done = run(model, source, "--record", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    total = np.zeros(len(samples))
    for path in (tmp_path / "out").glob("*.wav"):
        recorded, found_hz = soundfile.read(path)
        assert found_hz == rate_hz
        assert len(recorded) == len(samples)
        total += recorded if path.stem != "mixture" else -recorded
    assert np.abs(total).max() < 1e-4
    assert (tmp_path / "out" / "overlay.mp4").stat().st_size > 0


@pytest.mark.parametrize("kind", ["silence", "noise"])
def test_silence_and_full_scale_noise_simply_work(model: Path, tmp_path: Path, kind: str) -> None:
    samples = np.zeros((30_000, 1), np.int16)
    if kind == "noise":
        samples[:] = np.where(noise(30_000) > 0, 32767, -32768)
    source = write_media(tmp_path / "a.mkv", frames=7, samples=samples)
    done = run(model, source, "--record", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    mixture, _ = soundfile.read(tmp_path / "out" / "mixture.wav")
    np.testing.assert_allclose(mixture, samples[:, 0] / 32768, atol=1e-5)


def test_sound_alone_is_all_residual(model: Path, tmp_path: Path) -> None:
    source = write_wav(tmp_path / "a.wav", tone(0.7, 44_100, 1), 44_100)
    done = run(model, source, "--record", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    residual, _ = soundfile.read(tmp_path / "out" / "residual.wav")
    mixture, _ = soundfile.read(tmp_path / "out" / "mixture.wav")
    np.testing.assert_array_equal(residual, mixture)


def test_a_truncated_file_gives_what_is_there(model: Path, tmp_path: Path) -> None:
    whole = write_media(tmp_path / "whole.mkv", frames=20, samples=tone(2.0, 44_100, 1))
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    done = run(model, part, "--record", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    mixture, _ = soundfile.read(tmp_path / "out" / "mixture.wav")
    assert 0 < len(mixture) < 2 * 44_100


def no_sound(path: Path) -> Path:
    return write_media(path, frames=5)


def no_samples(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 44_100, 0, "NONE", ""))
    return path


def no_media(path: Path) -> Path:
    path.write_text("this is no film")
    return path


@pytest.mark.parametrize(
    ("make", "name"),
    [(no_sound, "mute.mp4"), (no_samples, "empty.wav"), (no_media, "text.mp4")],
)
def test_files_that_cannot_be_separated_are_one_line(
    model: Path, tmp_path: Path, make: object, name: str
) -> None:
    source = make(tmp_path / name)  # type: ignore[operator]
    done = run(model, source)
    assert done.returncode == 2, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert name in errors[0]
    assert "Traceback" not in done.stderr


def test_a_model_with_nan_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_tiny_model(folder)
    path = folder / "weights.safetensors"
    weights = safetensors.numpy.load_file(path)
    weights["synthesizer.scale"] = np.full_like(weights["synthesizer.scale"], np.nan)
    safetensors.numpy.save_file(weights, path)
    source = write_wav(tmp_path / "a.wav", tone(0.2, 44_100, 1), 44_100)
    done = run(folder, source)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("error: ") == 1
    assert "synthesizer.scale" in done.stderr


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streaming")
    write_tiny_model(folder, tiny_streaming_spec())
    return folder


@pytest.mark.parametrize("asked", ["5000", "30", "-60"])
def test_a_lookahead_that_the_model_cannot_do_is_one_line(
    streaming: Path, tmp_path: Path, asked: str
) -> None:
    source = write_wav(tmp_path / "a.wav", tone(0.2, 44_100, 1), 44_100)
    done = run(streaming, source, "--lookahead", asked)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        f"error: --lookahead {asked}: the model 'tiny streaming' hears -23, 0 or"
    )
    nearest = line.split("give --lookahead ")[1].split(",")[0]
    again = run(streaming, source, "--lookahead", nearest)
    assert again.returncode == 0, again.stderr


def test_a_name_that_the_model_cannot_do_is_one_line(streaming: Path, tmp_path: Path) -> None:
    source = write_wav(tmp_path / "a.wav", tone(0.2, 44_100, 1), 44_100)
    told = run(streaming, source, "--lookahead", "live")
    assert told.returncode == 0, told.stderr
    assert "--lookahead live: 0 ms are heard ahead in place of 23" in told.stderr
    patient = with_numbers(streaming, tmp_path / "patient", "sound", lookaheads=[4, 8, 12])
    done = run(patient, source, "--lookahead", "live")
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines() == [
        "error: --lookahead live is too little: the model 'tiny streaming' hears 93, 186 or 279 ms "
        "ahead; give --lookahead 93, or another --model"
    ]


@pytest.mark.parametrize(
    ("section", "numbers", "text"),
    [
        ("audio", {"hop": 2044}, "audio.hop 2044 is too long for audio.n_fft 4088"),
        ("audio", {"frequency_bins": 96}, "possible are multiples of 64, the nearest 64 or 128"),
        ("sound", {"lookaheads": []}, "sound.lookaheads [] cannot be heard; possible are some of"),
        ("sound", {"lookaheads": [0, 100]}, "some of -2, 0, 2 … 30, in columns"),
    ],
)
def test_a_model_whose_numbers_cannot_be_is_one_line(
    streaming: Path, tmp_path: Path, section: str, numbers: dict[str, object], text: str
) -> None:
    source = write_wav(tmp_path / "a.wav", tone(0.2, 44_100, 1), 44_100)
    done = run(with_numbers(streaming, tmp_path / "model", section, **numbers), source)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: model.json: ")
    assert text in line


def with_numbers(model: Path, folder: Path, section: str, **numbers: object) -> Path:
    """A copy of the model that says other numbers."""
    shutil.copytree(model, folder)
    described = json.loads((folder / "model.json").read_text("utf-8"))
    described[section] |= numbers
    (folder / "model.json").write_text(json.dumps(described), encoding="utf-8")
    return folder
