"""Real parts that live tests need and a machine may lack."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NoReturn

import pytest


def missing(what: str, remedy: str) -> NoReturn:
    """Skip the test with the reason; under CI, where everything is installed, fail it."""
    reason = f"{what} is missing; {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def needed_program(name: str, package: str) -> str:
    """The path of a program, or the end of the test."""
    path = shutil.which(name)
    if path is None:
        missing(name, f"install it with: sudo apt-get install {package}")
    return path


def end_process(process: subprocess.Popen[bytes], timeout_s: float = 5.0) -> None:
    """Ask a process of ours to end, then make it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout_s)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
