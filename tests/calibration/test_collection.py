"""What is calibrated with: even over what was met, and none of it silence alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile

from calibration.__main__ import main
from calibration.collect import Ears, from_band, from_files
from calibration.collection import (
    SILENT,
    CalibrationError,
    Collection,
    Look,
    Window,
    stratified,
)
from tests.fakes.tiny_model import tiny_spec

SPEC = tiny_spec()
RATE_HZ = SPEC.audio.rate_hz


def window(level: float, label: str) -> Window:
    shape = (SPEC.audio.frequency_bins, SPEC.audio.columns)
    return Window(log_magnitude=np.full(shape, np.log(level), np.float32), label=label)


def look(label: str) -> Look:
    return Look(picture=np.full((3, 48, 80), 0.25, np.float32), label=label)


def tone(duration_s: float, hz: float = 440.0) -> np.ndarray:
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return (0.5 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def test_rare_levels_and_labels_are_kept() -> None:
    windows = [window(1.0, "loud") for _ in range(90)] + [window(1e-3, "loud"), window(1.0, "new")]
    looks = [look("many") for _ in range(50)] + [look("few")]
    kept = stratified(windows, looks, 6, np.random.default_rng(0))
    levels = kept.log_magnitudes[:, 0, 0]
    assert len(levels) == 6
    assert np.isclose(levels, np.log(1e-3)).sum() == 1
    assert kept.pictures.shape == (6, 3, 48, 80)


def test_all_is_kept_where_there_is_little() -> None:
    kept = stratified([window(1.0, "a")], [look("a")], 64, np.random.default_rng(0))
    assert (len(kept.log_magnitudes), len(kept.pictures)) == (1, 1)


def test_silence_alone_is_refused() -> None:
    windows = Ears(SPEC).windows(np.zeros(4 * RATE_HZ, np.float32), RATE_HZ, "hall")
    assert {one.label for one in windows} == {SILENT}
    with pytest.raises(CalibrationError, match="windows are silent"):
        stratified(windows, [look("hall")], 8, np.random.default_rng(0))
    with pytest.raises(CalibrationError, match="no picture was met"):
        stratified([window(1.0, "a")], [], 8, np.random.default_rng(0))


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kept = Collection(
        log_magnitudes=rng.uniform(-20, 3, (3, 48, 32)).astype(np.float32),
        pictures=rng.random((2, 3, 48, 80)).astype(np.float32),
    )
    kept.write(tmp_path / "set.npz")
    again = Collection.read(tmp_path / "set.npz")
    np.testing.assert_allclose(again.log_magnitudes, kept.log_magnitudes, atol=0.01)
    np.testing.assert_allclose(again.pictures, kept.pictures, atol=0.5 / 255 + 1e-6)
    with pytest.raises(CalibrationError, match="is missing; make it"):
        Collection.read(tmp_path / "none.npz")


def _with_one_bit_changed(data: bytes, arrays: dict[str, np.ndarray]) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 16]) + data[len(data) // 2 + 1 :]


def _with(**changes: np.ndarray) -> Callable[[bytes, dict[str, np.ndarray]], bytes]:
    def saved(data: bytes, arrays: dict[str, np.ndarray]) -> bytes:
        file = io.BytesIO()
        np.savez_compressed(file, **(arrays | changes))
        return file.getvalue()

    return saved


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data, arrays: b"",
        lambda data, arrays: b"PK of no use",
        lambda data, arrays: data[:-40],
        _with_one_bit_changed,
        _with(pictures=np.zeros((2, 48, 80), np.uint8)),
        _with(pictures=np.zeros((1, 3, 8, 8), np.float32)),
        _with(log_magnitudes=np.full((1, 4, 4), np.nan, np.float16)),
        _with(pictures=np.zeros((1, 3, 1 << 15, 1 << 14), np.uint8)),  # a bomb, of 1.5 MB
    ],
)
def test_a_damaged_set_is_named(
    tmp_path: Path, spoil: Callable[[bytes, dict[str, np.ndarray]], bytes]
) -> None:
    arrays = {
        "log_magnitudes": np.zeros((2, 4, 4), np.float16),
        "pictures": np.zeros((2, 3, 8, 8), np.uint8),
    }
    path = tmp_path / "set.npz"
    path.write_bytes(spoil(_with()(b"", arrays), arrays))
    with pytest.raises(CalibrationError, match=r"is no calibration set .*make a new one"):
        Collection.read(path)


@pytest.mark.parametrize(
    ("windows", "looks", "told"),
    [(3, 2, "all 3 windows are silent"), (0, 2, "has no windows"), (3, 0, "or no pictures")],
)
def test_a_set_of_nothing_is_not_calibrated_with(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    windows: int,
    looks: int,
    told: str,
) -> None:
    Collection(
        log_magnitudes=np.full((windows, 48, 32), np.log(1e-10), np.float32),
        pictures=np.zeros((looks, 3, 48, 80), np.float32),
    ).write(tmp_path / "set.npz")
    assert main(["quantize", "--set", str(tmp_path / "set.npz"), "--model", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "python -m calibration collect --band 24 --out" in said
    assert len(said.splitlines()) == 1


def test_a_place_that_takes_no_set_is_told(tmp_path: Path) -> None:
    collection = Collection(
        log_magnitudes=np.zeros((1, 48, 32), np.float32),
        pictures=np.zeros((1, 3, 48, 80), np.float32),
    )
    with pytest.raises(CalibrationError, match=r"set\.npz cannot be written: .*give another --out"):
        collection.write(tmp_path / "nowhere" / "set.npz")


def test_windows_are_what_the_network_hears() -> None:
    windows = Ears(SPEC).windows(tone(2.0), RATE_HZ, "pipe")
    shape = (SPEC.audio.frequency_bins, SPEC.audio.columns)
    assert {one.log_magnitude.shape for one in windows} == {shape}
    assert len(windows) > 2
    strongest = windows[0].log_magnitude.mean(axis=1).argmax()
    higher = Ears(SPEC).windows(tone(2.0, 1760.0), RATE_HZ, "pipe")[0]
    assert higher.log_magnitude.mean(axis=1).argmax() > strongest


def test_the_band_plays_near_and_far() -> None:
    windows, looks = from_band(SPEC, 6, 0, np.random.default_rng(0))
    levels = [one.level_db for one in windows]
    assert max(levels) - min(levels) > 12
    assert len({one.label for one in windows}) >= 4
    rows, columns = SPEC.vision.grid_for(9, 16)
    assert looks[0].picture.shape == (3, rows * 16, columns * 16)
    assert 0 <= min(one.picture.min() for one in looks) <= 0.2


def test_files_give_sound_pictures_or_both(tmp_path: Path) -> None:
    folder = tmp_path / "bell"
    folder.mkdir()
    soundfile.write(folder / "only.wav", tone(2.0), RATE_HZ)
    cv2.imwrite(str(folder / "only.png"), np.full((90, 160, 3), 90, np.uint8))
    with av.open(str(folder / "both.mp4"), "w") as file:
        video = file.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        audio = file.add_stream("aac", rate=RATE_HZ, layout="mono")
        for number in range(25):
            pixels = np.full((96, 160, 3), 10 * number, np.uint8)
            file.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(video.encode(None))
        for start in range(0, 2 * RATE_HZ, 1024):
            part = tone(3.0)[None, start : start + 1024]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), "fltp", "mono")
            frame.sample_rate, frame.pts = RATE_HZ, start
            file.mux(audio.encode(frame))
        file.mux(audio.encode(None))
    (folder / "broken.mp4").write_bytes(b"no film")
    (folder / "notes.txt").write_text("not media")
    windows, looks, problems = from_files(SPEC, [tmp_path], np.random.default_rng(0))
    assert len(windows) > 4
    assert {one.label for one in windows} == {"bell"}
    assert len(looks) == 1 + 3  # a second apart
    assert len(problems) == 1
    assert "broken.mp4" in problems[0]


def test_a_folder_without_media_is_told(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="holds no media file"):
        from_files(SPEC, [tmp_path], np.random.default_rng(0))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=r"there is no .*nope\.mp4"):
        from_files(SPEC, [tmp_path / "nope.mp4"], np.random.default_rng(0))


def test_a_silent_file_is_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(2 * RATE_HZ, np.float32), RATE_HZ)
    windows, _, problems = from_files(SPEC, [tmp_path], np.random.default_rng(0))
    assert {one.label for one in windows} == {SILENT}
    assert problems == [f"{tmp_path / 'silent.wav'}: its sound is silent"]
