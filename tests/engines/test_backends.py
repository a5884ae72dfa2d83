"""Every backend: the reference's numbers, its own buffers, and plain words when misused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from engines.errors import EngineError
from engines.protocol import Engine, FloatArray, Network
from engines.registry import BACKENDS, is_installed, open_engine
from engines.store import Store
from tests.fakes.tiny_model import tiny_spec

NETWORKS: tuple[Network, ...] = ("vision", "sound")


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.gpu if entry.needs_gpu else ())
        for name, entry in BACKENDS.items()
        # tests/live/test_remote.py, and test_torch_compile.py
        if not (entry.needs_server or entry.is_slow_to_open)
    ]
)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if not is_installed(name):
        pytest.skip(f"{name} is not installed")
    provider = BACKENDS[name].provider
    if provider and provider not in ort.get_available_providers():
        pytest.skip(f"ONNX Runtime has no {provider} here")
    return name


@pytest.fixture
def sound_engine(backend: str, tiny_model: Path) -> Iterator[Engine]:
    with open_engine(tiny_model, "sound", backend, "auto", 1) as engine:
        yield engine


def random_inputs(engine: Engine, seed: int) -> dict[str, FloatArray]:
    """Pictures in [0, 1], or log magnitudes."""
    rng = np.random.default_rng(seed)
    low, high = (0, 1) if engine.inputs[0].name == "picture" else (-23, 5)
    return {
        spec.name: rng.uniform(low, high, spec.shape).astype(np.float32) for spec in engine.inputs
    }


@pytest.mark.parametrize("network", NETWORKS)
def test_agrees_with_torch(backend: str, network: Network, tiny_model: Path):
    with (
        open_engine(tiny_model, network, "torch", "fp32", 1) as reference,
        open_engine(tiny_model, network, backend, "fp32", 1) as engine,
    ):
        for seed in range(3):
            inputs = random_inputs(engine, seed)
            (expected,) = reference.infer(inputs).values()
            (found,) = engine.infer(inputs).values()
            assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_agrees_with_torch_on_pictures_of_other_proportions(backend: str, tiny_model: Path):
    grid = tiny_spec().vision.grid_for(9, 16)
    with (
        open_engine(tiny_model, "vision", "torch", "fp32", 1, grid=grid) as reference,
        open_engine(tiny_model, "vision", backend, "fp32", 1, grid=grid) as engine,
    ):
        assert engine.outputs[0].shape[2:] == grid == (3, 5)
        inputs = random_inputs(engine, 0)
        assert inputs["picture"].shape[2:] == (48, 80)
        (expected,) = reference.infer(inputs).values()
        (found,) = engine.infer(inputs).values()
        assert found.shape == engine.outputs[0].shape
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_shapes_are_known_before_the_first_call(sound_engine: Engine, backend: str):
    audio = tiny_spec().audio
    window = (audio.frequency_bins, audio.columns)
    assert sound_engine.name == f"{backend}/fp32"
    assert [(spec.name, spec.shape) for spec in sound_engine.inputs] == [
        ("log_magnitude", (1, 1, *window))
    ]
    for spec in sound_engine.outputs:
        assert (spec.name, spec.shape, spec.dtype) == ("sound", (1, 4, *window), "float32")
        result = sound_engine.infer(random_inputs(sound_engine, 0))[spec.name]
        assert (result.shape, result.dtype) == (spec.shape, spec.dtype)
        assert result.flags.c_contiguous


def test_results_belong_to_the_caller(sound_engine: Engine):
    first_inputs, second_inputs = random_inputs(sound_engine, 1), random_inputs(sound_engine, 2)
    first = sound_engine.infer(first_inputs)["sound"]
    kept = first.copy()
    second = sound_engine.infer(second_inputs)["sound"]
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, kept)
    first[:] = np.nan
    again = sound_engine.infer(first_inputs)["sound"]
    np.testing.assert_array_equal(again, kept)


def test_inputs_are_read_during_the_call_only(sound_engine: Engine):
    inputs = random_inputs(sound_engine, 3)
    kept = {name: array.copy() for name, array in inputs.items()}
    first = sound_engine.infer(inputs)["sound"]
    np.testing.assert_array_equal(inputs["log_magnitude"], kept["log_magnitude"])
    before = first.copy()
    inputs["log_magnitude"][:] = 0
    np.testing.assert_array_equal(first, before)


def test_read_only_and_strided_inputs_are_taken(sound_engine: Engine):
    (array,) = random_inputs(sound_engine, 4).values()
    expected = sound_engine.infer({"log_magnitude": array})["sound"]
    strided = np.asfortranarray(array)
    strided.setflags(write=False)
    found = sound_engine.infer({"log_magnitude": strided})["sound"]
    np.testing.assert_array_equal(found, expected)


def test_wrong_inputs_are_named(sound_engine: Engine):
    (array,) = random_inputs(sound_engine, 5).values()
    with pytest.raises(EngineError, match=r"takes inputs \['log_magnitude'\], got \['picture'\]"):
        sound_engine.infer({"picture": array})
    with pytest.raises(
        EngineError, match=r"float32 \(1, 1, 48, 32\), got float32 \(1, 1, 48, 31\)"
    ):
        sound_engine.infer({"log_magnitude": array[..., 1:]})
    with pytest.raises(EngineError, match=r"got float64"):
        sound_engine.infer({"log_magnitude": array.astype(np.float64)})


def test_a_closed_engine_says_so(backend: str, tiny_model: Path):
    engine = open_engine(tiny_model, "vision", backend, "fp32", 1)
    inputs = random_inputs(engine, 6)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="is closed"):
        engine.infer(inputs)


def test_two_networks_run_side_by_side(backend: str, tiny_model: Path):
    """Each in its own thread, as in a live run; neither changes the other's numbers."""
    engines = {name: open_engine(tiny_model, name, backend, "fp32", 1) for name in NETWORKS}
    alone = {name: engine.infer(random_inputs(engine, 7)) for name, engine in engines.items()}
    same: list[bool] = []

    def repeat(name: Network) -> None:
        for _ in range(10):
            results = engines[name].infer(random_inputs(engines[name], 7))
            same.extend(np.array_equal(results[output], alone[name][output]) for output in results)

    workers = [threading.Thread(target=repeat, args=(name,), daemon=True) for name in NETWORKS]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert same == [True] * 20


