"""Imports point one way, and each library has one module that talks to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "pixelplayer": set[str](),
    "engines": {"pixelplayer"},
    "calibration": {"engines", "pixelplayer", "realtime"},
    "training": {"calibration", "pixelplayer"},
    "realtime": {"engines", "pixelplayer"},
}
# library -> where it may be imported from; a folder stands for all that is in it
EDGES = {
    "zmq": ["realtime/transport.py", "realtime/remote/line.py"],
    "time": ["realtime/clock.py"],
    "websockets": ["realtime/sinks/web_server.py"],
    "sounddevice": ["realtime/portaudio.py"],
    "cv2": ["realtime/picture.py"],
    "ctypes": ["realtime/allocator.py", "realtime/parent.py"],
    "multiprocessing": [],
    "pickle": [],
    "asyncio": [],
}


def imports(path: Path) -> Iterator[str]:
    """Top-level names of all that a file imports, lazily or not."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (item.name.partition(".")[0] for item in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.partition(".")[0]


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_imports_point_one_way(package: str) -> None:
    ours = {*ALLOWED, "run_live", "tests", "benchmarks"}
    for path in files(package):
        strange = (set(imports(path)) & ours) - ALLOWED[package] - {package}
        assert not strange, f"{path.relative_to(ROOT)} imports {strange}"


@pytest.mark.parametrize("library", sorted(EDGES))
def test_each_edge_has_one_module(library: str) -> None:
    for path in files("realtime"):
        name = path.relative_to(ROOT).as_posix()
        if name not in EDGES[library]:
            assert library not in set(imports(path)), f"{name} imports {library}"


def test_the_live_system_never_imports_torch() -> None:
    for path in files("realtime"):
        assert "torch" not in set(imports(path)), path
    for path in files("pixelplayer"):
        if "networks" not in path.parts:
            assert "torch" not in set(imports(path)), path


def test_the_command_is_short_and_uses_realtime_alone() -> None:
    path = ROOT / "run_live.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 100
    assert set(imports(path)) & {*ALLOWED, "tests"} == {"realtime"}
