"""Nothing is unpickled, nothing is evaluated, nobody else reads or reaches a run."""

from __future__ import annotations

import ast
import ipaddress
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.fakes.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ("pixelplayer", "engines", "realtime", "calibration")
ALL = (*RUNTIME, "training", "benchmarks")
UNPICKLERS = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
TIMEOUT_S = 60


def files(packages: tuple[str, ...]) -> list[Path]:
    found = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return [ROOT / "run_live.py", *found]


def faults(source: str) -> list[str]:
    """The calls that would run what they read, or what somebody gave a name."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        words = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
        if name == "torch.load" and words.get("weights_only") != "True":
            found.append("torch.load without weights_only=True")
        if name in ("np.load", "numpy.load") and words.get("allow_pickle", "False") != "False":
            found.append("np.load with allow_pickle")
        if name in ("eval", "exec", "os.system", "os.popen") or words.get("shell") == "True":
            found.append(name)
    return found


def unpicklers(source: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {item.name.partition(".")[0] for item in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names & UNPICKLERS


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("torch.load(path)", 1),
        ("torch.load(path, weights_only=False)", 1),
        ("torch.load(path, weights_only=True)", 0),
        ("np.load(path, allow_pickle=True)", 1),
        ("np.load(path)", 0),
        ("subprocess.run(text, shell=True)", 1),
        ("eval(text)", 1),
        ("network.eval()", 0),
    ],
)
def test_faults_are_found(source: str, count: int) -> None:
    assert len(faults(source)) == count


def test_no_file_runs_what_it_reads() -> None:
    found = {path: faults(path.read_text(encoding="utf-8")) for path in files(ALL)}
    assert len(found) > 150
    assert {str(path.relative_to(ROOT)): what for path, what in found.items() if what} == {}


def test_the_runtime_imports_no_unpickler() -> None:
    assert unpicklers("from pickle import loads\nimport joblib.memory") == {"pickle", "joblib"}
    for path in files(RUNTIME):
        assert not unpicklers(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize(
    "module", ["engines.backends.onnxruntime", "calibration.precisions", "training.export"]
)
def test_the_runtime_is_told_to_send_nothing(tmp_path: Path, module: str) -> None:
    """Where it means to send something it begins with a file among the temporary ones."""
    line = [sys.executable, "-c", f"import {module}, sys; assert 'onnxruntime' in sys.modules"]
    environment = {name: text for name, text in os.environ.items() if name != "CI"}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run(line, env=environment | {"TMPDIR": str(tmp_path)}, cwd=ROOT, check=True)
    assert list(tmp_path.iterdir()) == []


def test_openvino_sends_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where it means to send something it numbers its user, in a file of the home folder."""
    program = (
        "import engines.backends.openvino, sys\n"
        "sender = [name for name in sys.modules if name.startswith('openvino_telemetry.')]\n"
        "sys.exit(f'it would send: {sender}' if sender else 0)\n"
    )
    environment = os.environ | {"HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def sockets() -> Iterator[Path]:
    """Where a run's sockets go: the path of a socket must be short."""
    with tempfile.TemporaryDirectory(prefix="sockets-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the sockets of other processes")
def test_a_run_is_reached_from_this_machine_alone_and_read_by_its_owner(
    tmp_path: Path, sockets: Path
) -> None:
    write_tiny_model(tmp_path / "model")
    record = tmp_path / "take"
    line = [
        *(sys.executable, str(ROOT / "run_live.py"), "--demo", "--speaker", "none"),
        *("--model", str(tmp_path / "model"), "--engine", "onnxruntime"),
        *("--view", "web", "--place", "processes", "--record", str(record)),
    ]
    environment = os.environ | {"TMPDIR": str(sockets)}
    with (tmp_path / "said.txt").open("wb") as said:
        process = subprocess.Popen(line, stdout=said, stderr=said, env=environment, cwd=ROOT)
    try:
        wait_for((record / "overlay.mp4").exists, process, tmp_path / "said.txt")
        ours = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        inet = [one for each in ours for one in each.net_connections("inet")]
        listening = [one.laddr.ip for one in inet if one.status == psutil.CONN_LISTEN]
        unconnected = [one.laddr.ip for one in inet if one.status == psutil.CONN_NONE]
        (folder,) = sockets.glob("pixelplayer-*")
        modes = {path.name: mode(path) for path in record.iterdir()}
        folder_mode, found = mode(folder), sorted(path.name for path in folder.iterdir())
        assert len(ours) >= 4
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)
    assert len(listening) == 1  # the page
    assert all(ipaddress.ip_address(ip).is_loopback for ip in [*listening, *unconnected])
    assert folder_mode == 0o700
    assert "separator.sight" in found
    assert mode(record) == 0o700
    assert set(modes.values()) == {0o600}
    assert not list(sockets.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def wait_for(what: Callable[[], bool], process: subprocess.Popen[bytes], said: Path) -> None:
    until = time.monotonic() + TIMEOUT_S
    while not what():
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < until, said.read_text()
        time.sleep(0.02)
