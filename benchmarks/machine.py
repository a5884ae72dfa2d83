"""What the numbers of a report were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path

import psutil

from engines import cuda
from engines.errors import EngineError
from engines.processor import processor

_PACKAGES = ("numpy", "onnxruntime", "openvino", "torch", "opencv-python", "pyzmq", "sounddevice")
_REPOSITORY = Path(__file__).parent.parent


def facts() -> dict[str, str]:
    """By name: when, which code, processor, memory, GPU, system, and the packages that compute."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "measured": time.strftime("%Y-%m-%d %H:%M %Z"),
        "code": _commit(),
        "processor": f"{processor()}, {usable} cores",
        "load before": ", ".join(f"{value:.1f}" for value in os.getloadavg()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "GPU": _gpu(),
        "system": platform.platform(),
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version}" for name, version in _versions().items()),
    }


def _commit() -> str:
    asked = ["git", "-C", str(_REPOSITORY), "describe", "--always", "--dirty"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()


def _gpu() -> str:
    try:
        gpu = cuda.device()
    except EngineError:
        return "none that CUDA finds"
    return f"{gpu.name} ({gpu.capability})"


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
