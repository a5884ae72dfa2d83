"""A program of its own: writes what a display shows to its standard output.

Usage: watch_screen.py DISPLAY; raw BGR pictures of WIDTH x HEIGHT, RATE_HZ a second, until killed.
"""

from __future__ import annotations

import sys

import av

WIDTH, HEIGHT, RATE_HZ = 320, 200, 30


def main(display: str) -> None:
    with av.open(display, format="x11grab", options={"framerate": str(RATE_HZ)}) as screen:
        for frame in screen.decode(video=0):
            small = frame.reformat(WIDTH, HEIGHT, "bgr24", interpolation="FAST_BILINEAR")
            sys.stdout.buffer.write(small.to_ndarray().tobytes())
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
