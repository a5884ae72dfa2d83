from __future__ import annotations

import stat
from pathlib import Path

import pytest

from realtime.crash import MOST_REPORTS, crash_folder, where, write_crash


def test_a_report_is_private_and_says_what_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "crashes"
    path = write_crash(
        folder,
        "hearing",
        "failed (ValueError: x)",
        trace="Traceback: here",
        seen=["audio: AudioChunk(samples=float32(441,))"],
        numbers={"late": 3},
    )
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    said = path.read_text(encoding="utf-8")
    for part in ("hearing failed (ValueError: x)", "AudioChunk", "late 3", "Traceback: here"):
        assert part in said
    assert str(path) in where(path)


def test_they_do_not_fill_the_disk(tmp_path: Path) -> None:
    paths = [write_crash(tmp_path, "sight", "was stopped") for _ in range(MOST_REPORTS + 3)]
    assert len(set(paths)) == MOST_REPORTS + 3
    assert len(list(tmp_path.iterdir())) == MOST_REPORTS
    assert paths[-1] in set(tmp_path.iterdir())


def test_where_it_cannot_be_written_nothing_else_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert write_crash(tmp_path / "file" / "x", "sight", "was stopped") is None
    assert write_crash(None, "sight", "was stopped") is None
    assert where(None) == "no report of it could be written"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/live-pixel-player/crashes"),
        ({"XDG_STATE_HOME": "s", "HOME": "/h"}, "/h/.local/state/live-pixel-player/crashes"),
        ({}, None),
    ],
)
def test_it_lies_where_such_things_lie(environment: dict[str, str], expected: str | None) -> None:
    found = crash_folder(environment)
    assert found == (None if expected is None else Path(expected))
