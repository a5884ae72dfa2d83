"""The split of prepared videos: of each class some, and the same ones when videos are added."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.indices import Line, kept_out, read_counts, write_indices


def names(instrument: str, count: int) -> set[str]:
    return {f"{instrument}-{number}" for number in range(count)}


@pytest.mark.parametrize("counts", [(2, 15), (9, 8), (10, 7), (3, 3), (2, 2)])
def test_of_each_class_some_are_kept_out(counts: tuple[int, int]) -> None:
    of_class = {"bell": names("bell", counts[0]), "pipe": names("pipe", counts[1])}
    out = kept_out(of_class, 20)
    for instrument, count in zip(of_class, counts, strict=True):
        assert len(out & of_class[instrument]) == max(1, round(count / 5))
    assert kept_out(of_class, 20) == out


def test_one_video_alone_is_learned_from() -> None:
    assert kept_out({"bell": {"one"}, "pipe": {"two", "three"}}, 20) < {"two", "three"}
    assert kept_out({"bell": {"one"}}, 100) == {"one"}
    assert kept_out({"bell": {"one", "two"}}, 0) == set()
    assert len(kept_out({"bell": {"one", "two"}}, 99)) == 1


def test_a_video_of_two_classes_counts_in_both() -> None:
    of_class = {"bell": names("bell", 10), "duet": {"bell-0", "bell-1"}}
    out = kept_out(of_class, 20)
    assert len(out & of_class["duet"]) == 1
    assert len(out) == 2


def lines(folder: Path, *videos: str) -> list[Line]:
    return [
        Line(
            name=name,
            audio=folder / f"audio/{name.split('-')[0]}/{name}.flac",
            frames=folder / f"frames/{name.split('-')[0]}/{name}",
            frame_count=24,
        )
        for name in videos
    ]


def split(folder: Path) -> tuple[set[str], set[str]]:
    sides = [(folder / name).read_text() for name in ("train.csv", "val.csv")]
    learned, out = ({Path(line.split(",")[1]).name for line in one.splitlines()} for one in sides)
    return learned, out


def test_what_was_learned_from_is_not_kept_out_when_videos_are_added(tmp_path: Path) -> None:
    write_indices(tmp_path, lines(tmp_path, *sorted(names("bell", 7))), 20)
    learned, out = split(tmp_path)
    for count in range(8, 40):
        write_indices(tmp_path, lines(tmp_path, *sorted(names("bell", count))), 20)
        after = split(tmp_path)
        assert not after[0] & after[1]
        assert len(after[1]) == round(count / 5)
        assert learned <= after[0]
        assert out <= after[1]
        learned, out = after


def test_an_old_split_without_a_class_is_mended(tmp_path: Path) -> None:
    videos = lines(tmp_path, *sorted(names("bell", 9) | names("pipe", 8)))
    (tmp_path / "val.csv").write_text(
        "".join(f"{v.audio},{v.frames},{v.frame_count}\n" for v in videos[:1])
    )
    (tmp_path / "train.csv").write_text(
        "".join(f"{v.audio},{v.frames},{v.frame_count}\n" for v in videos[1:])
    )
    assert write_indices(tmp_path, videos, 20) == (13, 4)
    _, out = split(tmp_path)
    assert videos[0].name in out
    assert {name.split("-")[0] for name in out} == {"bell", "pipe"}
    assert len(read_counts(tmp_path)) == len(videos)
