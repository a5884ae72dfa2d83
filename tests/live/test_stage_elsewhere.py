"""Whole commands: a player, and another host's program that is killed and started anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from engines.shipped import SHIPPED_MODEL
from realtime.remote.keys import make_pair, trust
from tests.fakes.tiny_model import write_tiny_model
from tests.live.parts import end_process
from tests.realtime.remote.proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
HERE = "127.0.0.1"
PATIENCE_S = 60.0
DURATION_S = 16.0

pytestmark = pytest.mark.live


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_model(tmp_path / "model")
    return with_keys(tmp_path)


def with_keys(tmp_path: Path) -> Path:
    player, _ = make_pair(tmp_path / "player")
    box, _ = make_pair(tmp_path / "box")
    trust(tmp_path / "player", HERE, box.public.hex())
    trust(tmp_path / "box", "studio", player.public.hex())
    return tmp_path


def wait_for(what: Callable[[], bool], said: Path, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not what():
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < until_s, said.read_text()
        time.sleep(0.05)


@contextmanager
def started(line: list[str], said: Path) -> Iterator[subprocess.Popen[bytes]]:
    with said.open("wb") as out:
        process = subprocess.Popen([sys.executable, *line], cwd=ROOT, stdout=out, stderr=out)
    try:
        yield process
    finally:
        end_process(process, 20.0)


@contextmanager
def host(folder: Path, said: Path, port: int = 0, stage: str = "sight") -> Iterator[int]:
    """``realtime serve``; its port. It is killed at the end of the block."""
    line = ["-m", "realtime", "serve", "--listen", f"tcp://{HERE}:{port}", "--stages", stage]
    line += ["--keys", str(folder / "box"), "--model", str(folder / "model")]
    with started([*line, "--engine", "onnxruntime"], said) as process:
        wait_for(lambda: "waits at" in said.read_text(), said, process)
        listening = [
            one.laddr for one in psutil.Process(process.pid).net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        ]  # fmt: skip
        assert [one.ip for one in listening] == [HERE]
        yield listening[0].port
        process.kill()


@contextmanager
def player(
    folder: Path, port: int, *more: str, stage: str = "sight"
) -> Iterator[subprocess.Popen[bytes]]:
    line = ["run_live.py", "--demo", "--speaker", "none", "--view", "none"]
    line += ["--model", str(folder / "model"), "--engine", "onnxruntime"]
    line += ["--record", str(folder / "take"), "--duration", str(DURATION_S)]
    line += ["--place", f"{stage}=tcp://{HERE}:{port}", "--keys", str(folder / "player")]
    with started([*line, *more], folder / "player.txt") as process:
        yield process


def test_a_host_that_is_killed_and_started_anew_costs_no_sound(folder: Path) -> None:
    first, second = folder / "first.txt", folder / "second.txt"
    with (
        host(folder, first) as port,
        closing(Proxy(port)) as proxy,
        player(folder, proxy.port, "--profile", str(folder / "trace.json")) as run,
    ):
        wait_for(lambda: "asks for sight" in first.read_text(), folder / "player.txt", run)
        mixture = folder / "take" / "mixture.wav"
        wait_for(
            lambda: mixture.exists() and mixture.stat().st_size > 100_000,
            folder / "player.txt",
            run,
        )
        os.kill(next(_served()), 9)
        with host(folder, second, port):
            wait_for(lambda: "asks for sight" in second.read_text(), folder / "player.txt", run)
            assert run.wait(PATIENCE_S) == 0, (folder / "player.txt").read_text()
    rows = [soundfile.read(path, dtype="float32")[0] for path in (folder / "take").glob("*.wav")]
    names = [path.stem for path in (folder / "take").glob("*.wav")]
    whole = rows[names.index("mixture")]
    parts = np.sum([row for row, name in zip(rows, names, strict=True) if name != "mixture"], 0)
    assert len(whole) == round(DURATION_S * 44_100)
    np.testing.assert_allclose(parts, whole, atol=1e-4)
    facts = json.loads((folder / "take" / "session.json").read_text())
    assert facts["dropped"]["audio_samples"] == 0
    # Both hosts told when their engine was at work, in the run's own time.
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    away_us = [
        one["ts"] for one in events if one.get("name") == f"vision onnxruntime/fp32 at {HERE}"
    ]
    assert 0 < min(away_us) < DURATION_S / 2 * 1e6 < max(away_us) < (DURATION_S + 5) * 1e6


def test_while_the_separator_is_away_the_mixture_is_recorded(tmp_path: Path) -> None:
    stage = "separator"
    folder = with_keys(tmp_path)
    (folder / "model").symlink_to(SHIPPED_MODEL)
    said, mine = folder / "host.txt", folder / "player.txt"
    with (
        host(folder, said, stage=stage) as port,
        closing(Proxy(port)) as proxy,
        player(folder, proxy.port, stage=stage) as run,
    ):
        residual = folder / "take" / "residual.wav"
        wait_for(lambda: residual.exists() and residual.stat().st_size > 300_000, mine, run)
        cut_at = soundfile.info(residual).frames
        proxy.cut()
        wait_for(lambda: f"{stage} away for" in mine.read_text(), mine, run)
        time.sleep(2.5)  # more than what may be on its way, which comes late and is separated
        proxy.mend()
        proxy.drop()
        wait_for(lambda: "is back" in said.read_text(), mine, run)
        assert run.wait(PATIENCE_S) == 0, mine.read_text()
    assert f"{stage} is on another host: while that is away, nothing is separated" in (
        mine.read_text()
    )
    take = folder / "take"
    rows = {path.stem: soundfile.read(path, dtype="float32")[0] for path in take.glob("*.wav")}
    mixture = rows.pop("mixture")
    assert len(mixture) == round(DURATION_S * 44_100)
    np.testing.assert_allclose(np.sum(list(rows.values()), 0), mixture, atol=1e-4)
    # And it was away for so long that the mixture did take its place.
    later = slice(cut_at, cut_at + (len(mixture) - cut_at) // 4410 * 4410)
    others = np.abs(mixture - rows["residual"])[later].reshape(-1, 4410).max(axis=1)
    sounds = np.abs(mixture)[later].reshape(-1, 4410).max(axis=1) > 1e-3
    assert ((others < 1e-4) & sounds).sum() >= 5  # tenths of a second
    assert (others > 1e-4).any()


def _served() -> Iterator[int]:
    """The hosts that this test has started."""
    for child in psutil.Process().children(recursive=True):
        if "serve" in child.cmdline():
            yield child.pid


def test_what_the_host_refuses_ends_the_command_with_its_reason(folder: Path) -> None:
    said = folder / "host.txt"
    (folder / "box" / "peers" / "studio.key").rename(folder / "box" / "peers" / "other.key")
    other, _ = make_pair(folder / "other")
    (folder / "box" / "peers" / "other.key").write_text(other.public.hex())
    with host(folder, said) as port, player(folder, port) as run:
        assert run.wait(PATIENCE_S) == 2
    (line,) = [
        line
        for line in (folder / "player.txt").read_text().splitlines()
        if line.startswith("error: ")
    ]
    assert line.startswith("error: sight: 127.0.0.1 refuses: it does not know this player's key")
    assert not (folder / "take" / "mixture.wav").exists()
