"""Other precisions: what is written runs, says nearly the same, and is refused if it does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from calibration.__main__ import main
from calibration.collection import CalibrationError
from calibration.float8 import as_float8
from calibration.graphs import convolutions, preparation, read_graph
from calibration.half import halved
from calibration.quantize import quantized, simplified
from calibration.sensitivity import error_db, outputs, sensitivity
from calibration.trials import Cost
from engines import parity
from engines.registry import open_engine
from engines.remembering import Remembering
from pixelplayer.spec import ModelSpec
from tests.fakes.tiny_model import (
    tiny_spec,
    tiny_stepping_spec,
    tiny_streaming_spec,
    write_tiny_model,
)

INPUTS = {"vision": (3, 64, 64), "sound": (1, 48, 32)}


@pytest.fixture(params=sorted(INPUTS))
def network(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def inputs(network: str, count: int = 6) -> np.ndarray:
    rng = np.random.default_rng(3)
    low, high = (0, 1) if network == "vision" else (-16, 4)
    return rng.uniform(low, high, (count, *INPUTS[network])).astype(np.float32)


def graph(model: Path, network: str) -> ModelProto:
    return read_graph(model / f"{network}.onnx")


def test_levels_are_prepared_before_the_first_convolution(model: Path) -> None:
    sound = graph(model, "sound")
    kinds = {node.op_type for node in sound.graph.node if node.name in preparation(sound)}
    assert {"Exp", "ReduceMean", "Sqrt", "Log"} <= kinds
    assert not kinds & {"Conv", "ConvTranspose"}


def test_sixteen_bits_say_the_same(model: Path, network: str) -> None:
    whole = graph(model, network)
    half = halved(whole)
    assert [(v.name, v.type.tensor_type.elem_type) for v in half.graph.input] == [
        (v.name, TensorProto.FLOAT) for v in whole.graph.input
    ]
    used = {name for node in convolutions(half) for name in node.input}
    weights = [tensor for tensor in half.graph.initializer if tensor.name in used]
    assert weights
    assert {tensor.data_type for tensor in weights} == {TensorProto.FLOAT16}
    wanted, found = (outputs(one, inputs(network)) for one in (whole, half))
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() <= 2e-3 * np.abs(wanted).max()
    assert len(half.SerializeToString()) < 0.7 * len(whole.SerializeToString())


def test_what_sixteen_bits_do_not_hold_is_told(model: Path) -> None:
    broken = graph(model, "vision")
    for tensor in broken.graph.initializer:
        if tensor.name in convolutions(broken)[2].input:
            large = numpy_helper.to_array(tensor) * np.float32(1e8)
            tensor.CopyFrom(numpy_helper.from_array(large, tensor.name))
    with pytest.raises(CalibrationError, match="more than float16 holds; use fp32"):
        halved(broken)


def test_eight_bits_wrap_every_convolution(model: Path, network: str) -> None:
    simple = simplified(graph(model, network))
    eight = quantized(simple, inputs(network))
    made_by = {output: node for node in eight.graph.node for output in node.output}
    for node in convolutions(eight):
        for name in node.input[:2]:
            assert made_by[name].op_type == "DequantizeLinear", node.name
    constants = {t.name: numpy_helper.to_array(t) for t in eight.graph.initializer}
    pairs = [n for n in eight.graph.node if n.op_type == "DequantizeLinear"]
    assert all(not constants[node.input[2]].any() for node in pairs)  # symmetric
    per_channel = [node for node in pairs if constants[node.input[1]].ndim == 1]
    assert len(per_channel) == len(convolutions(eight))
    if network == "vision":
        branches = [n for n in eight.graph.node if n.op_type == "Add"]
        assert len(branches) == 8
        for node in branches:
            assert {made_by[name].op_type for name in node.input} == {"DequantizeLinear"}
    assert error_db(outputs(simple, inputs(network)), outputs(eight, inputs(network))) < -18


def test_what_is_kept_stays_as_it_was(model: Path) -> None:
    simple = simplified(graph(model, "sound"))
    first = convolutions(simple)[0].name
    eight = quantized(simple, inputs("sound"), kept=[first])
    made_by = {output: node for node in eight.graph.node for output in node.output}
    for node in convolutions(eight):
        is_wrapped = node.input[1] in made_by and (
            made_by[node.input[1]].op_type == "DequantizeLinear"
        )
        assert is_wrapped == (node.name != first)


def test_each_convolution_is_judged_alone(model: Path, network: str) -> None:
    simple = simplified(graph(model, network))
    found = sensitivity(simple, inputs(network, 3))
    assert sorted(one.layer for one in found) == sorted(n.name for n in convolutions(simple))
    errors = [one.error_db for one in found]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < -10


def test_a_broken_graph_is_told(tmp_path: Path) -> None:
    (tmp_path / "sound.onnx").write_bytes(b"\x08\x07nothing")
    with pytest.raises(CalibrationError, match="is no whole ONNX file"):
        read_graph(tmp_path / "sound.onnx")


def test_the_commands_from_scenes_to_engines(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, kept = tmp_path / "model", tmp_path / "set.npz"
    shutil.copytree(model, folder)
    which = ["--model", str(folder)]
    assert main(["collect", *which, "--band", "3", "--out", str(kept)]) == 0
    assert "pictures" in capsys.readouterr().out
    line = ["quantize", *which, "--set", str(kept), "--scenes", "2"]
    assert main([*line, "--most-lost-db", "3"]) == 0
    printed = capsys.readouterr().out
    assert "| fp16 |" in printed
    assert "| int8 |" in printed
    assert "| sound | /last/ConvTranspose |" in printed
    known = json.loads((folder / "precisions.json").read_text())
    assert set(known) == {"fp16", "int8"}
    assert abs(known["fp16"]["lost"]["sdr_db"]) < 0.1
    for backend in ("onnxruntime", "openvino"):
        for precision in ("fp16", "int8"):
            for name in INPUTS:
                with (
                    open_engine(folder, name, backend, "fp32", 1) as whole,
                    open_engine(folder, name, backend, precision, 1) as engine,
                ):
                    given = {whole.inputs[0].name: inputs(name, 1)}
                    (wanted,), (found,) = whole.infer(given).values(), engine.infer(given).values()
                    bound = -45 if precision == "fp16" else -12
                    assert error_db(wanted, found) < bound, (backend, precision, name)


def test_eight_bit_floats_stand_where_integers_stood(model: Path, network: str) -> None:
    simple = simplified(graph(model, network))
    eight = quantized(simple, inputs(network))
    floats = as_float8(eight, simple)
    kinds = [(node.op_type, list(node.output)) for node in eight.graph.node]
    assert [(node.op_type, list(node.output)) for node in floats.graph.node] == kinds
    types = {tensor.data_type for tensor in floats.graph.initializer}
    assert TensorProto.FLOAT8E4M3FN in types
    assert TensorProto.INT8 not in types
    assert len(floats.SerializeToString()) < 1.02 * len(eight.SerializeToString())


@pytest.mark.parametrize("spec", [tiny_spec(), tiny_streaming_spec()], ids=["window", "stream"])
def test_eight_bit_floats_are_written_when_asked_for(tmp_path: Path, spec: ModelSpec) -> None:
    folder, kept = tmp_path / "model", tmp_path / "set.npz"
    write_tiny_model(folder, spec)
    which = ["--model", str(folder)]
    assert main(["collect", *which, "--band", "1", "--most", "4", "--out", str(kept)]) == 0
    line = ["quantize", *which, "--set", str(kept), "--scenes", "1", "--precision", "fp8"]
    assert main([*line, "--most-lost-db", "6"]) == 0
    assert set(json.loads((folder / "precisions.json").read_text())) == {"fp8"}
    grid = spec.vision.grid_for(9, 16)
    for name in INPUTS:
        given = parity.inputs(spec, name, grid, 2)
        with (
            open_engine(folder, name, "onnxruntime", "fp32", 1, grid=grid) as whole,
            open_engine(folder, name, "onnxruntime", "fp8", 1, grid=grid) as engine,
        ):
            assert 1e-3 < parity.error(whole, engine, given) < parity.TOLERANCE["fp8"]


def test_what_costs_too_much_is_not_written(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, kept = tmp_path / "model", tmp_path / "set.npz"
    shutil.copytree(model, folder)
    which = ["--model", str(folder)]
    assert main(["collect", *which, "--band", "2", "--out", str(kept)]) == 0
    line = ["quantize", *which, "--set", str(kept), "--scenes", "1", "--precision", "int8"]
    dear = Cost(sdr_db=1.0, in_place=0.0, vision_cosine=1.0, sound_cosine=1.0)
    monkeypatch.setattr("calibration.precisions.cost", lambda *_: dear)
    assert main(line) == 2
    assert "int8 would lose 1.00 dB" in capsys.readouterr().err
    assert not list(folder.glob("*int8*"))
    assert not (folder / "precisions.json").exists()


def test_what_no_engine_would_take_is_not_written(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, kept = tmp_path / "model", tmp_path / "set.npz"
    shutil.copytree(model, folder)
    which = ["--model", str(folder)]
    assert main(["collect", *which, "--band", "1", "--most", "2", "--out", str(kept)]) == 0
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(parity, "TOLERANCE", dict(parity.TOLERANCE) | {"int8": 0.0})
    line = ["quantize", *which, "--set", str(kept), "--scenes", "1", "--precision", "int8"]
    assert main(line) == 2
    assert "int8 would lose inf dB SDR" in capsys.readouterr().err
    assert not list(folder.glob("*int8*"))


def test_unknown_operators_need_no_special_care() -> None:
    """A graph without any level to prepare."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2, 6, 6])
    weight = numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Abs", ["c"], ["y"], name="abs"),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y], [weight]),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    assert preparation(model) == set()
    half = halved(model)
    onnx.checker.check_model(half)
    given = np.random.default_rng(0).random((1, 1, 8, 8), np.float32)
    np.testing.assert_allclose(outputs(half, given), outputs(model, given), rtol=2e-3)


