"""The memory that one engine takes, measured in a process that has nothing else.

    python -m benchmarks.engine_memory MODEL BACKEND PRECISION THREADS [NEWEST]

Prints megabytes: the most that the process has while it opens both networks and runs each once,
less what it had before. What an engine kept from an earlier opening is loaded, as at a start. In a
process that had others open before, the allocator gives a new one what those have left, and the
difference may be nothing or less.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from engines.errors import EngineError
from engines.model import read_spec
from engines.protocol import Network
from engines.registry import open_engine
from pixelplayer.spec import USUAL

_NETWORKS: tuple[Network, ...] = ("vision", "sound")
_REPOSITORY = Path(__file__).parent.parent
_LONGEST_S = 600.0  # what compiles anew at every opening takes minutes


def memory_mb(
    folder: Path, backend: str, precision: str, threads: int, newest: int | None
) -> float:
    """What an engine takes, in a process of its own.

    Raises:
        EngineError: it cannot be opened there.
    """
    asked = [str(folder.resolve()), backend, precision, str(threads)]
    line = [sys.executable, "-m", __name__, *asked, *([str(newest)] if newest else [])]
    try:
        done = subprocess.run(
            line,
            cwd=_REPOSITORY,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"in a process of its own it took over {_LONGEST_S:.0f} s") from None
    try:
        return float(done.stdout)
    except ValueError:
        reason = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        raise EngineError(f"in a process of its own: {reason}") from None


def main(arguments: Sequence[str]) -> int:
    """Open, run, print."""
    folder, backend, precision, threads = Path(arguments[0]), *arguments[1:3], int(arguments[3])
    newest = int(arguments[4]) if len(arguments) > 4 else None
    grid = read_spec(folder).vision.grid_for(*USUAL)
    before = psutil.Process().memory_info().rss
    with contextlib.ExitStack() as opened:
        for network in _NETWORKS:
            engine = opened.enter_context(
                open_engine(folder, network, backend, precision, threads, grid=grid, newest=newest)
            )
            engine.infer({spec.name: np.zeros(spec.shape, np.float32) for spec in engine.inputs})
        print((_most_bytes() - before) / 1e6)
    return 0


def _most_bytes() -> int:
    """The most that this process ever had; where the system does not tell, what it has now.

    Not ``getrusage``: on Linux it begins with what the process had that started this one.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
