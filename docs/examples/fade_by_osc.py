"""Fade something out, or in again, in a running player: Open Sound Control in a dozen lines.

    python run_live.py --osc udp:9100                                # in one terminal
    python docs/examples/fade_by_osc.py 9100 /object/1/gain 1 0      # in another: out
    python docs/examples/fade_by_osc.py 9100 /residual/gain 0 1 0.5  # in, within half a second

docs/outputs.md has all the addresses; any program that speaks OSC can send them.
"""

import socket
import struct
import sys
import time

STEP_S = 0.02  # the player takes a fader's last place of every 20 ms


def padded(text: str) -> bytes:
    """OSC's texts end with a zero and are a multiple of four bytes long."""
    raw = text.encode("ascii") + b"\0"
    return raw + b"\0" * (-len(raw) % 4)


def message(address: str, value: float) -> bytes:
    """One packet with one number in it."""
    return padded(address) + padded(",f") + struct.pack(">f", value)


def main() -> None:
    """Move the fader from one place to the other."""
    port, address, first, last = int(sys.argv[1]), sys.argv[2], *map(float, sys.argv[3:5])
    duration_s = float(sys.argv[5]) if len(sys.argv) > 5 else 1.0
    steps = max(round(duration_s / STEP_S), 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as desk:
        for step in range(steps + 1):
            gain = first + (last - first) * step / steps
            desk.sendto(message(address, gain), ("127.0.0.1", port))
            time.sleep(STEP_S)


if __name__ == "__main__":
    main()