def test_what_was_compiled_is_loaded_the_next_time(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog
):
    """And says the same; a damaged one is told, and compiled again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    grid = tiny_spec().vision.grid_for(9, 16)

    def infer() -> FloatArray:
        with open_engine(tiny_model, "vision", "openvino", "fp32", 1, grid=grid) as engine:
            return engine.infer(random_inputs(engine, 3))["features"]

    first = infer()
    (kept,) = Store().entries()
    assert kept.key.runtime == "openvino"
    np.testing.assert_array_equal(infer(), first)
    assert Store().entries() == [kept]
    folder = Store().folder
    assert folder is not None
    (folder / kept.key.digest / "engine.bin").write_bytes(b"no network")
    np.testing.assert_array_equal(infer(), first)
    assert "built again" in caplog.text
    assert Store().load(kept.key) is not None


def test_two_that_start_together_compile_once(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Threads stand for processes: the lock is of each opening."""
    from engines.backends import openvino

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled = openvino._compiled
    built: list[object] = []

    def slowly(*arguments: Any) -> openvino.OpenVinoEngine:
        built.append(arguments)
        time.sleep(0.3)
        return compiled(*arguments)

    monkeypatch.setattr(openvino, "_compiled", slowly)

    def start() -> None:
        open_engine(tiny_model, "sound", "openvino", "fp32", 1).close()

    workers = [threading.Thread(target=start) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert len(built) == 1


@pytest.mark.parametrize("newest", [1, 6, 31, 32])
def test_the_newest_columns_alone_are_those_of_the_whole(
    backend: str, newest: int, tiny_model: Path
):
    with (
        open_engine(tiny_model, "sound", backend, "fp32", 1) as whole,
        open_engine(tiny_model, "sound", backend, "fp32", 1, newest=newest) as some,
    ):
        inputs = random_inputs(whole, 8)
        (expected,), (found,) = whole.infer(inputs).values(), some.infer(inputs).values()
    assert found.shape == some.outputs[0].shape == (*expected.shape[:3], newest)
    difference = np.abs(found - expected[..., -newest:]).max()
    assert difference <= 2e-6 * np.abs(expected).max()


@pytest.mark.parametrize("newest", [1, 2, 6, 99, 255, 256])
def test_the_newest_columns_alone_are_those_of_the_whole_in_the_papers_network_too(
    backend: str, newest: int, tiny_published_model: Path
):
    """It enlarges with aligned corners: every column's place depends on the whole width."""
    folder = tiny_published_model
    with (
        open_engine(folder, "sound", backend, "fp32", 1) as whole,
        open_engine(folder, "sound", backend, "fp32", 1, newest=newest) as some,
    ):
        inputs = random_inputs(whole, 8)
        (expected,), (found,) = whole.infer(inputs).values(), some.infer(inputs).values()
        inputs["log_magnitude"][..., :64] = 0
        (changed,) = some.infer(inputs).values()
    assert found.shape == some.outputs[0].shape == (*expected.shape[:3], newest)
    size = np.abs(expected).max()
    assert np.abs(found - expected[..., -newest:]).max() <= 1e-5 * size
    assert np.abs(changed - found)[..., -1].max() >= 0.01 * size  # the oldest are heard in it


def test_a_graph_that_gives_all_columns_only_is_told(own_model: Path):
    path = own_model / "sound.onnx"
    graph = onnx.load(path)
    for tensor in graph.graph.initializer:
        if tensor.name == "columns":
            tensor.name = "other"
    for node in graph.graph.node:
        node.input[:] = ["other" if name == "columns" else name for name in node.input]
    onnx.save(graph, path)
    open_engine(own_model, "sound", "onnxruntime", "fp32", 1).close()
    with pytest.raises(EngineError, match="cannot give some columns alone; export the model again"):
        open_engine(own_model, "sound", "onnxruntime", "fp32", 1, newest=6)


@pytest.mark.parametrize("newest", [0, 33])
def test_a_window_has_only_so_many_columns(newest: int, tiny_model: Path):
    with pytest.raises(EngineError, match=f"has no {newest} columns"):
        open_engine(tiny_model, "sound", "onnxruntime", "fp32", 1, newest=newest)


def test_results_come_in_the_callers_own_arrays(sound_engine: Engine):
    first, second = random_inputs(sound_engine, 0), random_inputs(sound_engine, 1)
    (name,) = (spec.name for spec in sound_engine.outputs)
    expected = sound_engine.infer(first)[name]
    room = np.full_like(expected, np.nan)
    assert sound_engine.infer(first, into={name: room})[name] is room
    sound_engine.infer(second)
    np.testing.assert_array_equal(room, expected)
    with pytest.raises(EngineError):
        sound_engine.infer(first, into={name: room[:, :1]})
