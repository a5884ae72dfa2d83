"""Real programs take the objects' sound: FFmpeg, GStreamer, a sound server; also the command's."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.options import OUTPUTS
from tests.live.parts import end_process, missing, needed_program
from tests.live.pulse import PulseServer, read_raw
from tests.realtime.sinks.examples import end, streams
from tests.realtime.sinks.outputs.rig import SLOTS, Rig, free_ports

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60
RATE_HZ = 8000  # of the examples
COMING_S = 20.0


def ffmpeg(*words: str) -> list[str]:
    program = needed_program("ffmpeg", "ffmpeg")
    return [program, "-hide_banner", "-loglevel", "error", "-y", *words]


def gstreamer(line: str) -> list[str]:
    program = needed_program("gst-launch-1.0", "gstreamer1.0-tools")
    plugins = "gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    inspect = needed_program("gst-inspect-1.0", "gstreamer1.0-tools")
    for part in ("wavparse", "tcpclientsrc"):
        if subprocess.run([inspect, "--exists", part], check=False).returncode:
            missing(f"GStreamer's {part}", f"install it with: sudo apt-get install {plugins}")
    return [program, "--quiet", *line.split()]


def playing(rig: Rig, commands: Sequence[list[str]], rows: np.ndarray) -> None:
    """Let programs come, give them all of ``rows`` in pieces of random sizes, and let them end."""
    programs = [subprocess.Popen(line, stderr=subprocess.PIPE) for line in commands]
    try:
        random, until = np.random.default_rng(2), time.monotonic() + COMING_S
        rig.step(streams(np.zeros((3, 1)), 0))
        while rig.stage.stats()["listeners"] < len(programs):
            assert time.monotonic() < until, [program.poll() for program in programs]
            rig.step()
            time.sleep(0.01)
        first = 0
        while first < rows.shape[1]:
            size = int(random.integers(1, 1500))
            rig.step(streams(rows[:, first : first + size], first + 1))
            time.sleep(0.002)
            first += size
        rig.step(end("streams"))
        while not rig.stage.finished:
            rig.step()
            time.sleep(0.01)
        rig.stage.close()
        for program in programs:
            _, said = program.communicate(timeout=TIMEOUT_S)
            assert program.returncode == 0, said
        assert rig.stage.stats()["lost_samples"] == 0
    finally:
        for program in programs:
            end_process(program)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


@pytest.fixture
def rows() -> np.ndarray:
    noise = np.random.default_rng(7).uniform(-0.5, 0.5, (3, 4 * RATE_HZ))
    return noise.astype(np.float32)


def expected(rows: np.ndarray) -> np.ndarray:
    return np.stack([rows[0], rows[1], np.zeros_like(rows[0]), rows[2]])


def test_ffmpeg_hears_every_sample_of_every_port(
    rig: Rig, rows: np.ndarray, tmp_path: Path
) -> None:
    files = [tmp_path / f"{place}.wav" for place in range(SLOTS + 2)]
    exact = ("-c:a", "pcm_f32le")
    commands = [
        ffmpeg("-i", f"tcp://127.0.0.1:{rig.port + place}", *exact, str(file))
        for place, file in enumerate(files)
    ]
    playing(rig, commands, rows)
    whole, *each = [soundfile.read(file, dtype="float32", always_2d=True)[0].T for file in files]
    np.testing.assert_array_equal(whole, expected(rows))
    np.testing.assert_allclose(whole.sum(axis=0), rows.sum(axis=0), atol=1e-6)
    for channel, slot in zip(whole, each, strict=True):
        np.testing.assert_array_equal(slot[0], channel)


def test_gstreamer_hears_every_sample(rig: Rig, rows: np.ndarray, tmp_path: Path) -> None:
    one, all_of_them = tmp_path / "one.raw", tmp_path / "all.raw"
    tcp = "tcpclientsrc host=127.0.0.1 port={} ! wavparse ! filesink location={}"
    commands = [
        gstreamer(tcp.format(rig.port + 2, one)),
        gstreamer(tcp.format(rig.port, all_of_them)),
    ]
    playing(rig, commands, rows)
    np.testing.assert_array_equal(np.fromfile(one, "<f4"), rows[1])
    whole = np.fromfile(all_of_them, "<f4").reshape(-1, SLOTS + 1).T
    np.testing.assert_array_equal(whole, expected(rows))


def test_a_virtual_device_carries_one_object(
    rig: Rig, pulse: PulseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of docs/outputs.md to programs that know devices alone."""
    monkeypatch.setenv("PULSE_SERVER", pulse.address)
    pulse.load("pixelplayer-1")
    heard = tmp_path / "heard.raw"
    recorder = pulse.record(heard, "pixelplayer-1.monitor")
    seconds = np.arange(3 * RATE_HZ) / RATE_HZ
    tones = [0.5 * np.sin(2 * np.pi * hz * seconds) for hz in (440, 1000, 2000)]
    address = f"tcp://127.0.0.1:{rig.port + 1}"
    player = ffmpeg("-i", address, "-f", "pulse", "-device", "pixelplayer-1", "object 1")
    try:
        playing(rig, [player], np.asarray(tones, np.float32))
        time.sleep(1.0)
    finally:
        end_process(recorder)
    left = read_raw(heard)[:, 0]
    spectrum = np.abs(np.fft.rfft(left))
    hz = np.fft.rfftfreq(left.size, 1 / 48_000)
    assert abs(hz[spectrum.argmax()] - 440) < 2
    others = spectrum[(hz > 900) & (hz < 2100)].max()
    assert others < spectrum.max() / 1000


