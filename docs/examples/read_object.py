"""Take one object's sound from a running player, with nothing but a socket, and say how loud it is.

    python run_live.py --outputs tcp:9000                # in one terminal
    python docs/examples/read_object.py 9001             # in another: slot 1; 9009 is the rest

What comes is a WAV without an end: 44 bytes or more of header, then 32-bit floats.
"""

import socket
import struct
import sys
from typing import BinaryIO

import numpy as np

PIECE_S = 0.25


def header_of(stream: BinaryIO) -> tuple[int, int]:
    """Channels and samples per second; behind it the samples begin."""
    if stream.read(4) != b"RIFF":
        sys.exit("this is no output of the player")
    stream.read(8)  # its size, which nobody knows, and "WAVE"
    channels = rate_hz = 0
    while True:
        kind, size = struct.unpack("<4sI", stream.read(8))
        if kind == b"data":
            return channels, rate_hz
        piece = stream.read(size)
        if kind == b"fmt ":
            _, channels, rate_hz = struct.unpack("<HHI", piece[:8])


def main() -> None:
    """Print the level of every quarter of a second until the player ends."""
    port = int(sys.argv[1])
    with socket.create_connection(("127.0.0.1", port)) as player, player.makefile("rb") as stream:
        channels, rate_hz = header_of(stream)
        size = 4 * channels * round(PIECE_S * rate_hz)
        while len(piece := stream.read(size)) == size:
            samples = np.frombuffer(piece, "<f4").reshape(-1, channels)
            print(f"{20 * np.log10(np.std(samples) + 1e-6):.1f} dBFS", flush=True)


if __name__ == "__main__":
    main()
