"""A ring between two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from realtime.ring import Ring
from realtime.shared import SharedArrays, shared_file

ROOT = Path(__file__).parents[2]
TOTAL = 50_000

WRITE = """
import sys
import numpy as np
from realtime.ring import Ring
from realtime.shared import SharedArrays
ring = Ring(1000, 2, np.int64, SharedArrays(int(sys.argv[1])))
sent, total = 0, int(sys.argv[2])
while sent < total:
    numbers = np.arange(sent, min(sent + 137, total))
    sent += ring.write(np.stack([numbers, -numbers], axis=1))
"""


def test_another_process_writes_what_this_one_reads() -> None:
    file = shared_file()
    ring = Ring(1000, 2, np.int64, SharedArrays(file))
    with subprocess.Popen(
        [sys.executable, "-c", WRITE, str(file), str(TOTAL)], cwd=ROOT, pass_fds=(file,)
    ) as writer:
        read: list[np.ndarray] = []
        while sum(map(len, read)) < TOTAL and (writer.poll() is None or ring.queued):
            read.append(ring.read(301))
        assert writer.wait(30) == 0
    os.close(file)
    rows = np.concatenate(read)
    np.testing.assert_array_equal(rows[:, 0], np.arange(TOTAL))
    np.testing.assert_array_equal(rows[:, 1], -np.arange(TOTAL))


def test_arrays_lie_one_after_the_other_and_begin_at_zero() -> None:
    file = shared_file()
    first, second = SharedArrays(file), SharedArrays(file)
    shapes = [((3,), np.int64), ((5000, 2), np.float32), ((1,), np.int64)]
    ours = [first(shape, dtype) for shape, dtype in shapes]
    theirs = [second(shape, dtype) for shape, dtype in shapes]
    os.close(file)
    for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        assert not their.any()
        our[...] = number + 1
        assert (their == number + 1).all()
