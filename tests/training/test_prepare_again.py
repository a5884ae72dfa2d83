"""Videos prepared a second time: what is there is kept, what is broken is made again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.fakes.videos import LONG_S, rows, run, write_video


def test_started_again_it_does_only_what_is_missing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_video(tmp_path / f"videos/violin/{name}.mkv")
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    kept = tmp_path / "data/audio/violin/one.flac"
    before = kept.stat().st_mtime_ns
    # As a kill in the middle leaves it: the sound without its pictures, and a part of those.
    for path in (tmp_path / "data/frames/violin/two").iterdir():
        path.unlink()
    (tmp_path / "data/frames/violin/two").rename(tmp_path / "data/frames/violin/two.part")
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    assert kept.stat().st_mtime_ns == before
    indexed = rows(tmp_path / "data/train.csv") + rows(tmp_path / "data/val.csv")
    assert [int(count) for _, _, count in indexed] == [LONG_S * 8] * 2


def cut_sound(data: Path) -> None:
    path = data / "audio/violin/one.flac"
    path.write_bytes(path.read_bytes()[:-100])


def empty_sound(data: Path) -> None:
    (data / "audio/violin/one.flac").write_bytes(b"")


def flip_a_bit_of_sound(data: Path) -> None:
    path = data / "audio/violin/one.flac"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_picture(data: Path) -> None:
    path = data / "frames/violin/one/000007.jpg"
    path.write_bytes(path.read_bytes()[:-1])


def zero_the_end_of_a_picture(data: Path) -> None:
    path = data / "frames/violin/one/000007.jpg"
    path.write_bytes(path.read_bytes()[:-512] + bytes(512))


def empty_picture(data: Path) -> None:
    (data / "frames/violin/one/000007.jpg").write_bytes(b"")


def lose_the_last_picture(data: Path) -> None:
    (data / f"frames/violin/one/{LONG_S * 8:06d}.jpg").unlink()


def lose_pictures_and_indices(data: Path) -> None:
    for number in range(LONG_S * 8 - 2, LONG_S * 8 + 1):
        (data / f"frames/violin/one/{number:06d}.jpg").unlink()
    for index in ("train.csv", "val.csv"):  # as where the first run was killed
        (data / index).unlink()


def misname_a_picture(data: Path) -> None:
    path = data / "frames/violin/one/000007.jpg"
    path.rename(path.with_name("000099.jpg"))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (cut_sound, "its sound is broken"),
        (empty_sound, "its sound is broken"),
        (flip_a_bit_of_sound, "its sound is broken"),
        (cut_picture, "picture 000007 is missing or cut off"),
        (zero_the_end_of_a_picture, "picture 000007 is missing or cut off"),
        (empty_picture, "picture 000007 is missing or cut off"),
        (lose_the_last_picture, "23 pictures of the 24 that are listed"),
        (lose_pictures_and_indices, "21 pictures beside 3.0 s of sound"),
        (misname_a_picture, "picture 000007 is missing or cut off"),
    ],
)
def test_started_again_it_makes_again_what_is_broken(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    fault: str,
) -> None:
    for name in ("one", "two"):
        write_video(tmp_path / f"videos/violin/{name}.mkv")
    data = tmp_path / "data"
    assert run(tmp_path / "videos", data) == 0
    assert "broken" not in capsys.readouterr().out
    kept = {path.relative_to(data): path.read_bytes() for path in data.rglob("*.*")}
    well = (data / "audio/violin/two.flac").stat().st_mtime_ns
    spoil(data)
    assert run(tmp_path / "videos", data) == 0
    (said,) = (line for line in capsys.readouterr().out.splitlines() if "broken," in line)
    assert said.startswith(f"1 broken, and made again: violin/one ({fault}")
    assert (data / "audio/violin/two.flac").stat().st_mtime_ns == well
    assert {path.relative_to(data): path.read_bytes() for path in data.rglob("*.*")} == kept
    assert run(tmp_path / "videos", data) == 0
    assert "broken" not in capsys.readouterr().out


def test_another_rate_is_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_video(tmp_path / "videos/violin/one.mkv")
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    assert run(tmp_path / "videos", tmp_path / "data", "--rate", "4000") == 0
    assert soundfile.info(tmp_path / "data/audio/violin/one.flac").samplerate == 4000
    assert "at 8000 Hz, not 4000 Hz" in capsys.readouterr().out


def test_what_is_broken_on_both_sides_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        write_video(tmp_path / f"videos/violin/{name}.mkv")
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    cut_sound(tmp_path / "data")
    (tmp_path / "videos/violin/one.mkv").write_bytes(b"no video any more")
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    ((name, reason),) = rows(tmp_path / "data/skipped.csv")
    assert name == "violin/one"
    assert reason.startswith("cannot be decoded")
    assert "(before: its sound is broken" in reason
    assert "made again" not in capsys.readouterr().out
    indexed = rows(tmp_path / "data/train.csv") + rows(tmp_path / "data/val.csv")
    assert [Path(audio).stem for audio, _, _ in indexed] == ["two"]


def test_many_that_are_broken_are_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        write_video(tmp_path / f"videos/violin/{number}.mkv", duration_s=2)
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    for path in (tmp_path / "data/audio/violin").iterdir():
        path.write_bytes(b"")
    assert run(tmp_path / "videos", tmp_path / "data") == 0
    said = capsys.readouterr().out
    assert "5 broken, and made again: violin/0 (its sound is broken" in said
    assert "violin/2" in said
    assert "violin/3" not in said
