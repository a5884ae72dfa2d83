"""``python -m engines``: what it prints, and what it leaves."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from calibration.graphs import convolutions, read_graph
from calibration.half import halved
from calibration.quantize import simplified
from engines import auto, cuda, memory, parity, survey
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


@pytest.mark.parametrize("damage", ["no folder", "cut", "no graphs"])
def test_the_doctor_looks_at_the_model(
    own_model: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    if damage == "no folder":
        shutil.rmtree(own_model)
    elif damage == "cut":
        text = (own_model / "model.json").read_bytes()
        (own_model / "model.json").write_bytes(text[: len(text) // 2])
    else:
        (own_model / "sound.onnx").unlink()
    assert main(["doctor", "--model", str(own_model)]) == 1
    (line,) = [one for one in capsys.readouterr().out.splitlines() if str(own_model) in one]
    assert line.startswith("missing  model")


def test_a_client_that_is_there_is_not_missing(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = survey.Found(
        backend="remote", runtime="tritonclient 2.60", problem="asked for by --engine remote"
    )
    monkeypatch.setattr(survey, "backends", lambda: [found])
    assert main(["doctor", "--model", str(tiny_model)]) == 1  # no engine is of this machine
    printed = capsys.readouterr().out
    assert "ok       remote                tritonclient 2.60, asked for by --engine" in printed


@pytest.mark.parametrize("command", ["list", "names", "doctor", "clean"])
def test_threads_are_offered_where_they_count(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--model", str(tiny_model), "--threads", "2"])
    assert "--threads" in capsys.readouterr().err


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


@pytest.fixture
def spoiled(own_model: Path) -> Path:
    """With fp16 graphs, of which the visual one says something else."""
    for network in ("vision", "sound"):
        half = halved(simplified(read_graph(own_model / f"{network}.onnx")))
        if network == "vision":
            weight = convolutions(half)[0].input[1]
            (tensor,) = (one for one in half.graph.initializer if one.name == weight)
            larger = numpy_helper.to_array(tensor) * np.float16(1.5)
            tensor.CopyFrom(numpy_helper.from_array(larger, weight))
        onnx.save(half, own_model / f"{network}.fp16.onnx")
    return own_model


def test_one_that_is_too_far_off_does_not_end_the_comparison(
    spoiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "--model", str(spoiled)]) == 1
    printed, errors = capsys.readouterr()
    rows = [line.split(" | ") for line in printed.splitlines()[2:]]
    verdicts = {(row[0].strip("| "), row[1]): row[4].strip("| ") for row in rows}
    differences = {(row[0].strip("| "), row[1]): row[2] for row in rows}
    assert verdicts["onnxruntime/fp16", "vision"] == "too far off"
    assert float(differences["onnxruntime/fp16", "vision"]) > 2e-3
    assert verdicts["onnxruntime/fp16", "sound"] == verdicts["openvino/fp32", "vision"] == ""
    assert not errors


def test_one_that_cannot_be_used_does_not_end_the_building(
    spoiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "--model", str(spoiled)]) == 1
    printed, errors = capsys.readouterr()
    assert "onnxruntime/fp16: vision cannot be used: onnxruntime/fp16 differs from" in printed
    assert "onnxruntime/fp16: sound is ready" in printed
    assert "openvino/fp32: vision is ready" in printed
    assert not errors


def test_a_graph_that_none_opens_leaves_the_others_be(
    own_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for network in ("vision", "sound"):
        (own_model / f"{network}.int8.onnx").write_bytes(
            (own_model / f"{network}.onnx").read_bytes()
        )
    graph = read_graph(own_model / "vision.onnx")
    graph.graph.node[0].op_type = "NoSuchThing"
    onnx.save(graph, own_model / "vision.onnx")
    assert main(["build", "--model", str(own_model)]) == 1
    printed = capsys.readouterr().out
    assert "onnxruntime/fp32: vision cannot be used: ONNX Runtime cannot open" in printed
    assert "onnxruntime/int8: vision is ready" in printed
    assert "openvino/int8: sound is ready" in printed
    assert main(["compare", "--model", str(own_model)]) == 1
    assert "| onnxruntime/fp32 | vision | | | cannot be used: " in capsys.readouterr().out


def test_torch_for_the_processor_is_no_engine_of_a_gpu(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = cuda.Device(name="Some GPU", capability="8.9", memory_bytes=1 << 33)
    monkeypatch.setattr(cuda, "device", lambda: gpu)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["names", "--model", str(tiny_model)]) == 0
    assert "torch_cuda" not in capsys.readouterr().out
    assert main(["list", "--model", str(tiny_model)]) == 0
    assert "is built without CUDA" in capsys.readouterr().out


def test_the_bench_measures_what_a_gpu_has_as_well(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here there is none: what is offered of it fails, and has its line."""
    cases = [
        survey.Case(backend="tensorrt", precision="fp32"),
        survey.Case(backend="onnxruntime", precision="fp32"),
    ]
    monkeypatch.setattr(survey, "cases", lambda _folder: iter(cases))
    monkeypatch.setattr("engines.auto.usable_gpu", lambda: "Some GPU")
    assert main(["bench", "--model", str(tiny_model)]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first == "engine onnxruntime/fp32: the fastest here, measured now"
    assert others[0].startswith("  onnxruntime/fp32: vision ")
    assert others[1].startswith("  tensorrt/fp32: ")
    assert others[2] == (
        "--engine auto takes tensorrt/fp32, unmeasured, on Some GPU; "
        "the fastest is --engine onnxruntime --precision fp32"
    )


def test_what_the_bench_measured_is_not_measured_again(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--model", str(tiny_model)]) == 0
    assert "  torch/fp32: vision " in capsys.readouterr().out
    choice = auto.choose(tiny_model, 1, gpu=lambda: None)
    assert choice.origin.startswith("measured earlier")
    assert {one.backend for one in choice.measurements} == set(auto.CANDIDATES)


def test_nothing_to_measure_is_told(own_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own_model / "vision.onnx").unlink()
    assert main(["bench", "--model", str(own_model)]) == 2
    assert "nothing here runs the model in" in capsys.readouterr().err


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
