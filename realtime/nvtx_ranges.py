"""Ranges that NVIDIA's profilers show beside a GPU's kernels, where the package ``nvtx`` is there.

Nothing needs it: without the package a trace is the same. Only a profiled run asks for it.
"""

from __future__ import annotations

import importlib
import importlib.util

from engines.watching import During, unwatched

DOMAIN = "pixelplayer"  # what the profiler calls whose ranges these are


def nvtx_ranges() -> During:
    """A range around each part, by its name, in ``DOMAIN``; no-ops without the package."""
    if importlib.util.find_spec("nvtx") is None:
        return unwatched
    annotate = importlib.import_module("nvtx").annotate
    return lambda part: annotate(part, domain=DOMAIN)
