"""The networks on a real server of the KServe v2 protocol, which is also killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tritonclient import grpc

from engines import parity
from engines.__main__ import main as engines
from engines.errors import EngineError
from engines.protocol import Engine
from engines.registry import open_engine
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model
from tests.live.parts import end_process, missing

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".triton" / "bin" / "python"
SERVER = Path(__file__).with_name("kserve_server.py")
READY_S = 60.0

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("remote") / "model"
    write_tiny_model(folder)
    return folder


@pytest.fixture(scope="module")
def streaming_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("remote") / "streaming"
    write_tiny_model(folder, tiny_streaming_spec())
    return folder


@pytest.fixture(scope="module")
def repository(model: Path, streaming_model: Path) -> Path:
    target = model.parent / "repository"
    for one in (model, streaming_model):
        assert engines(["export-repository", str(target), "--model", str(one)]) == 0
    return target


class Server:
    def __init__(self, repository: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        library = subprocess.run(
            [PYTHON, "-c", "import sysconfig; print(sysconfig.get_config_var('LIBDIR'))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        self.process = subprocess.Popen(
            [PYTHON, SERVER, repository, str(port)],
            env={**os.environ, "LD_LIBRARY_PATH": library},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        client = grpc.InferenceServerClient(self.address)
        names = [folder.name for folder in repository.iterdir()]
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                if all(client.is_model_ready(name) for name in names):
                    client.close()
                    return
            except grpc.InferenceServerException:
                pass  # not up yet
            time.sleep(0.1)
        self.kill()
        raise AssertionError("the server was never ready")

    def kill(self) -> None:
        end_process(self.process, 10)


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[Server]:
    if not PYTHON.exists():
        missing("a Triton server", "make one with: scripts/triton-environment")
    running = Server(repository)
    yield running
    running.kill()


def given(engine: Engine) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    low, high = (0, 1) if engine.inputs[0].name == "picture" else (-16, 4)
    return {s.name: rng.uniform(low, high, s.shape).astype(np.float32) for s in engine.inputs}


@pytest.mark.parametrize(("network", "newest"), [("vision", None), ("sound", None), ("sound", 6)])
def test_it_says_what_the_local_one_says(
    server: Server, model: Path, network: str, newest: int | None
) -> None:
    remote = f"remote={server.address}"
    with (
        open_engine(model, network, "onnxruntime", "fp32", 1, newest=newest) as local,
        open_engine(model, network, remote, "fp32", 1, newest=newest) as engine,
    ):
        for _ in range(3):
            (expected,) = local.infer(given(local)).values()
            (found,) = engine.infer(given(local)).values()
            np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert engine.name == "remote/fp32"


def test_ears_that_stream_say_what_the_local_ones_say(
    server: Server, streaming_model: Path
) -> None:
    spec = tiny_streaming_spec()
    windows = parity.inputs(spec, "sound", (4, 4), 2)
    with (
        open_engine(streaming_model, "sound", "onnxruntime", "fp32", 1) as local,
        open_engine(streaming_model, "sound", f"remote={server.address}", "fp32", 1) as engine,
    ):
        assert [one.name for one in engine.outputs] == ["sound", "next_state"]
        assert parity.error(local, engine, windows) <= 1e-5


def test_what_it_does_not_serve_is_told(server: Server, model: Path) -> None:
    with pytest.raises(EngineError, match=rf"tiny_sound_9 on {server.address}: .*unknown model"):
        open_engine(model, "sound", f"remote={server.address}", "fp32", 1, newest=9)


def test_a_whole_run_computes_there(server: Server, model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "run_live.py", "--demo", "--pace", "fast", "--duration", "2"]
    command += ["--view", "none", "--speaker", "none", "--record", str(tmp_path / "session")]
    command += ["--model", str(model), "--engine", "remote", "--server", server.address]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert result.returncode == 0, result.stderr
    session = json.loads((tmp_path / "session" / "session.json").read_text())
    assert session["engines"]["sound"] == f"remote={server.address}/fp32"


def test_no_server_is_told(model: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(EngineError, match=rf"tiny_vision on {address}: .*see that the server runs"):
        open_engine(model, "vision", f"remote={address}", "fp32", 1)


def test_a_server_that_dies_is_an_error_and_no_hang(
    server: Server, repository: Path, model: Path
) -> None:
    dying = Server(repository)
    with open_engine(model, "sound", f"remote={dying.address}", "fp32", 1, newest=6) as engine:
        engine.infer(given(engine))
        dying.process.kill()
        subprocess.run(["pkill", "-f", f"grpc-port={dying.address.split(':')[1]}"], check=False)
        dying.process.wait(10)
        began = time.monotonic()
        with pytest.raises(EngineError, match=f"on {dying.address}"):
            for _ in range(50):
                engine.infer(given(engine))
                time.sleep(0.1)
        assert time.monotonic() - began < 30