def test_steps_have_the_numbers_of_windows(tmp_path: Path) -> None:
    folder, kept = tmp_path / "model", tmp_path / "set.npz"
    write_tiny_model(folder, tiny_stepping_spec())
    which = ["--model", str(folder)]
    assert main(["collect", *which, "--band", "1", "--most", "2", "--out", str(kept)]) == 0
    line = ["quantize", *which, "--set", str(kept), "--scenes", "1"]
    assert main([*line, "--most-lost-db", "9"]) == 0
    scales = []
    for name in ("sound", "step"):
        eight = read_graph(folder / f"{name}.int8.onnx")
        numbers = {one.name: one for one in eight.graph.initializer}
        made = {node.output[0]: node for node in eight.graph.node}
        scales.append(
            [
                numpy_helper.to_array(numbers[made[given].input[1]]).tolist()
                for node in convolutions(eight)
                for given in node.input[:2]
                if made[given].op_type == "DequantizeLinear"
            ]
        )
    windows, steps = scales
    assert windows
    whole = {precision: folder / f"window.{precision}.onnx" for precision in ("fp16", "int8")}
    assert all(path.exists() for path in whole.values())
    taps = 9  # of a convolution on the way up, each one of its own
    half = len(convolutions(read_graph(folder / "sound.onnx"))) // 2
    assert len(convolutions(read_graph(whole["int8"]))) == (1 + taps) * half
    assert steps == windows


