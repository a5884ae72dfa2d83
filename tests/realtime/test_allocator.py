"""In a process of its own: the settings are for the whole of it."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SCRIPT = """\
import ctypes, sys
import numpy as np

from realtime.allocator import keep_pages, settle_heap

if sys.argv[1] != "as it is":
    assert settle_heap()
if sys.argv[1] == "kept":
    assert keep_pages()

class Info(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Info
large = np.empty(8 << 20, np.uint8)
del large
before = mallinfo().hblks
pictures = [np.empty(640 * 360 * 3, np.uint8) for _ in range(20)]
print(mallinfo().hblks - before)
"""


def mapped(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how], check=True, cwd=ROOT, capture_output=True, text=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settles the GNU C library's heap")
def test_pictures_are_mapped_on_their_own() -> None:
    assert mapped("as it is") == 0  # else the settings are not needed any more
    assert mapped("settled") == 20


FAULTS = """\
import resource, sys
import numpy as np
from realtime.allocator import keep_pages, settle_heap

assert settle_heap()
if sys.argv[1] == "kept":
    assert keep_pages()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    np.ones(640 * 360 * 3, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settles the GNU C library's heap")
def test_a_run_through_a_file_makes_room_for_its_pictures_once() -> None:
    assert mapped("kept") == 0
    pages = 640 * 360 * 3 // 4096
    assert faults("settled") > 90 * pages  # else the pages need not be kept
    assert faults("kept") < 10 * pages


def faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how], check=True, cwd=ROOT, capture_output=True, text=True
    )
    return int(done.stdout)
