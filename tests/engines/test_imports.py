"""What a live run imports: never torch, and no runtime before it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "onnx", "onnxruntime", "openvino", "torchvision")

IMPORT_ALL = """
import importlib, pkgutil, sys
import engines
for entry in pkgutil.walk_packages(engines.__path__, "engines."):
    if not entry.name.startswith("engines.backends."):
        importlib.import_module(entry.name)
print(*sorted(set(sys.modules) & set(sys.argv[1:])))
"""

RUN_LIVE_ENGINES = """
import sys
from pathlib import Path
import numpy as np
from engines.auto import choose
from engines.model import open_model
from engines.registry import open_engine
folder, cache = Path(sys.argv[1]), Path(sys.argv[2])
open_model(folder)
choose(folder, 1, cache=cache)
for backend in ("onnxruntime", "openvino"):
    for network in ("vision", "sound"):
        with open_engine(folder, network, backend, "auto", 1) as engine:
            engine.infer({spec.name: np.zeros(spec.shape, np.float32) for spec in engine.inputs})
print(*sorted(set(sys.modules) & {"torch", "onnx", "torchvision"}))
"""


def run(program: str, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_importing_engines_imports_no_runtime():
    assert run(IMPORT_ALL, *HEAVY) == ""


def test_running_engines_imports_no_torch(tiny_model: Path, tmp_path: Path):
    assert run(RUN_LIVE_ENGINES, str(tiny_model), str(tmp_path / "cache.json")) == ""


ENGINES_FROM_THE_STORE = """
import sys
from pathlib import Path
from engines.registry import open_engine
open_engine(Path(sys.argv[1]), "sound", sys.argv[2], "fp32", 1).close()
print(*sorted(set(sys.modules) & {"engines.acceptance", "pixelplayer.band", "onnxruntime"}))
"""


def test_a_start_from_the_store_loads_nothing_to_compare_with(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = (run(ENGINES_FROM_THE_STORE, str(tiny_model), "openvino") for _ in range(2))
    assert first.split() == ["engines.acceptance", "onnxruntime", "pixelplayer.band"]
    assert not second.split()
    assert run(ENGINES_FROM_THE_STORE, str(tiny_model), "onnxruntime").split() == ["onnxruntime"]
