"""Keep the C library's heap from growing slowly in a process that streams for hours.

Pictures and windows are large, of a few sizes, and live as long as their way through the stages.
By default the GNU C library answers the first large ones by taking all later ones from its heaps,
one heap per thread, where what is freed between two small pieces cannot be given back: 2 MB a
minute, measured. Asked to, it maps large pieces on their own and gives them back as they end.
"""

from __future__ import annotations

import ctypes
import platform

# Names and numbers of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 256 * 1024  # a mapping costs some microseconds; smaller pieces come too often
_KEPT_BYTES = 1024 * 1024
_HEAPS = 2


def settle_heap() -> bool:
    """Call early in a process; False where the C library is another and nothing was changed."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = {
        _ARENA_MAX: _HEAPS,
        _MMAP_THRESHOLD: _LARGE_BYTES,
        _TRIM_THRESHOLD: _KEPT_BYTES,
    }
    return all(bool(mallopt(name, value)) for name, value in settings.items())
