"""The real command, killed or with its disk full in the middle of a recording."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import psutil
import pytest
import soundfile

from tests.fakes.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
RATE_HZ = 44_100  # the demo's
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder)
    return folder


def command(model: Path, record: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, str(ROOT / "run_live.py"), "--demo", "--speaker", "none"),
        *("--model", str(model), "--engine", "onnxruntime", "--record", str(record), *more),
    ]


@contextmanager
def running(line: list[str], said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command, with what it says in a file; over when the block is."""
    with said.open("wb") as file, tempfile.TemporaryDirectory(prefix="sockets-") as sockets:
        environment = os.environ | {"TMPDIR": sockets}
        process = subprocess.Popen(line, stdout=file, stderr=file, env=environment, cwd=ROOT)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(TIMEOUT_S)


def wait_for(what: Callable[[], bool], process: subprocess.Popen[bytes], said: Path) -> None:
    until = time.monotonic() + TIMEOUT_S
    while not what():
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < until, said.read_text()
        time.sleep(0.02)


def seconds_of(path: Path) -> float:
    return path.stat().st_size / (4 * RATE_HZ) if path.exists() else 0.0


def last_picture_s(path: Path) -> float:
    with av.open(str(path)) as movie:
        return [picture.time for picture in movie.decode(video=0)][-1]


@pytest.mark.parametrize("placement", ["threads", "processes"])
def test_killed_in_the_middle_all_but_the_last_second_is_there(
    model: Path, tmp_path: Path, placement: str
) -> None:
    record, said = tmp_path / "take", tmp_path / "said.txt"
    line = command(model, record, "--view", "none", "--place", placement)
    with running(line, said) as process:
        wait_for(lambda: seconds_of(record / "residual.wav") > 6.0, process, said)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait(TIMEOUT_S)
        _, left = psutil.wait_procs(children, TIMEOUT_S)
        assert not left
    there_s = seconds_of(record / "mixture.wav")
    sounds = {path.stem: soundfile.info(path) for path in record.glob("*.wav")}
    assert {"mixture", "residual"} <= sounds.keys()
    lengths = {info.frames / RATE_HZ for info in sounds.values()}
    # Everything up to the last flush, which comes every second, with a step of sound on top.
    assert min(lengths) > there_s - 1.5
    assert json.loads((record / "session.json").read_text())["duration_s"] > there_s - 1.5
    # A picture waits for its scene, which may be seconds late where others have the cores; how
    # little is lost of what had its scene is told by the recorder's own test.
    assert last_picture_s(record / "overlay.mp4") > 1.0


def test_a_full_disk_ends_the_recording_and_not_the_sound(model: Path, tmp_path: Path) -> None:
    record, said = tmp_path / "take", tmp_path / "said.txt"
    most_bytes = 4 * 2 * RATE_HZ  # two seconds of one file
    script = (
        "import os, resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes}, {most_bytes}))\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    line = command(model, record, "--view", "none", "--place", "threads", "--duration", "5")
    with running([sys.executable, "-c", script, *line], said) as process:
        assert process.wait(TIMEOUT_S) == 3, said.read_text()
    lines = said.read_text().splitlines()
    errors = [text for text in lines if text.startswith("error: ")]
    assert len(errors) == 1, lines
    assert "File too large; the recording ends here: its first 2.0 s are kept" in errors[0]
    (ran,) = [text for text in lines if text.startswith("ran ")]
    assert float(ran.split()[1]) > 4.9
    frames = {soundfile.info(path).frames for path in record.glob("*.wav")}
    assert len(frames) == 1
    assert frames.pop() > 1.9 * RATE_HZ
    assert last_picture_s(record / "overlay.mp4") > 0.0
    assert not list(record.glob("*.part"))


def test_without_a_listener_a_full_disk_ends_the_run(model: Path, tmp_path: Path) -> None:
    record, said = tmp_path / "take", tmp_path / "said.txt"
    line = command(model, record, "--view", "none", "--pace", "fast", "--duration", "600")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * RATE_HZ, 4 * RATE_HZ))

    with said.open("wb") as file:
        done = subprocess.run(
            line,
            stdout=file,
            stderr=file,
            cwd=ROOT,
            preexec_fn=limit,
            timeout=TIMEOUT_S,
            check=False,
        )
    assert done.returncode == 3, said.read_text()
    assert said.read_text().count("error: ") == 1


def test_a_recording_that_exists_is_not_touched(model: Path, tmp_path: Path) -> None:
    record = tmp_path / "take"
    record.mkdir()
    (record / "mixture.wav").write_bytes(b"precious")
    done = subprocess.run(
        command(model, record, "--view", "none", "--pace", "fast", "--duration", "1"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert f"--record: {record} is not empty; choose a new folder, or empty it" in done.stderr
    assert [path.name for path in record.iterdir()] == ["mixture.wav"]
    assert (record / "mixture.wav").read_bytes() == b"precious"


def test_what_was_killed_goes_on_in_another_part(model: Path, tmp_path: Path) -> None:
    record, said = tmp_path / "evening", tmp_path / "said.txt"
    part_s = 6.0
    line = command(model, record, "--view", "none", "--part-min", f"{part_s / 60:g}")
    with running(line, said) as process:
        second = record / "part-002" / "residual.wav"
        wait_for(lambda: seconds_of(second) > 1.5, process, said)
        process.send_signal(signal.SIGKILL)
        process.wait(TIMEOUT_S)
    before = {path.name: path.read_bytes() for path in (record / "part-001").iterdir()}
    lengths = {soundfile.info(path).frames for path in (record / "part-001").glob("*.wav")}
    assert lengths == {round(part_s * RATE_HZ)}
    assert last_picture_s(record / "part-001" / "overlay.mp4") == pytest.approx(part_s, abs=0.5)
    with running([*line, "--duration", "2"], said) as process:
        assert process.wait(TIMEOUT_S) == 0, said.read_text()
    assert {path.name for path in record.iterdir()} == {"part-001", "part-002", "part-003"}
    assert soundfile.info(record / "part-003" / "mixture.wav").frames == pytest.approx(
        2 * RATE_HZ, abs=RATE_HZ // 10
    )
    assert {path.name: path.read_bytes() for path in (record / "part-001").iterdir()} == before