def test_of_ears_that_remember_the_weights_alone_are_rounded(
    tmp_path: Path,
) -> None:
    folder, kept = tmp_path / "model", tmp_path / "set.npz"
    write_tiny_model(folder, tiny_streaming_spec())
    which = ["--model", str(folder)]
    assert main(["collect", *which, "--band", "1", "--most", "2", "--out", str(kept)]) == 0
    line = ["quantize", *which, "--set", str(kept), "--scenes", "1"]
    assert main([*line, "--most-lost-db", "3"]) == 0
    for precision, unpacked_by in (("int8", "DequantizeLinear"), ("fp16", "Cast")):
        small = read_graph(folder / f"sound.{precision}.onnx")
        made_by = {output: node.op_type for node in small.graph.node for output in node.output}
        assert {made_by[node.input[1]] for node in convolutions(small)} == {unpacked_by}
        assert "QuantizeLinear" not in made_by.values()
    sizes = [(folder / f"sound{kind}.onnx").stat().st_size for kind in (".int8", ".fp16", "")]
    assert sizes == sorted(sizes)
    rng = np.random.default_rng(0)
    heard = rng.uniform(-16, 3, (1, 1, 64, 40)).astype(np.float32)
    said = []
    for precision in ("fp32", "int8", "fp16"):
        with open_engine(folder, "sound", "onnxruntime", precision, 1) as engine:
            said.append(Remembering(engine, tiny_streaming_spec().sound.lookaheads).whole(heard))
    whole, eight, half = said
    assert error_db(whole, half) < error_db(whole, eight) < -25
