"""A clip's pictures with other sounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.clip_sounds import filmed, judge, to_and_fro
from benchmarks.report import Report
from benchmarks.scene_files import write_scene
from benchmarks.scoring import match_streams


def pictures(count: int) -> list[np.ndarray]:
    return [np.full((24, 32, 3), 10 * number, np.uint8) for number in range(count)]


def test_a_shot_is_shown_to_and_fro_without_a_jump() -> None:
    shown = [int(picture[0, 0, 0]) // 10 for picture in to_and_fro(pictures(4), 11)]
    assert shown == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2]


def test_only_the_first_shot_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    write_scene(path, pictures(10), 5, np.zeros(2 * 8000, np.float32), 8000)
    taken, fps = filmed(path, 1.2)
    assert fps == 5
    assert [int(picture[0, 0, 0]) // 10 for picture in taken] == [0, 1, 2, 3, 4, 5]


def test_a_player_who_is_not_found_gains_nothing() -> None:
    rng = np.random.default_rng(0)
    stems = rng.standard_normal((2, 4000)).astype(np.float32)
    mixture = stems.sum(axis=0)
    report = Report("clip")
    scores = match_streams(stems, stems[:1] + 0.01 * stems[1:], mixture)
    judge(report, ("guitar", "violin"), [scores])
    assert scores[0].nsdr_db > 30
    assert abs(scores[1].nsdr_db) < 1e-6
    rows = {row["what"]: row["got"] for row in report.to_plain()["rows"]}
    assert rows["players with a stream of their own"] == "1 of 2"
    assert rows["… violin"] == "0.00 dB"
