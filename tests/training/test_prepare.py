"""A folder of videos becomes a data set in the MUSIC layout."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile

import training.prepare
from tests.fakes.videos import LONG_S, RATE_HZ, rows, run, write_video
from tests.realtime.sources.media_files import FPS as VIDEO_FPS
from tests.realtime.sources.media_files import noise, ramp_picture
from training.extract import Places, extract


def test_sound_and_pictures_are_kept_as_long_as_they_are(tmp_path: Path) -> None:
    write_video(tmp_path / "videos/violin/abc.mkv")
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    ((audio, frames, count),) = rows(tmp_path / "data/train.csv") + rows(tmp_path / "data/val.csv")
    assert int(count) == len(list(Path(frames).glob("*.jpg"))) == LONG_S * 8
    samples, rate = soundfile.read(audio)
    assert rate == RATE_HZ
    assert len(samples) == LONG_S * RATE_HZ
    expected = noise(LONG_S * RATE_HZ)[:, 0] / 32768
    assert np.abs(samples - expected).max() < 1e-3
    assert Path(audio).relative_to(tmp_path / "data") == Path("audio/violin/abc.flac")
    last = cv2.imread(str(Path(frames) / f"{int(count):06d}.jpg"))
    assert min(last.shape[:2]) == 256
    # What is seen at 23/8 s is the video's picture 28 of ten a second.
    light = ramp_picture(28, 8, 8)[-1, -1].mean()
    assert abs(last[-20:, -20:].mean() - light) < 6


def test_sound_that_begins_late_stays_with_its_pictures(tmp_path: Path) -> None:
    write_video(tmp_path / "videos/violin/late.mkv", audio_start_s=1.0)
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    samples, _ = soundfile.read(tmp_path / "data/audio/violin/late.flac")
    assert len(samples) == LONG_S * RATE_HZ  # as long as the pictures last
    assert np.abs(samples[: int(0.9 * RATE_HZ)]).max() < 1e-3
    assert np.abs(samples[int(1.1 * RATE_HZ) :]).max() > 0.3


def test_a_hole_in_the_sound_is_silence(tmp_path: Path) -> None:
    write_video(tmp_path / "videos/violin/hole.mkv", frames=40, audio_hole_s=1.0)
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    samples, _ = soundfile.read(tmp_path / "data/audio/violin/hole.flac")
    assert len(samples) == 4 * RATE_HZ
    assert np.abs(samples[int(1.7 * RATE_HZ) : int(2.3 * RATE_HZ)]).max() < 1e-3


def test_what_cannot_be_used_is_told_and_the_rest_is_prepared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "videos"
    whole = write_video(videos / "violin/good.mkv").read_bytes()
    write_video(videos / "violin/mute.mkv", samples=None)
    write_video(videos / "violin/blind.mkv", frames=0)
    write_video(videos / "violin/still.mkv", samples=np.zeros((RATE_HZ * LONG_S, 1), np.int16))
    write_video(videos / "violin/short.mkv", duration_s=1)
    (videos / "violin/broken.mp4").write_bytes(whole[1000:9000])
    (videos / "violin/empty.mp4").write_bytes(b"")
    assert run(videos, tmp_path / "data") == 0
    reasons = dict(rows(tmp_path / "data/skipped.csv"))
    assert reasons.pop("violin/broken").startswith("cannot be decoded")
    assert reasons.pop("violin/empty").startswith("cannot be decoded")
    assert reasons == {
        "violin/mute": "has no sound",
        "violin/blind": "has no pictures",
        "violin/still": "is silent",
        "violin/short": "shorter than 2 s",
    }
    assert "violin/mute: has no sound" in capsys.readouterr().out
    assert not list((tmp_path / "data").rglob("*.part"))


def test_of_one_video_in_two_containers_the_first_is_taken(tmp_path: Path) -> None:
    for name in ("one.mkv", "one.mp4", "two.mkv"):
        write_video(tmp_path / "videos/violin" / name, duration_s=2)
    write_video(tmp_path / "videos/flute/one.mkv", duration_s=2)
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    assert rows(tmp_path / "data/skipped.csv") == [
        ["violin/one.mp4", "same name as violin/one.mkv"]
    ]
    kept = {path.relative_to(tmp_path) for path in (tmp_path / "data/audio").glob("*/*")}
    assert {str(path) for path in kept} == {
        f"data/audio/{name}.flac" for name in ("flute/one", "violin/one", "violin/two")
    }


def test_no_video_is_on_both_sides(tmp_path: Path) -> None:
    names = [f"video{number}" for number in range(12)]
    for name in names:
        write_video(tmp_path / f"videos/{name}.mkv", duration_s=2)
    listed = {"videos": {"violin": names, "violin cello": names[:6]}}
    (tmp_path / "list.json").write_text(json.dumps(listed))
    more = ("--list", str(tmp_path / "list.json"), "--val", "40")
    assert run(tmp_path / "videos", tmp_path / "data", *more) == 0
    sides = [
        {Path(audio).stem for audio, _, _ in rows(tmp_path / "data" / name)}
        for name in ("train.csv", "val.csv")
    ]
    assert sides[0] | sides[1] == set(names)
    assert not sides[0] & sides[1]
    assert (len(sides[0]), len(sides[1])) == (7, 5)  # 40 % of each class
    assert len(sides[1] & {*names[:6]}) == 2
    assert (tmp_path / "data/audio/violin+cello/video0.flac").exists()


def test_listed_videos_are_found_by_their_ids(tmp_path: Path) -> None:
    write_video(tmp_path / "videos/A concert [x-Y_9].mkv")
    (tmp_path / "list.json").write_text(json.dumps({"videos": {"violin": ["x-Y_9", "gone"]}}))
    more = ("--list", str(tmp_path / "list.json"))
    assert run(tmp_path / "videos", tmp_path / "data", *more) == 0
    assert (tmp_path / "data/audio/violin/x-Y_9.flac").exists()
    assert rows(tmp_path / "data/skipped.csv") == [["violin/gone", "not downloaded"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is no list of videos"), ('{"songs": {}}', "is no list"), ("[]", "is no list")],
)
def test_a_wrong_list_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    write_video(tmp_path / "videos/violin/one.mkv")
    (tmp_path / "list.json").write_text(content)
    assert run(tmp_path / "videos", tmp_path / "out", "--list", str(tmp_path / "list.json")) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_videos_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "videos").mkdir()
    assert run(tmp_path / "videos", tmp_path / "out") == 2
    assert "holds no video; expected" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_video(tmp_path / "videos/violin/one.mkv")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/audio").write_text("a file where the folder should be")
    assert run(tmp_path / "videos", tmp_path / "data") == 3
    assert "start again" in capsys.readouterr().err


def test_any_container_is_taken_and_the_rest_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "videos"
    whole = write_video(videos / "violin/one.mkv").read_bytes()
    # FFmpeg goes by what a file holds, not by its name.
    suffixes = ("WMV", "ogv", "3gp", "mpeg", "mts", "m2ts", "vob", "asf", "rmvb", "mpe", "f4v")
    for suffix in suffixes:
        (videos / f"violin/{suffix}.{suffix}").write_bytes(whole)
    (videos / "violin/notes.txt").write_text("no video")
    (videos / "violin/two.mp4.part").write_bytes(whole)
    (videos / "violin/text.vob").write_text("no video either")
    assert run(videos, videos / "data") == 0
    indexed = rows(videos / "data/train.csv") + rows(videos / "data/val.csv")
    assert {Path(audio).stem for audio, _, _ in indexed} == {"one", *suffixes}
    ((name, reason),) = rows(videos / "data/skipped.csv")
    assert (name, reason[:17]) == ("violin/text", "cannot be decoded")
    assert "2 other files left alone (1 .txt, 1 .part)" in capsys.readouterr().out
    assert run(videos, videos / "data") == 0
    assert "2 other files left alone" in capsys.readouterr().out  # not what it made itself


def test_what_no_list_names_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        write_video(tmp_path / f"videos/{name}.mkv", duration_s=2)
    (tmp_path / "list.json").write_text(json.dumps({"videos": {"violin": ["one"]}}))
    assert run(tmp_path / "videos", tmp_path / "data", "--list", str(tmp_path / "list.json")) == 0
    assert "1 other file left alone (1 .mkv)" in capsys.readouterr().out


def cut_in_half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def test_a_download_that_broke_off_is_not_taken_for_a_whole_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "videos/violin/half.mkv", duration_s=12)
    write_video(tmp_path / "videos/violin/whole.mkv")
    cut_in_half(path)
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    ((name, reason),) = rows(tmp_path / "data/skipped.csv")
    assert name == "violin/half"
    assert re.fullmatch(r"ends after [56] of 12 s; download it again", reason)
    assert not list((tmp_path / "data").rglob("*half*"))
    write_video(path, duration_s=12)  # as downloaded again
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    assert rows(tmp_path / "data/skipped.csv") == []


@pytest.mark.parametrize(
    ("video_s", "sound_s", "late"),
    [(6, 3, {}), (3, 6, {}), (6, 6, {"audio_start_s": 3.0}), (6, 6, {"video_start_s": 3.0})],
)
def test_sound_or_pictures_may_end_before_the_other(
    tmp_path: Path, video_s: int, sound_s: int, late: dict[str, float]
) -> None:
    write_video(
        tmp_path / "videos/violin/one.mkv",
        frames=video_s * VIDEO_FPS,
        samples=noise(sound_s * RATE_HZ),
        **late,
    )
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    assert rows(tmp_path / "data/skipped.csv") == []


def test_what_says_no_duration_is_as_long_as_it_is(tmp_path: Path) -> None:
    """As a live recording: its head was written before anybody knew."""
    path = tmp_path / "videos/violin/live.mkv"
    path.parent.mkdir(parents=True)
    write_live(path, duration_s=6)
    with av.open(str(path)) as container:
        assert not container.duration
    cut_in_half(path)
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    assert rows(tmp_path / "data/skipped.csv") == []


def write_live(path: Path, duration_s: int) -> None:
    """What ``write_video`` writes, into a Matroska file that is never gone back in."""
    whole = write_video(path.with_name("whole.mkv"), duration_s)
    with (
        av.open(str(whole)) as source,
        av.open(str(path), "w", format="matroska", options={"live": "1"}) as out,
    ):
        streams = {one.index: out.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    whole.unlink()


def test_a_video_that_kills_its_process_is_named_and_the_rest_is_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"video{number}" for number in range(6)]
    for name in names:
        write_video(tmp_path / f"videos/violin/{name}.mkv", duration_s=2)

    def decode(video: Path, places: Places, *, rate_hz: int) -> None:
        if video.stem in ("video1", "video4"):  # as a decoder that runs into its data
            places.frames_part.mkdir(parents=True, exist_ok=True)
            os.kill(os.getpid(), signal.SIGKILL)
        extract(video, places, rate_hz=rate_hz)

    monkeypatch.setattr(training.prepare, "extract", decode)
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    skipped = rows(tmp_path / "data/skipped.csv")
    assert [name for name, _ in skipped] == ["violin/video1", "violin/video4"]
    assert all(reason.startswith("kills the process that decodes it") for _, reason in skipped)
    indexed = rows(tmp_path / "data/train.csv") + rows(tmp_path / "data/val.csv")
    assert sorted(Path(audio).stem for audio, _, _ in indexed) == [
        name for name in names if name not in ("video1", "video4")
    ]
    assert not list((tmp_path / "data").rglob("*.part"))


def test_of_each_class_some_videos_are_kept_out(tmp_path: Path) -> None:
    for name in ("bell/one", "bell/two", *(f"pipe/{number}" for number in range(6))):
        write_video(tmp_path / f"videos/{name}.mkv", duration_s=2)
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    for index in ("train.csv", "val.csv"):
        kept = {Path(audio).parent.name for audio, _, _ in rows(tmp_path / "data" / index)}
        assert kept == {"bell", "pipe"}, index


def test_the_shortest_that_is_taken_is_as_asked(tmp_path: Path) -> None:
    for length_s in (3, 5):
        write_video(tmp_path / f"videos/bell/{length_s}.mkv", duration_s=length_s)
    skipped = tmp_path / "data/skipped.csv"
    assert run(tmp_path / "videos", tmp_path / "data", "--shortest", "4") == 0
    assert rows(skipped) == [["bell/3", "shorter than 4 s"]]
    assert run(tmp_path / "videos", tmp_path / "data", "--shortest", "20") == 2
    assert run(tmp_path / "videos", tmp_path / "data", "--shortest", "3") == 0
    assert rows(skipped) == []


@pytest.mark.parametrize(
    "wrong", [("--jobs", "0"), ("--val", "101"), ("--rate", "0"), ("--val", "-1")]
)
def test_numbers_that_make_no_sense_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: tuple[str, str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(tmp_path, tmp_path / "data", *wrong)
    assert f"argument {wrong[0]}: expected" in capsys.readouterr().err


INTERRUPTED = """\
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests' shell has set
from training.prepare import main
sys.exit(main(sys.argv[1:]))
"""


def test_interrupted_it_says_that_it_goes_on(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "videos/violin/0.mkv", duration_s=10).read_bytes()
    for number in range(1, 40):
        (tmp_path / f"videos/violin/{number}.mkv").write_bytes(whole)
    line = ["--videos", "videos", "--out", "data", "--jobs", "2", "--shortest", "2"]
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *line],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        try:
            while not (tmp_path / "data/frames/violin/0").exists():
                assert process.poll() is None
                time.sleep(0.01)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers too
            _, said = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert said == "stopped; what is finished is kept: the same command goes on\n"
