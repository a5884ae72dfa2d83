"""Files that a user names, and what else may be behind a name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from realtime.errors import UsageError
from realtime.small_file import read_small


def test_a_file_is_read_to_the_last_byte(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_text("ö" * 10, "utf-8")
    assert read_small(path, 20, "--x") == "ö" * 10
    with pytest.raises(UsageError, match=r"--x .*small: it is larger than 19 bytes"):
        read_small(path, 19, "--x")


def test_what_is_no_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        with pytest.raises(UsageError, match=f"--x .*{name}: it is no file"):
            read_small(tmp_path / name, 20, "--x")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="it is no text in UTF-8"):
        read_small(tmp_path / "bytes", 20, "--x")
    with pytest.raises(UsageError, match="there is no such file"):
        read_small(tmp_path / "none", 20, "--x")
    with pytest.raises(UsageError, match=r"no file|directory"):
        read_small(tmp_path, 20, "--x")
