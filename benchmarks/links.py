"""A way between two network namespaces that is slow, uneven, lossy, and can be cut.

Linux's own emulator (netem) is a module that many kernels lack; here every IP packet passes through
this process, from one TUN device to another, so it is the system's real TCP that has to cope. Needs
root and ``ip``.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import BenchmarkError

NEAR, FAR = "10.213.70.1", "10.213.70.2"
_TUN = Path("/dev/net/tun")
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_PACKET_BYTES = 2048
_QUEUED_PACKETS = 1000  # as netem's; what comes then is lost
_CUT, _MEND = b"c", b"m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Of either direction: delay, uniformly more or less of it, and the part that is lost."""

    delay_ms: float = 20.0
    jitter_ms: float = 5.0
    loss: float = 0.01


class Link:
    """Two devices: one here (``NEAR``), one in a namespace of its own (``FAR``).

    Packets keep their order, as on most ways they do. They pass through a process of its own, which
    goes before all others: a busy machine is no slow network.
    """

    def __init__(self, weather: Weather) -> None:
        check_rights()
        self.carried = self.lost = 0
        self.namespace = f"far-{os.getpid()}"
        names = (f"near{os.getpid()}", f"far{os.getpid()}")
        _ip("netns", "add", self.namespace)
        devices = [_tun(name) for name in names]
        _ip("addr", "add", f"{NEAR}/30", "dev", names[0])
        _ip("link", "set", names[0], "up")
        _ip("link", "set", names[1], "netns", self.namespace)
        for line in (
            ("addr", "add", f"{FAR}/30", "dev", names[1]),
            ("link", "set", names[1], "up"),
            ("link", "set", "lo", "up"),
        ):
            _ip("-n", self.namespace, *line)
        numbers = (weather.delay_ms, weather.jitter_ms, weather.loss, *devices)
        self._carrier = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.links", *map(str, numbers)],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=devices,
        )
        for device in devices:
            os.close(device)

    def there(self, line: Sequence[str]) -> list[str]:
        """The command that runs ``line`` in the far namespace."""
        return ["ip", "netns", "exec", self.namespace, *line]

    def cut(self) -> None:
        """Nothing gets through, and what is under way is lost."""
        self._say(_CUT)

    def mend(self) -> None:
        """As before."""
        self._say(_MEND)

    def _say(self, word: bytes) -> None:
        assert self._carrier.stdin is not None
        self._carrier.stdin.write(word)
        self._carrier.stdin.flush()

    def close(self) -> None:
        """Take the devices and the namespace away; packets are counted then."""
        said, _ = self._carrier.communicate(timeout=10)
        self.carried, self.lost = map(int, said.split())
        _ip("netns", "del", self.namespace)


def carry(weather: Weather, devices: Sequence[int], orders: int, seed: int = 1) -> tuple[int, int]:
    """Pass packets on, in the order of their times, until there are no more orders.

    Returns:
        How many packets came, and how many of them were lost.
    """
    chance = random.Random(seed)
    due: list[tuple[float, int, int, bytes]] = []  # when, number, to which device, packet
    last_s = dict.fromkeys(devices, 0.0)
    other = dict(zip(devices, reversed(devices), strict=True))
    carried = lost = 0
    is_cut = False
    while True:
        wait_s = max(due[0][0] - time.monotonic(), 0.0) if due else None
        for ready in select.select([*devices, orders], [], [], wait_s)[0]:
            if ready == orders:
                word = os.read(orders, 1)
                if not word:
                    return carried, lost
                is_cut = word == _CUT
                continue
            packet = os.read(ready, _PACKET_BYTES)
            carried += 1
            if chance.random() < weather.loss or is_cut or len(due) >= _QUEUED_PACKETS:
                lost += 1
                continue
            delay_ms = weather.delay_ms + chance.uniform(-1, 1) * weather.jitter_ms
            last_s[ready] = max(time.monotonic() + max(delay_ms, 0.0) / 1000, last_s[ready])
            heapq.heappush(due, (last_s[ready], carried, other[ready], packet))
        if is_cut:
            lost += len(due)
            due.clear()
        while due and due[0][0] <= time.monotonic():
            os.write(due[0][2], due[0][3])
            heapq.heappop(due)


def check_rights() -> None:
    """Raises BenchmarkError: this user or machine cannot have such a link."""
    if os.geteuid() != 0 or not _TUN.exists() or shutil.which("ip") is None:
        raise BenchmarkError(
            "network namespaces need root, /dev/net/tun and ip; run: "
            "sudo apt-get install iproute2, and this command with sudo"
        )


def _ip(*line: str) -> None:
    done = subprocess.run(["ip", *line], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"ip {' '.join(line)}: {done.stderr.strip()}")


def _tun(name: str) -> int:
    device = os.open(_TUN, os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


if __name__ == "__main__":
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    delay_ms, jitter_ms, loss = map(float, sys.argv[1:4])
    given = Weather(delay_ms=delay_ms, jitter_ms=jitter_ms, loss=loss)
    print(*carry(given, [int(text) for text in sys.argv[4:]], sys.stdin.fileno()))
