"""Opening a network: what is refused, and in what words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from safetensors.numpy import load_file, save_file

from engines import registry
from engines.errors import EngineError
from engines.registry import BACKENDS, open_engine

GRAPH_BACKENDS = ("onnxruntime", "openvino")
HERE = sorted(
    name
    for name, entry in BACKENDS.items()
    if not (entry.needs_gpu or entry.needs_server or entry.reads_weights or entry.provider)
)


def test_an_unknown_engine_lists_what_exists(tiny_model: Path):
    with pytest.raises(EngineError, match="unknown engine 'abacus'; there are onnxruntime, "):
        open_engine(tiny_model, "sound", "abacus", "auto", 1)


def test_a_runtime_that_is_not_there_names_the_command(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(registry, "is_installed", lambda _backend: False)
    with pytest.raises(EngineError, match="not installed; run: pip install openvino"):
        open_engine(tiny_model, "sound", "openvino", "auto", 1)


def test_a_runtime_that_does_not_load_names_the_cause(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delitem(sys.modules, BACKENDS["openvino"].module, raising=False)
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(registry, "is_installed", lambda _backend: True)
    with pytest.raises(EngineError, match="openvino is installed but does not load"):
        open_engine(tiny_model, "sound", "openvino", "auto", 1)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@pytest.mark.parametrize("backend", [*HERE, "tensorrt", "remote"])
def test_a_precision_without_a_graph_says_what_to_use(
    backend: str, precision: str, tiny_model: Path
):
    wanted = rf"no {precision} graph \(sound\.{precision}\.onnx is missing\); use --precision fp32"
    with pytest.raises(EngineError, match=wanted):
        open_engine(tiny_model, "sound", backend, precision, 1)


def test_an_unknown_precision_lists_what_exists(tiny_model: Path):
    with pytest.raises(EngineError, match=r"unknown precision 'fp7'; use auto or one of \['fp32'"):
        open_engine(tiny_model, "sound", "torch", "fp7", 1)


def test_torch_is_fp32_only(own_model: Path):
    (own_model / "sound.fp16.onnx").write_bytes(b"")
    with pytest.raises(EngineError, match="torch computes in fp32 only"):
        open_engine(own_model, "sound", "torch", "fp16", 1)


def test_what_an_engine_cannot_compute_in_is_told(own_model: Path):
    (own_model / "sound.fp8.onnx").write_bytes(b"")
    with pytest.raises(EngineError, match="openvino computes in fp32 or fp16 or int8 only, not fp"):
        open_engine(own_model, "sound", "openvino", "fp8", 1)


def test_no_threads_are_refused(tiny_model: Path):
    with pytest.raises(EngineError, match="at least 1 thread, got threads = 0"):
        open_engine(tiny_model, "sound", "torch", "fp32", 0)


def test_a_folder_without_a_model_is_named(tmp_path: Path):
    with pytest.raises(EngineError, match=r"no model at .*model\.json is missing"):
        open_engine(tmp_path, "sound", "onnxruntime", "auto", 1)


@pytest.mark.parametrize("backend", GRAPH_BACKENDS)
def test_a_missing_graph_is_named(backend: str, own_model: Path):
    (own_model / "sound.onnx").unlink()
    with pytest.raises(EngineError, match=r"sound\.onnx cannot be read \(No such file"):
        open_engine(own_model, "sound", backend, "auto", 1)


@pytest.mark.parametrize("backend", GRAPH_BACKENDS)
@pytest.mark.parametrize("kept", [0, 1, 100, 5000, -1])
def test_a_truncated_graph_is_named(backend: str, kept: int, own_model: Path):
    path = own_model / "sound.onnx"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(EngineError, match=r"sound\.onnx") as caught:
        open_engine(own_model, "sound", backend, "auto", 1)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("backend", GRAPH_BACKENDS)
def test_what_is_no_graph_at_all_is_named(backend: str, own_model: Path):
    (own_model / "sound.onnx").write_bytes(np.random.default_rng(0).bytes(4096))
    with pytest.raises(EngineError, match=r"sound\.onnx is truncated or no ONNX file"):
        open_engine(own_model, "sound", backend, "auto", 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_weights_that_are_not_finite_are_named(value: float, dtype: type, own_model: Path):
    path = own_model / "sound.onnx"
    model = onnx.load(path)
    weights = next(entry for entry in model.graph.initializer if len(entry.dims) == 4)
    array = numpy_helper.to_array(weights).astype(dtype)
    array.flat[3] = value
    weights.CopyFrom(numpy_helper.from_array(array, weights.name))
    onnx.save(model, path)
    with pytest.raises(
        EngineError, match=r"weights '.*' have values that are not finite"
    ) as caught:
        open_engine(own_model, "sound", "onnxruntime", "auto", 1)
    assert "\n" not in str(caught.value)


def test_weights_written_as_numbers_are_looked_at_too(own_model: Path):
    """``float_data`` in place of ``raw_data``, as some writers do."""
    path = own_model / "sound.onnx"
    model = onnx.load(path)
    weights = model.graph.initializer[0]
    count = int(np.prod(weights.dims))
    weights.ClearField("raw_data")
    weights.float_data.extend([float("nan")] * count)
    onnx.save(model, path)
    with pytest.raises(EngineError, match="not finite"):
        open_engine(own_model, "sound", "onnxruntime", "auto", 1)


def test_eyes_for_one_shape_of_picture_only_are_refused(own_model: Path):
    """As models were exported before pictures kept their proportions."""
    path = own_model / "vision.onnx"
    model = onnx.load(path)
    for dimension in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dimension.dim_value = 64
    onnx.save(model, path)
    with open_engine(own_model, "vision", "onnxruntime", "auto", 1):
        pass
    with pytest.raises(EngineError, match=r"'picture' is \(any, 3, 64, 64\), .* export again"):
        open_engine(own_model, "vision", "onnxruntime", "auto", 1, grid=(3, 5))


def test_weights_in_another_file_are_refused(own_model: Path):
    path = own_model / "sound.onnx"
    onnx.save(onnx.load(path), path, save_as_external_data=True, size_threshold=0)
    with pytest.raises(EngineError, match="keeps its weights in another file"):
        open_engine(own_model, "sound", "onnxruntime", "auto", 1)


@pytest.mark.parametrize(("operator", "domain"), [("Mystery", ""), ("Unheard", "org.example")])
@pytest.mark.parametrize(
    ("backend", "name"), [("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO")]
)
def test_an_operator_that_is_not_supported_is_named(
    backend: str, name: str, operator: str, domain: str, own_model: Path
):
    path = own_model / "vision.onnx"
    graph = onnx.load(path)
    node = graph.graph.node[-1]
    result, node.output[0] = node.output[0], "inner"
    odd = helper.make_node(operator, ["inner"], [result], name=f"/head/{operator}", domain=domain)
    graph.graph.node.append(odd)
    if domain:
        graph.opset_import.append(helper.make_opsetid(domain, 1))
    onnx.save(graph, path)
    with pytest.raises(EngineError) as caught:
        open_engine(own_model, "vision", backend, "auto", 1)
    assert str(caught.value) == (
        f"{name} cannot open {path}: it has no operator {operator} (at '/head/{operator}'); "
        "export the model again, see docs/models.md"
    )


@pytest.mark.parametrize("backend", GRAPH_BACKENDS)
def test_what_else_a_runtime_says_is_one_line(backend: str, own_model: Path):
    path = own_model / "vision.onnx"
    graph = onnx.load(path)
    graph.graph.node[-1].input[0] = "nowhere"
    onnx.save(graph, path)
    with pytest.raises(EngineError, match=r"cannot open .*; export the model again") as caught:
        open_engine(own_model, "vision", backend, "auto", 1)
    assert len(str(caught.value).splitlines()) == 1


def describe(folder: Path, **values: object) -> None:
    """Change entries of the folder's ``model.json``."""
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("backend", HERE)
def test_a_description_of_another_model_is_refused(backend: str, own_model: Path):
    describe(own_model, channels=5)
    with pytest.raises(EngineError, match=r"sound\.onnx: output 'sound' is|, expected \(5"):
        open_engine(own_model, "sound", backend, "auto", 1)


def test_torch_refuses_weights_of_another_width(own_model: Path):
    describe(own_model, sound={"width": 5, "levels": 4, "network": "live"})
    with pytest.raises(EngineError, match=r"sound weights: '.*' is \(4, .*expected \(5, "):
        open_engine(own_model, "sound", "torch", "auto", 1)


def test_swapped_graphs_are_refused(own_model: Path):
    (own_model / "vision.onnx").replace(own_model / "sound.onnx")
    with pytest.raises(EngineError, match=r"sound\.onnx has inputs \['picture'\], needed are"):
        open_engine(own_model, "sound", "onnxruntime", "auto", 1)


def test_torch_names_broken_weights(own_model: Path):
    path = own_model / "weights.safetensors"
    tensors = load_file(path)
    tensors["sound.bn0.weight"] = np.full_like(tensors["sound.bn0.weight"], np.nan)
    save_file(tensors, path)
    with pytest.raises(EngineError, match=r"'bn0\.weight' has values that are not finite"):
        open_engine(own_model, "sound", "torch", "auto", 1)
