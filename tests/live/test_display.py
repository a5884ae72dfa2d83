"""The virtual screen itself: a program can open a window on it."""

from __future__ import annotations

import subprocess
import sys

from tests.live.display import Display

SHOW = """
import cv2, numpy
cv2.imshow("window", numpy.zeros((40, 60, 3), numpy.uint8))
cv2.waitKey(1)
print("shown")
"""


def test_a_window_opens(display: Display) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env=display.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "shown\n", done.stderr
