"""The processor's name, on PCs and on boards."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from engines import processor

PC = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nmodel name\t: another\n"
BOARD = (
    "processor\t: 0\nCPU implementer\t: 0x41\n\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4\n"
)
NAMELESS = "processor\t: 0\nCPU implementer\t: 0x41\n"


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")


@pytest.mark.parametrize(
    ("cpuinfo", "board", "name"),
    [
        (PC, None, "AMD EPYC"),
        (PC, b"Some Board\0", "AMD EPYC"),
        (NAMELESS, b"NVIDIA Jetson AGX Orin\0", "NVIDIA Jetson AGX Orin"),
        (BOARD, None, "BCM2835"),
        (BOARD.replace("Hardware", "Software"), None, "Raspberry Pi 4"),
        (NAMELESS, None, "aarch64"),
        (None, None, "aarch64"),
    ],
)
def test_it_has_a_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cpuinfo: str | None,
    board: bytes | None,
    name: str,
) -> None:
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(processor, "_BOARD", tmp_path / "model")
    if cpuinfo is not None:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
    if board is not None:
        (tmp_path / "model").write_bytes(board)
    assert processor.processor() == name
