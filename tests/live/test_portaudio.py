"""Streams of a sound server that dies or freezes; each test's program is a new process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.pulse import PulseServer

ROOT = Path(__file__).parents[2]

LOSE = """
from realtime.clock import SystemClock
from realtime.sinks.speaker_stream import SpeakerStream
from realtime.sources.microphone_stream import MicrophoneStream
clock = SystemClock()
streams = [MicrophoneStream("pulse", clock), SpeakerStream("pulse", rate_hz=48_000)]
print("ready", flush=True)
while any(stream.active for stream in streams):
    clock.sleep_s(0.01)
print([stream.close() for stream in streams], flush=True)
"""

FREEZE = """
import sys
from realtime import portaudio
from realtime.clock import SystemClock
from realtime.sinks.speaker_stream import SpeakerStream
from realtime.sources.microphone_stream import MicrophoneStream
portaudio.ANSWER_TIMEOUT_S = 0.5
streams = [MicrophoneStream("pulse", SystemClock()), SpeakerStream("pulse", rate_hz=48_000)]
print("ready", flush=True)
sys.stdin.readline()
print(any([stream.close() for stream in streams]), flush=True)
"""


def started(code: str, pulse: PulseServer) -> subprocess.Popen[str]:
    program = subprocess.Popen(
        [sys.executable, "-c", code],
        env=pulse.environment,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    return program


def test_a_killed_server_is_noticed(pulse: PulseServer) -> None:
    with started(LOSE, pulse) as program:
        pulse.kill()
        out, errors = program.communicate(timeout=30)
    assert out == "[True, True]\n", errors
    assert program.returncode == 0


def test_a_frozen_server_holds_neither_close_nor_the_exit_up(pulse: PulseServer) -> None:
    with started(FREEZE, pulse) as program:
        pulse.freeze()
        try:
            out, errors = program.communicate("\n", timeout=30)
        except subprocess.TimeoutExpired:
            program.kill()
            pytest.fail("the program hangs")
    assert program.returncode == 0, errors
    assert out in ("True\n", "False\n")