@contextmanager
def player(model: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The real command, live."""
    line = [sys.executable, str(ROOT / "run_live.py"), "--demo", "--speaker", "none"]
    line += ["--view", "none", "--model", str(model), "--engine", "onnxruntime", *more]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, cwd=ROOT)
    try:
        yield process
    finally:
        end_process(process)


def test_from_the_command_all_outputs_sum_to_what_went_in(model: Path, tmp_path: Path) -> None:
    session, taken = tmp_path / "session", tmp_path / "taken.wav"
    port = free_ports(OUTPUTS + 1)
    more = ("--outputs", f"tcp:{port}", "--record", str(session), "--duration", "5")
    retry = ("sh", "-c", 'until "$@" 2>/dev/null; do sleep 0.05; done', "sh")
    take = ffmpeg("-i", f"tcp://127.0.0.1:{port}", "-c:a", "pcm_f32le", str(taken))
    with player(model, *more) as process, subprocess.Popen([*retry, *take]) as taking:
        _, said = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, said
        taking.wait(TIMEOUT_S)
    whole, rate_hz = soundfile.read(taken, dtype="float32", always_2d=True)
    mixture, recorded_hz = soundfile.read(session / "mixture.wav", dtype="float32")
    assert (rate_hz, whole.shape[1]) == (recorded_hz, OUTPUTS)
    mix = whole.sum(axis=1)
    assert mix.size > 3 * rate_hz
    first = where(mix, mixture)  # 0, unless the program came late
    heard = min(mix.size, mixture.size - first)  # the streams end with a whole step
    np.testing.assert_allclose(mix[:heard], mixture[first : first + heard], atol=1e-6)


def test_outputs_that_fail_are_there_again(model: Path) -> None:
    port = free_ports(OUTPUTS + 1)
    more = ("--outputs", f"tcp:{port}", "--chaos", "raise outputs 3", "--duration", "30")
    with player(model, *more) as process:
        with connected(port, process) as client, suppress(ConnectionResetError):
            assert client.recv(4) == b"RIFF"
            while client.recv(1 << 16):
                pass  # until they fail
        with connected(port, process) as client:
            assert client.recv(4) == b"RIFF"


def connected(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    """A connection, as soon as there is somebody to connect to."""
    until = time.monotonic() + COMING_S
    while time.monotonic() < until:
        assert process.poll() is None
        with suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), COMING_S)
        time.sleep(0.05)
    raise AssertionError("nobody listens")


def test_another_program_turns_the_gain_in_the_separator(model: Path) -> None:
    try:
        from pythonosc.osc_packet import OscPacket
        from pythonosc.udp_client import SimpleUDPClient
    except ImportError:
        missing("python-osc", "run: pip install python-osc")
    port = free_ports(1)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear,
        SimpleUDPClient("127.0.0.1", port) as desk,
        player(model, "--osc", f"udp:{port}", "--duration", "40") as process,
    ):
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(0.2)

        def ask_until(address: str, value: float, wanted: tuple[str, float]) -> None:
            until = time.monotonic() + COMING_S
            while time.monotonic() < until:
                assert process.poll() is None
                # Until the desk is open nobody hears this.
                with suppress(ConnectionRefusedError):
                    desk.send_message("/subscribe", ear.getsockname()[1])
                    desk.send_message(address, value)
                with suppress(TimeoutError):
                    told = OscPacket(ear.recv(1 << 16)).messages
                    if any((one.message.address, *one.message.params) == wanted for one in told):
                        return
            raise AssertionError(f"never told {wanted}")

        ask_until("/residual/gain", 0.5, ("/residual/heard", 0.5))
        ask_until("/residual/mute", 1, ("/residual/heard", 0.0))
        ask_until("/residual/mute", 0, ("/residual/heard", 0.5))
        ask_until("/residual/solo", 1, ("/residual/solo", 1))
        ask_until("/unsolo", 1, ("/residual/solo", 0))


def where(part: np.ndarray, whole: np.ndarray) -> int:
    """At which sample of ``whole`` the ``part`` begins."""
    length = part.size + whole.size
    both = np.fft.rfft(whole, length) * np.conj(np.fft.rfft(part, length))
    return int(np.fft.irfft(both, length)[: whole.size].argmax())
