"""A screen without hardware."""

from __future__ import annotations

import os
import select
import subprocess

from tests.live.parts import end_process, missing, needed_program

START_TIMEOUT_S = 20.0


class Display:
    """Xvfb on a free display number; ``environment`` is for programs that are to show there."""

    def __init__(self, width: int = 1280, height: int = 800) -> None:
        self.size = (width, height)
        xvfb = needed_program("Xvfb", "xvfb")
        reader, writer = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(xvfb, "-displayfd", str(writer), "-nolisten", "tcp"),
                    *("-screen", "0", f"{width}x{height}x24"),
                ],
                pass_fds=(writer,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            os.close(writer)
            number = _line(reader)
        finally:
            os.close(reader)
        if not number:
            self.close()
            missing("a running Xvfb", "see why: Xvfb -displayfd 1")
        self.name = f":{number}"

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment for a program that is to show here."""
        return {**os.environ, "DISPLAY": self.name}

    def close(self) -> None:
        """Switch the screen off."""
        end_process(self._process)


def _line(reader: int) -> str:
    """A whole line from a pipe (its writer must not find it closed half-way), or nothing."""
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([reader], [], [], START_TIMEOUT_S)
        part = os.read(reader, 16) if ready else b""
        if not part:
            return ""
        line += part
    return line.decode().strip()
