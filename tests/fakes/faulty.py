"""A stage in which something goes wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from realtime.clock import Clock
from realtime.errors import DeviceError, UsageError
from realtime.stage import Inputs, Outputs, Resumable, Stage, State
from tests.fakes.script import Script


class Faulty:
    """Another stage, with a fault: at ``open``, or at the tenth step that has inputs.

    One that heals has it at the fortieth: by then it has told what it has seen.
    """

    def __init__(self, stage: Stage, script: Script, clock: Clock) -> None:
        self._stage = stage
        self._script = script
        self._clock = clock
        self._steps = 0
        self._last = 40 if script.heals else 10

    def open(self) -> None:
        kind = self._script.fault_kind
        if kind == "open_device":
            raise DeviceError("no such device; run with --list-devices")
        if kind == "open_usage":
            raise UsageError("no such thing; run with --help")
        if kind == "open_slow":
            self._clock.sleep_s(60)
        self._stage.open()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        self._steps += bool(inputs)
        fell = Path(self._script.results, "fell")
        if self._steps >= self._last and not (self._script.heals and fell.exists()):
            fell.touch()
            self._fall()
        return self._stage.step(now_ns, inputs)

    def state(self) -> State:
        return self._stage.state() if isinstance(self._stage, Resumable) else {}

    def resume(self, state: State) -> None:
        if isinstance(self._stage, Resumable):
            self._stage.resume(state)

    def _fall(self) -> None:
        if self._script.fault_kind == "raise":
            raise ValueError("something broke")
        if self._script.fault_kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._script.fault_kind == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        if self._script.fault_kind == "hang":
            self._clock.sleep_s(60)

    @property
    def finished(self) -> bool:
        return self._stage.finished

    def close(self) -> None:
        self._stage.close()

    def stats(self) -> Mapping[str, float]:
        return self._stage.stats()
