from __future__ import annotations

import json
from pathlib import Path

import pytest

from realtime.errors import UsageError
from realtime.rig import MOST_BYTES, MOST_ENTRIES, Rig, read_rig, rig_path, write_rig

RIG = Rig(
    offsets_ms={("HD Webcam", "USB Audio"): 83.2, ("HD Webcam", "built-in"): -12.0},
    gains_db={"USB Audio": 6.0},
    untold_ms={("built-in", "USB Audio"): 14.5},
)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}, "/c/live-pixel-player/devices.json"),
        ({"XDG_CONFIG_HOME": "c", "HOME": "/h"}, "/h/.config/live-pixel-player/devices.json"),
        ({"HOME": "/h"}, "/h/.config/live-pixel-player/devices.json"),
        ({}, None),
    ],
)
def test_it_is_beside_the_users_settings(environment: dict[str, str], expected: str | None) -> None:
    path = rig_path(environment)
    assert (None if path is None else str(path)) == expected


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "devices.json"
    assert read_rig(path) == Rig()
    write_rig(path, RIG)
    assert read_rig(path) == RIG
    write_rig(path, Rig())
    assert read_rig(path) == Rig()
    assert [entry.name for entry in path.parent.iterdir()] == ["devices.json"]


def test_the_newest_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "devices.json"
    write_rig(path, Rig(gains_db={f"microphone {n}": 1.0 for n in range(MOST_ENTRIES + 5)}))
    kept = read_rig(path).gains_db
    assert len(kept) == MOST_ENTRIES
    assert f"microphone {MOST_ENTRIES + 4}" in kept
    assert "microphone 4" not in kept


GOOD = {"version": 1, "offsets": [], "gains": [], "loops": []}
OFFSET = {"camera": "c", "microphone": "m", "ms": 1.0}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b" " * (MOST_BYTES + 1),
        json.dumps(GOOD | {"version": 2}).encode(),
        json.dumps(GOOD | {"offsets": {}}).encode(),
        json.dumps(GOOD | {"offsets": [1]}).encode(),
        json.dumps(GOOD | {"offsets": [OFFSET] * (MOST_ENTRIES + 1)}).encode(),
        json.dumps(GOOD | {"offsets": [OFFSET | {"ms": "1"}]}).encode(),
        json.dumps(GOOD | {"offsets": [OFFSET | {"ms": True}]}).encode(),
        json.dumps(GOOD | {"offsets": [OFFSET | {"ms": 1001}]}).encode(),
        json.dumps(GOOD | {"offsets": [OFFSET | {"ms": float("nan")}]}).encode(),
        json.dumps(GOOD | {"offsets": [OFFSET | {"ms": 10**400}]}).encode(),
        json.dumps(GOOD | {"offsets": [OFFSET | {"camera": ""}]}).encode(),
        json.dumps(GOOD | {"offsets": [{"camera": "c", "ms": 1}]}).encode(),
        json.dumps(GOOD | {"gains": [{"microphone": "m", "db": 61}]}).encode(),
        json.dumps({"version": 1}).encode(),
    ],
)
def test_a_damaged_file_is_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "devices.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_rig(path)
    text = str(caught.value)
    assert text.startswith(f"{path} is damaged")
    assert "remove it and measure again: python -m calibration" in text
    assert "\n" not in text
    assert len(text) < 400


def test_where_it_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_rig(tmp_path / "file" / "devices.json", RIG)
    (tmp_path / "devices.json").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write_rig(tmp_path / "devices.json", RIG)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["devices.json", "file"]
    with pytest.raises(UsageError, match="cannot be read"):
        read_rig(tmp_path / "devices.json")
