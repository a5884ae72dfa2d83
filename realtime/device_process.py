"""The process of one audio device, as its stage sees it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from realtime.clock import NS_PER_S, Clock
from realtime.device_orders import Answer, Find, List, Open, to_line
from realtime.errors import DeviceError
from realtime.plain import PlainError, from_line
from realtime.portaudio import AudioDevice, Direction
from realtime.processes import child_environment
from realtime.shared import SharedArrays, shared_file

ANSWER_TIMEOUT_S = 4.0  # a frozen sound server never answers
_LEAVE_S = 1.0  # a process that is killed is gone at once, unless a driver holds it


class DeviceProcess:
    """Runs ``python -m realtime.device_host``: finds a device, opens it, and is killed."""

    def __init__(self, direction: Direction, clock: Clock) -> None:
        self._direction = direction
        self._clock = clock
        self._lock = threading.RLock()  # of the pipes and the file
        self._file = shared_file()
        self._said = b""
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "realtime.device_host", str(self._file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # drivers' own remarks; errors come as answers
            bufsize=0,
            pass_fds=(self._file,),
            env=child_environment(),
        )

    def find(self, wanted: str | None, known: AudioDevice | None) -> AudioDevice:
        """The device ``known``, by its name; None: the one that is ``wanted``.

        Raises:
            DeviceError: there is none, PortAudio is missing, or the sound server does not answer.
        """
        name = wanted if known is None else known.name
        found = self._ask(Find(direction=self._direction, wanted=wanted, known=known), name)
        assert found.device is not None
        return found.device

    def list(self) -> Sequence[AudioDevice]:
        """All that there are now, microphones and speakers.

        Raises:
            DeviceError: PortAudio is missing, or the sound server does not answer.
        """
        with self._lock:
            return self._answer(List(), "the list of devices").devices

    def open(self, order: Open, name: str) -> Answer:
        """Start the device that was found.

        Raises:
            DeviceError: it cannot be opened, or the sound server does not answer.
        """
        return self._ask(order, name)

    def _ask(self, order: Find | Open, name: str | None) -> Answer:
        what = "the default device" if name is None else f"'{name}'"
        with self._lock:
            return self._answer(order, what)

    def _answer(self, order: Find | List | Open, what: str) -> Answer:
        assert self._popen.stdin is not None
        if self._file < 0:
            raise DeviceError(f"{what} is looked for no more")
        with suppress(BrokenPipeError):
            self._popen.stdin.write(to_line(order).encode())
        line = self._line()
        if line is None:
            self.kill()
            raise DeviceError(
                f"{what} does not answer; restart the sound server or choose another: "
                "python run_live.py --list-devices"
            )
        try:
            answer = from_line(Answer, line)
        except PlainError:
            self.kill()
            raise DeviceError(
                f"the process of {what} ended; run with --doctor to check the parts"
            ) from None
        if answer.text:
            raise DeviceError(answer.text)
        return answer

    def _line(self) -> str | None:
        """The next line; None when it takes too long, "" when the process has left."""
        assert self._popen.stdout is not None
        until_ns = self._clock.now_ns() + round(ANSWER_TIMEOUT_S * NS_PER_S)
        while b"\n" not in self._said:
            left_s = (until_ns - self._clock.now_ns()) / NS_PER_S
            if left_s <= 0 or not select.select([self._popen.stdout], [], [], left_s)[0]:
                return None
            part = os.read(self._popen.stdout.fileno(), 4096)
            if not part:
                return ""
            self._said += part
        line, _, self._said = self._said.partition(b"\n")
        return line.decode("utf-8", "replace")

    def memory(self) -> SharedArrays:
        """What the device's callback writes and reads."""
        return SharedArrays(self._file)

    @property
    def is_running(self) -> bool:
        """False once the device, or the process, has gone."""
        return self._popen.poll() is None

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._popen.pid

    def kill(self) -> None:
        """End it at once, whatever it hangs in; also while another thread waits for its answer."""
        self._popen.kill()
        with self._lock:
            if self._file < 0:
                return
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(_LEAVE_S)
            for pipe in (self._popen.stdin, self._popen.stdout):
                if pipe is not None:
                    pipe.close()
            os.close(self._file)
            self._file = -1


class DeviceLink:
    """Finds one device and opens it, again and again, by the name that it had at first.

    A process that found nothing is asked again; one that does not answer is killed.
    """

    def __init__(self, direction: Direction, wanted: str | None, clock: Clock) -> None:
        self._direction = direction
        self._wanted = wanted
        self._clock = clock
        self._known: AudioDevice | None = None
        self._process: DeviceProcess | None = None
        self._has_found = False
        self._is_over = False

    def find(self) -> AudioDevice:
        """The device as it is listed now.

        Raises:
            DeviceError: it is not there; the message lists what was found.
        """
        if self._process is not None and not self._process.is_running:
            self._process.kill()
            self._process = None
        if self._process is None:
            self._process = DeviceProcess(self._direction, self._clock)
        if self._is_over:  # closed while the process was made
            self._process.kill()
        self._known = self._process.find(self._wanted, self._known)
        self._has_found = True
        return self._known

    def open(self, order: Open) -> tuple[DeviceProcess, Answer]:
        """Find it if need be, and start it: the process is the caller's from now on.

        Raises:
            DeviceError: it is not there, or cannot be opened.
        """
        if not self._has_found:
            self.find()
        assert self._process is not None
        assert self._known is not None
        self._has_found = False
        answer = self._process.open(order, self._known.name)
        process, self._process = self._process, None
        return process, answer

    def close(self) -> None:
        """Look no more."""
        self._is_over = True
        process = self._process
        if process is not None:
            process.kill()
