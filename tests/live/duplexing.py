"""A program that gives a microphone's sound to a speaker, and the hand that uses it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.live.parts import end_process
from tests.live.sound_devices import MICROPHONE, SPEAKER, SoundDevices

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


class Duplex:
    """The program ``tests.live.duplex`` on these devices, and what it told last."""

    def __init__(self, devices: SoundDevices) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.duplex", MICROPHONE, SPEAKER],
            env=devices.environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told: dict[str, Any] = {}
        self.said = ""
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told = json.loads(line)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def wait(self, is_so: Callable[[dict[str, Any]], bool]) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while not (self.told and is_so(self.told)):
            if time.monotonic() > give_up or self.process.poll() is not None:
                pytest.fail(f"told {self.told}; said {self.said}")
            time.sleep(0.02)

    def host_of(self, device: str) -> int:
        """The process that holds the microphone's stream, or the speaker's, in order of age."""
        place = ("speaker", "microphone").index(device)
        children = psutil.Process(self.process.pid).children()
        return int(sorted(children, key=lambda child: child.create_time())[place].pid)

    def ask(self, part: str, name: str) -> None:
        """For another device."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{part} {name}\n")
        self.process.stdin.flush()

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(30) == 0, self.said
        for thread in self._threads:
            thread.join(5)

    def close(self) -> None:
        end_process(self.process)
