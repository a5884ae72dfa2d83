"""A private sound server with two virtual cards, ``spk`` and ``mic``."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.live.parts import end_process, missing, needed_program

RATE_HZ = 48_000
START_TIMEOUT_S = 10.0
_PACKAGES = "pulseaudio pulseaudio-utils libasound2-plugins libportaudio2"


class PulseServer:
    """PulseAudio with null sinks at 48 kHz in stereo.

    A program started with ``environment`` hears on PortAudio's device ``pulse`` what the test
    plays into sink ``mic``, and what it plays there can be recorded from ``spk.monitor``. It must
    be a new process: PortAudio reads its list of devices once.
    """

    def __init__(self, sinks: Sequence[str] = ("spk", "mic")) -> None:
        pulseaudio = needed_program("pulseaudio", _PACKAGES)
        self._pactl = needed_program("pactl", _PACKAGES)
        self._pacat = needed_program("pacat", _PACKAGES)
        if not any(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
            missing(
                "ALSA's way to PulseAudio", f"install it with: sudo apt-get install {_PACKAGES}"
            )
        self._folder = tempfile.TemporaryDirectory(prefix="pulse-")  # for its owner only (0700)
        self._own = {"XDG_RUNTIME_DIR": self._folder.name, "HOME": self._folder.name}
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULSE_", "XDG_", "DBUS_"))
        }
        self._base = {**inherited, **self._own}
        self._pulseaudio = pulseaudio
        self._sinks = sinks
        (Path(self._folder.name) / ".config/pulse").mkdir(parents=True)
        # Nobody but the test starts a server.
        client = Path(self._folder.name) / ".config/pulse/client.conf"
        client.write_text("autospawn = no\n")
        self._modules = dict[str, str]()  # the numbers of sinks that were loaded later
        self._process = self._started()
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                self._pulseaudio,
                *("-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                # Before others, as a desktop's is, where it may.
                *("--realtime=yes", "--high-priority=yes", "--log-target=stderr"),
                *("-L", "module-native-protocol-unix auth-anonymous=1"),
                *[word for sink in self._sinks for word in ("-L", _null_sink(sink))],
            ],
            env=self._base,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # As well: where Linux shares the cores among sessions first (autogroup), it must not
            # share with what a test runs besides, browsers for one.
            start_new_session=True,
        )

    @property
    def address(self) -> str:
        """What ``PULSE_SERVER`` takes."""
        return f"unix:{self._folder.name}/pulse/native"

    @property
    def home(self) -> Path:
        """``HOME`` of a program that uses it."""
        return Path(self._folder.name)

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment for a program that is to use this server."""
        return {**self._base, "PULSE_SOURCE": "mic.monitor", "PULSE_SINK": "spk"}

    def _wait_until_ready(self) -> None:
        for _ in range(round(START_TIMEOUT_S / 0.03)):
            done = subprocess.run(
                [self._pactl, "info"], env=self._base, capture_output=True, timeout=10, check=False
            )
            if done.returncode == 0:
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.03)
        missing("a running PulseAudio", "see why: pulseaudio -n --daemonize=no")

    def play(self, samples: np.ndarray, sink: str = "mic") -> subprocess.Popen[bytes]:
        """Start to play float32 (n,) or (n, 2) at 48 kHz; ends by itself."""
        return self.play_file(self.written(samples), sink)

    def written(self, samples: np.ndarray) -> Path:
        """The same as a file to play later, which takes the machine nothing then."""
        stereo = np.repeat(samples[:, None], 2, axis=1) if samples.ndim == 1 else samples
        path = Path(self._folder.name) / f"{time.monotonic_ns()}.f32"
        path.write_bytes(np.ascontiguousarray(stereo, "<f4").tobytes())
        return path

    def play_file(self, path: Path, sink: str = "mic") -> subprocess.Popen[bytes]:
        """Start to play what was :meth:`written`; ends by itself."""
        return subprocess.Popen(
            [self._pacat, "--playback", f"--device={sink}", _CALM, *_RAW, str(path)],
            env=self._base,
            stdin=subprocess.DEVNULL,
        )

    def record(self, path: Path, source: str = "spk.monitor") -> subprocess.Popen[bytes]:
        """Start to write raw float32 stereo at 48 kHz to ``path``; :func:`end_process` ends it."""
        return subprocess.Popen(
            [self._pacat, "--record", f"--device={source}", _PROMPT, *_RAW, str(path)],
            env=self._base,
            stdin=subprocess.DEVNULL,
        )

    def freeze(self) -> None:
        """Stop answering, as a hung server does."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Be gone at once."""
        self._process.kill()
        self._process.wait(5)

    def restart(self) -> None:
        """Be there again, as new; after :meth:`kill`."""
        self._process = self._started()
        self._wait_until_ready()

    def load(
        self, sink: str, rate_hz: int = RATE_HZ, channels: int = 2, sample_format: str = "float32le"
    ) -> None:
        """Plug in another null sink; what it plays is on ``<sink>.monitor``."""
        line = f"{_null_sink(sink, rate_hz, channels)} format={sample_format}".split()
        self._modules[sink] = self._control("load-module", *line).strip()

    def unload(self, sink: str) -> None:
        """Pull a sink out."""
        number = self._modules.pop(sink, None)
        if number is None:
            number = next(
                line.split("\t")[0]
                for line in self._control("list", "short", "modules").splitlines()
                if f"sink_name={sink} " in line
            )
        self._control("unload-module", number)

    def _control(self, *words: str) -> str:
        done = subprocess.run(
            [self._pactl, *words],
            env=self._base,
            capture_output=True,
            timeout=10,
            check=True,
            text=True,
        )
        return done.stdout

    def close(self) -> None:
        """End the server and remove its folder."""
        if self._process.poll() is None:
            self.thaw()
        end_process(self._process)
        self._folder.cleanup()


def _null_sink(name: str, rate_hz: int = RATE_HZ, channels: int = 2) -> str:
    return f"module-null-sink norewinds=1 sink_name={name} rate={rate_hz} channels={channels}"


_RAW = ("--raw", "--format=float32le", f"--rate={RATE_HZ}", "--channels=2")
_PROMPT = "--latency-msec=20"
# What the test plays must not stutter when the machine is busy; when it sounds is found by ear.
_CALM = "--latency-msec=500"


def read_raw(path: Path) -> np.ndarray:
    """What :meth:`PulseServer.record` wrote: float32 (n, 2)."""
    data = np.fromfile(path, "<f4")
    return data[: data.size // 2 * 2].reshape(-1, 2)
