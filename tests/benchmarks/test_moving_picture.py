"""The README's moving picture, a second of it: what it shows, and that it moves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.moving_picture import main

ROOT = Path(__file__).parents[2]
ORANGE, BLUE = (0, 159, 230), (233, 180, 86)
SOLO = ["--start", "2.85", "--stop", "3.05", "--every", "3"]  # just after the click on the guitar


def frames(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """Pictures (height, width, 3) BGR, and how long each stays, ms."""
    read, animation = cv2.imreadanimation(str(path))
    assert read
    return [one[..., :3] for one in animation.frames], list(animation.durations)


def count(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - colour).max(axis=2) <= 24).sum())


def test_the_command_draws_what_the_player_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "player.webp"
    assert main([str(path), "--width", "400", *SOLO]) == 0
    assert "2 pictures" in capsys.readouterr().out
    pictures, stays_ms = frames(path)
    assert [one.shape for one in pictures] == [(192, 400, 3)] * 2
    assert set(stays_ms) == {100}
    assert (pictures[0] != pictures[1]).any()
    for one in pictures:  # the guitar is heard alone: the flute is there, in a darker blue
        assert count(one, ORANGE) > 200
        assert count(one, BLUE) < 20


def test_the_one_in_the_docs_is_small_and_moves() -> None:
    path = ROOT / "docs" / "player.webp"
    assert path.stat().st_size < 1_500_000
    pictures, _ = frames(path)
    assert len(pictures) > 50
    assert count(pictures[0], ORANGE) > 150
    assert count(pictures[0], BLUE) > 100
