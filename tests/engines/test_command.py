"""``python -m engines``: what it prints, and what it leaves."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from engines import memory, parity
from engines.__main__ import main
from engines.errors import EngineError
from engines.registry import BACKENDS, open_engine
from engines.store import EngineKey, Store
from tests.fakes.tiny_model import tiny_spec


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def keep_something() -> None:
    key = EngineKey(
        graph_sha256="0",
        runtime="tensorrt",
        runtime_version="10.3",
        device="Orin",
        capability="8.7",
        precision="fp16",
        shapes={"picture": (1, 3, 64, 64)},
        options={},
    )
    Store().keep(key, b"plan", 2.0, {})


def test_it_lists_what_there_is(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep_something()
    assert main(["list", "--model", str(tiny_model)]) == 0
    printed = capsys.readouterr().out
    for backend in BACKENDS:
        assert backend in printed
    assert "model tiny: fp32" in printed
    assert "tensorrt 10.3 fp16 1×3×64×64 on Orin" in printed


def test_it_names_what_runs_the_model_here(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a program reads it: each opens."""
    assert main(["names", "--model", str(tiny_model)]) == 0
    names = capsys.readouterr().out.split()
    assert "onnxruntime/fp32" in names
    for name in names:
        backend, _, precision = name.partition("/")
        with open_engine(tiny_model, "vision", backend, precision, 1, grid=(4, 4)) as engine:
            assert engine.name == name


def test_the_doctor_names_the_mending_command(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.survey.installed_runtime", lambda _backend: None)
    assert main(["doctor", "--model", str(tiny_model)]) == 1
    assert "not installed; mend it with: pip install openvino" in capsys.readouterr().out
    monkeypatch.undo()
    assert main(["doctor", "--model", str(tiny_model)]) == 0


def test_it_measures_anew_and_keeps_the_choice(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["bench", "--model", str(tiny_model)]) == 0
        printed = capsys.readouterr().out
        assert "the fastest here, measured now" in printed
        assert "openvino/fp32: vision" in printed
    path = memory.default_path()
    assert path is not None
    assert path.exists()


def test_engines_are_compared_with_the_reference(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["compare", "--model", str(tiny_model)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if "onnxruntime/fp32" in line]) == 2
    monkeypatch.setattr(parity, "TOLERANCE", {"fp32": -1.0})
    assert main(["compare", "--model", str(tiny_model)]) == 1
    assert "too far off" in capsys.readouterr().out


def test_an_engine_that_is_too_far_off_is_refused() -> None:
    parity.check("some/fp32", "fp32", 5e-5)
    for wrong in (2e-4, float("nan")):
        with pytest.raises(EngineError, match="some/fp32 differs from the reference by"):
            parity.check("some/fp32", "fp32", wrong)


def test_the_model_is_made_ready(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--model", str(tiny_model)]) == 0
    printed = capsys.readouterr().out
    assert "openvino/fp32: vision is ready" in printed
    assert "torch" not in printed


def test_all_can_be_thrown_away(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep_something()
    assert main(["clean", "--model", str(tiny_model)]) == 0
    assert "1 engines and the remembered choices are gone" in capsys.readouterr().out
    assert not Store().entries()


@pytest.mark.parametrize("command", ["bench", "clean"])
def test_a_cache_that_cannot_be_changed_is_told(
    tiny_model: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    def refuse(_path: Path, missing_ok: bool) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert main([command, "--model", str(tiny_model)]) == 2
    told = capsys.readouterr().err
    assert "engines.json cannot be removed: Read-only file system: make its folder writable" in told
    assert len(told.splitlines()) == 1


def test_engines_that_cannot_be_removed_are_told(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_something()
    monkeypatch.setattr("shutil.rmtree", lambda _place, ignore_errors: None)
    assert main(["clean", "--model", str(tiny_model)]) == 2
    assert "1 engines in" in capsys.readouterr().err


def test_no_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--model", str(tmp_path)]) == 2
    assert "no model at" in capsys.readouterr().err


def test_inputs_are_what_networks_take(tiny_model: Path) -> None:
    spec = tiny_spec()
    for network in ("vision", "sound"):
        grid = spec.vision.grid_for(9, 16)
        given = parity.inputs(spec, network, grid, 3)
        with open_engine(tiny_model, network, "onnxruntime", "fp32", 1, grid=grid) as engine:
            assert {one.shape for one in given} == {engine.inputs[0].shape}
        assert len({float(one.mean()) for one in given}) == 3
