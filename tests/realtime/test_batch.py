"""A folder of real files through the real command; and what is decided before and after."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from realtime.batch import media_files, names_of, separate_folder
from realtime.clock import SystemClock
from realtime.errors import UsageError
from realtime.options import InputOptions, Options, OutputOptions, RunOptions
from realtime.screen import Screen
from tests.fakes.tiny_model import write_tiny_model
from tests.realtime.sources.media_files import noise, write_media

ROOT = Path(__file__).resolve().parents[2]


def clips(folder: Path) -> Path:
    """Two that can be separated, a broken one between them, and what is no clip."""
    folder.mkdir()
    for name in ("a.mp4", "c.mkv"):
        codec = "aac" if name.endswith("mp4") else "pcm_s16le"
        write_media(folder / name, frames=10, samples=noise(44_100), audio_codec=codec)
    (folder / "b.mp4").write_bytes(b"no film at all")
    (folder / "notes.txt").write_text("none")
    (folder / ".hidden.mp4").write_bytes(b"")
    return folder


def options(source: Path, record: Path | None, **output: str) -> Options:
    return Options(
        input=InputOptions(source=str(source)),
        output=OutputOptions(record=None if record is None else str(record), **output),  # type: ignore[arg-type]
        run=RunOptions(pace="fast"),
    )


def test_a_folder_goes_on_after_a_broken_file_and_is_resumed(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "model")
    folder, record = clips(tmp_path / "clips"), tmp_path / "out"
    line = [
        *(sys.executable, "run_live.py", "--source", str(folder), "--record", str(record)),
        *("--pace", "fast", "--place", "threads", "--engine", "onnxruntime"),
        *("--model", str(tmp_path / "model")),
    ]
    first = subprocess.run(line, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert first.returncode == 2, first.stderr
    assert "2 of 3: b.mp4" in first.stderr
    assert "error: b.mp4 cannot be opened as a media file" in first.stderr
    last = first.stderr.splitlines()[-1]
    assert last.startswith("2 separated (0:02 of sound, ")
    assert last.endswith("1 failed: b.mp4")
    for name, source in (("a", "a.mp4"), ("c", "c.mkv")):
        session = json.loads((record / name / "session.json").read_text(encoding="utf-8"))
        assert session["whole"] == source
        assert session["duration_s"] == pytest.approx(1.0, abs=0.1)
        assert (record / name / "mixture.wav").is_file()
    assert not (record / "b").exists()
    assert not (record / "a.part").exists()

    (folder / "b.mp4").unlink()
    before = (record / "a" / "session.json").stat().st_mtime_ns
    again = subprocess.run(line, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("has it all already") == 2
    assert again.stderr.splitlines()[-1] == "0 separated (0:00 of sound), 2 there already"
    assert (record / "a" / "session.json").stat().st_mtime_ns == before


class Runs:
    """Stands for the run: records as told, and keeps what it was asked for."""

    def __init__(self, *exit_codes: int) -> None:
        self._exit_codes = list(exit_codes)
        self.asked: list[Options] = []

    def __call__(self, given: Options, screen: Screen) -> int:
        self.asked.append(given)
        part = Path(str(given.output.record))
        part.mkdir(parents=True)
        (part / "session.json").write_text('{"duration_s": 1.5}', encoding="utf-8")
        return self._exit_codes.pop(0)


@pytest.mark.parametrize(("code", "asked"), [(3, 1), (130, 1), (2, 3), (1, 3)])
def test_what_ends_the_batch_and_what_does_not(tmp_path: Path, code: int, asked: int) -> None:
    folder, out = clips(tmp_path / "clips"), io.StringIO()
    runs = Runs(code, 0, 0)
    got = separate_folder(options(folder, tmp_path / "out"), Screen(out), SystemClock(), runs)
    assert (got, len(runs.asked)) == (code, asked)
    assert "1 failed: a.mp4" in out.getvalue().splitlines()[-1]
    assert (tmp_path / "out" / "a.part").is_dir()
    assert all(given.output.view == "none" for given in runs.asked)


def test_what_was_cut_off_is_begun_anew_and_what_is_strange_is_left(tmp_path: Path) -> None:
    folder, record, out = clips(tmp_path / "clips"), tmp_path / "out", io.StringIO()
    for cut in (record / "a.part", record / "c"):
        cut.mkdir(parents=True)
        (cut / "session.json").write_text("{", encoding="utf-8")
    (record / "a.part" / "object-1.wav").touch()
    runs = Runs(0, 0)
    assert separate_folder(options(folder, record), Screen(out), SystemClock(), runs) == 2
    assert f"error: {record / 'c'} is no whole recording of c.mkv" in out.getvalue()
    assert not (record / "a" / "object-1.wav").exists()
    assert (record / "c" / "session.json").read_text(encoding="utf-8") == "{"


def test_folders_are_called_like_the_files(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.mp4", "A.mkv", "b.mov")]
    assert list(names_of(paths).values()) == ["a.mp4", "A.mkv", "b"]
    assert [path.name for path in media_files(clips(tmp_path / "clips"))] == [
        "a.mp4",
        "b.mp4",
        "c.mkv",
    ]


def test_what_is_not_for_folders_is_told(tmp_path: Path) -> None:
    screen, clock, runs = Screen(io.StringIO()), SystemClock(), Runs()
    folder = clips(tmp_path / "clips")
    live = dataclasses.replace(options(folder, tmp_path / "out"), run=RunOptions())
    for given, text in (
        (live, "add --pace fast --record DIR"),
        (options(folder, None), "add --pace fast --record DIR"),
        (options(folder, tmp_path / "out", profile="t.json"), "--profile is for one run"),
        (options(tmp_path, tmp_path / "out"), "has no media file"),
    ):
        with pytest.raises(UsageError, match=text):
            separate_folder(given, screen, clock, runs)
