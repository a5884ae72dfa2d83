"""Keep the C library's heap from growing slowly in a process that streams for hours.

Pictures and windows are large, of a few sizes, and live as long as their way through the stages.
By default the GNU C library answers the first large ones by taking all later ones from its heaps,
one heap per thread, where what is freed between two small pieces cannot be given back: 2 MB a
minute, measured. Asked to, it maps large pieces on their own and gives them back as they end.

New pages are cleared, and so a picture of 640 x 360 costs 0.35 ms each time that room is made for
it: more than most of what is done with it. A run through a file ends with the file, and is to be
over soon: there the heap keeps its pages.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Mapping

# Names and numbers of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 256 * 1024  # a mapping costs some microseconds; smaller pieces come too often
_KEPT_BYTES = 1024 * 1024
_HEAPS = 2
_LARGEST_BYTES = 32 * 1024 * 1024  # the most that the library allows
_MOST_KEPT_BYTES = 128 * 1024 * 1024


def settle_heap() -> bool:
    """Call early in a process; False where the C library is another and nothing was changed."""
    return _set({_ARENA_MAX: _HEAPS, _MMAP_THRESHOLD: _LARGE_BYTES, _TRIM_THRESHOLD: _KEPT_BYTES})


def keep_pages() -> bool:
    """Call where a process begins to work through a file; False as for ``settle_heap``."""
    return _set({_MMAP_THRESHOLD: _LARGEST_BYTES, _TRIM_THRESHOLD: _MOST_KEPT_BYTES})


def _set(settings: Mapping[int, int]) -> bool:
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(bool(mallopt(name, value)) for name, value in settings.items())
