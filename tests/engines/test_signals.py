"""A process whose engines were closed still takes signals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import gc, os, signal, sys, threading
from pathlib import Path
from engines.registry import open_engine
engines = [open_engine(Path(sys.argv[1]), "sound", sys.argv[2], "fp32", 1)]
def leave():
    engines.pop().close()
    gc.collect()
other = threading.Thread(target=leave)
other.start()
other.join()
taken = []
signal.signal(signal.SIGUSR1, lambda number, frame: taken.append(number))
os.kill(os.getpid(), signal.SIGUSR1)
print("took", len(taken))
"""


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_after_an_engine_was_closed_by_another_thread(backend: str, tiny_model: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tiny_model), backend],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "took 1"
