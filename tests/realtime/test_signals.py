"""A run as a command: what signals do, and what is left behind."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.fakes.script import Script

PLACEMENTS = ("threads", "processes")
WAIT_S = 20.0


@contextmanager
def started(
    script: Script, placement: str, sockets: Path
) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A running command and its children; whatever happens, none of them outlives the test."""
    sockets.mkdir()
    text = json.dumps(dataclasses.asdict(script))
    command = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.stages", placement, "realtime", text],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(sockets)},
    )
    children: list[psutil.Process] = []
    try:
        until((Path(script.results) / "going").exists)
        children = psutil.Process(command.pid).children(recursive=True)
        assert len(children) == (3 if placement == "processes" else 0)
        yield command, children
    finally:
        command.kill()
        for child in children:
            if child.is_running():
                child.kill()
        command.communicate()


def until(is_so: object) -> None:
    end_s = time.monotonic() + WAIT_S
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < end_s, "waited too long"
        time.sleep(0.02)


def gone(children: list[psutil.Process]) -> bool:
    return not any(
        child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children
    )


@pytest.fixture
def sockets(tmp_path: Path) -> Iterator[Path]:
    # a socket's name may have about a hundred characters
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pp-") as name:
        yield Path(name) / "s"


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_run_in_order(
    tmp_path: Path, sockets: Path, placement: str, number: signal.Signals
) -> None:
    script = Script(results=str(tmp_path), chunks=None)
    with started(script, placement, sockets) as (command, children):
        command.send_signal(number)
        _, text = command.communicate(timeout=WAIT_S)
        assert command.returncode == 130
        assert "object 1" in text
        assert "Traceback" not in text
        assert gone(children)
        assert list(sockets.iterdir()) == []
    found = json.loads((tmp_path / "counts.json").read_text(encoding="utf-8"))
    assert found["streams End"] == 1


def test_ctrl_c_reaches_no_child(tmp_path: Path, sockets: Path) -> None:
    script = Script(results=str(tmp_path), chunks=None)
    with started(script, "processes", sockets) as (command, children):
        assert all(os.getpgid(child.pid) != os.getpgid(command.pid) for child in children)
        for child in children:
            child.send_signal(signal.SIGINT)
        command.send_signal(signal.SIGINT)
        _, text = command.communicate(timeout=WAIT_S)
        assert command.returncode == 130
        assert "died" not in text


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_kill_9_leaves_no_child_and_no_socket(
    tmp_path: Path, sockets: Path, placement: str
) -> None:
    script = Script(results=str(tmp_path), chunks=None)
    with started(script, placement, sockets) as (command, children):
        assert bool(list(sockets.rglob("separator.sight"))) == (placement == "processes")
        command.kill()
        command.communicate(timeout=WAIT_S)
        until(lambda: gone(children))
        until(lambda: list(sockets.iterdir()) == [])


def test_interrupted_while_opening_leaves_at_once(tmp_path: Path, sockets: Path) -> None:
    script = Script(results=str(tmp_path), chunks=None, fault="sight", fault_kind="open_slow")
    sockets.mkdir()
    text = json.dumps(dataclasses.asdict(script))
    command = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.stages", "processes", "fast", text],
        env={**os.environ, "TMPDIR": str(sockets)},
    )
    try:
        until(lambda: list(sockets.rglob("separator.sight")))
        command.send_signal(signal.SIGINT)
        assert command.wait(WAIT_S) == 130
        assert list(sockets.iterdir()) == []
    finally:
        command.kill()
        command.wait()
