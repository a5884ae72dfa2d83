"""TensorRT reads and builds every graph there is, here, without a GPU."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from calibration.__main__ import main as calibrate
from calibration.float8 import as_float8
from calibration.graphs import read_graph
from calibration.quantize import simplified
from engines.errors import EngineError
from engines.model import graph_path, has_graph, read_spec
from engines.networks import NetworkRequest
from engines.protocol import Network, TensorSpec
from engines.shipped import SHIPPED_MODEL
from engines.tensorrt_plan import PlanOptions, build_plan, package, version
from pixelplayer.networks.checkpoint import sound_network
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.networks.vision import FrameNet
from pixelplayer.spec import AudioSpec, MaskSpec, ModelSpec, SoundSpec, VisionSpec
from tests.fakes.tiny_model import tiny_spec, tiny_streaming_spec, write_tiny_model
from training.export import write_model

if sys.platform != "linux" or platform.machine() != "x86_64":
    pytest.skip("TensorRT for RTX has no package for this machine", allow_module_level=True)
import tensorrt_rtx as trt


def published(folder: Path) -> Path:
    """The paper's networks, narrow: enlarging by two with aligned corners, dilation, all levels."""
    spec = ModelSpec(
        name="published",
        channels=6,
        audio=AudioSpec(
            rate_hz=11025, n_fft=1022, hop=256, columns=256, frequency_bins=256, warp_base=21.0
        ),
        vision=VisionSpec(width=4, frame_px=224, grid=14, frames=3, rate_hz=8.0),
        sound=SoundSpec(width=4, levels=7, network="published"),
        mask=MaskSpec(power=1.0, residual_floor=0.2),
    )
    networks = (
        FrameNet(4, 6),
        sound_network(spec.sound, 6, spec.audio.frequency_bins),
        Synthesizer(6),
    )
    write_model(folder, spec, *networks, {})
    return folder


@pytest.fixture(scope="module", params=["shipped", "published", "tiny"])
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> Path:
    """A model folder with graphs in every precision."""
    folder = tmp_path_factory.mktemp(request.param) / "model"
    if request.param == "published":
        published(folder)
    else:
        source = SHIPPED_MODEL if request.param == "shipped" else tiny_model
        shutil.copytree(source, folder)
    kept = folder.parent / "set.npz"
    which = ["--model", str(folder)]
    assert calibrate(["collect", *which, "--band", "2", "--most", "4", "--out", str(kept)]) == 0
    line = ["quantize", *which, "--set", str(kept), "--scenes", "1", "--most-lost-db", "30"]
    assert calibrate(line) == 0
    return folder


def request_for(
    folder: Path, network: Network, precision: str, newest: int | None = None
) -> NetworkRequest:
    spec = read_spec(folder)
    return NetworkRequest(
        folder=folder,
        network=network,
        spec=spec,
        graph=graph_path(folder, network, precision),
        precision=precision,
        threads=1,
        grid=spec.vision.grid_for(9, 16),
        newest=newest,
    )


def has(folder: Path, network: Network) -> None:
    """Or skips: a graph for whole windows alone is the U-Net's of the paper's kind."""
    if not has_graph(folder, network, "fp32"):
        pytest.skip(f"{folder.name} has no {network}.onnx")


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("network", ["vision", "sound", "window"])
def test_every_graph_is_built(model: Path, network: Network, precision: str) -> None:
    has(model, network)
    request = request_for(model, network, precision)
    plan, _ = build_plan(trt, request, PlanOptions())
    assert len(plan) > 0.4 * request.graph.stat().st_size


@pytest.mark.parametrize("network", ["vision", "sound", "window"])
def test_eight_bit_floats_are_built(model: Path, network: Network) -> None:
    has(model, network)
    simple = simplified(read_graph(graph_path(model, network, "fp32")))
    eight = read_graph(graph_path(model, network, "int8"))
    onnx.save(as_float8(eight, simple), model / f"{network}.fp8.onnx")
    request = request_for(model, network, "fp8")
    plan, _ = build_plan(trt, request, PlanOptions())
    assert len(plan) > 0.4 * request.graph.stat().st_size


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_live_decoder_is_built_alone(model: Path, precision: str) -> None:
    if read_spec(model).sound.is_streaming:
        pytest.skip("ears that stream make no columns but the new ones")
    request = request_for(model, "sound", precision, newest=6)
    plan, _ = build_plan(trt, request, PlanOptions())
    assert len(plan) > 1000


def test_a_plan_for_other_gpus_too(model: Path) -> None:
    request = request_for(model, "sound", "fp32")
    plan, _ = build_plan(trt, request, PlanOptions(is_portable=True))
    assert len(plan) > 1000


def odd_request(graph: Path, shape: tuple[int, ...]) -> NetworkRequest:
    """For a graph that is no network of ours."""

    class Odd(NetworkRequest):
        inputs = (TensorSpec(name="x", shape=shape),)

    return Odd(
        folder=graph.parent,
        network="sound",
        spec=tiny_spec(),
        graph=graph,
        precision="fp32",
        threads=1,
        grid=(1, 1),
    )


def test_an_operator_that_is_not_supported_is_named(tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    nodes = [helper.make_node("Bernoulli", ["x"], ["y"], name="/toss/Bernoulli")]
    graph = helper.make_graph(nodes, "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "toss.onnx")
    with pytest.raises(EngineError, match=r"toss.onnx: operator Bernoulli at '/toss/Bernoulli'"):
        build_plan(trt, odd_request(tmp_path / "toss.onnx", (1, 4)), PlanOptions())


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
    weights = numpy_helper.from_array(np.ones((3, 4), np.float32), "w")
    nodes = [helper.make_node("Add", ["x", "w"], ["y"], name="sum")]
    graph = helper.make_graph(nodes, "g", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "sum.onnx")
    with pytest.raises(EngineError, match="cannot build"):
        # 5 rows and 3 cannot be added
        build_plan(trt, odd_request(tmp_path / "sum.onnx", (5, 4)), PlanOptions())


def test_no_graph_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\x08\x07")
    with pytest.raises(EngineError, match=r"cannot (read|build)"):
        build_plan(trt, odd_request(tmp_path / "broken.onnx", (1, 4)), PlanOptions())


def test_the_package_is_found() -> None:
    assert package().__name__ in ("tensorrt", "tensorrt_rtx")
    assert version(trt) >= (1, 0)


def test_a_network_that_streams_is_built(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, tiny_streaming_spec())
    request = request_for(tmp_path, "sound", "fp32")
    plan, _ = build_plan(trt, request, PlanOptions())
    assert len(plan) > 0.4 * request.graph.stat().st_size
