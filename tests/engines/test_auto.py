"""The choice follows the clock, is remembered, and survives whatever the cache holds."""

from __future__ import annotations

import errno
import itertools
import json
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from engines import auto, memory
from engines.auto import CANDIDATES, choose
from engines.errors import EngineError
from engines.locks import held
from engines.protocol import FloatArray, Network, TensorSpec


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is one: these tests are about what is measured."""

    def device() -> None:
        raise EngineError("no GPU")

    monkeypatch.setattr("engines.cuda.device", device)


class FakeEngine:
    """Answers at once, or fails as told."""

    inputs = (TensorSpec(name="x", shape=(1,)),)
    outputs = (TensorSpec(name="y", shape=(1,)),)

    def __init__(self, name: str, log: list[str], problem: str | None) -> None:
        self.name = name
        self._log = log
        self._problem = problem

    def infer(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        if self._problem:
            raise EngineError(self._problem)
        self._log.append(self.name)
        return {"y": np.zeros(1, np.float32)}

    def close(self) -> None:
        self._log.append(f"close {self.name}")

    def __enter__(self) -> FakeEngine:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Opener:
    """Opens fakes; ``problems`` are raised on opening, ``failures`` while running."""

    def __init__(self, problems: Mapping[str, str] = {}, failures: Mapping[str, str] = {}) -> None:
        self.log: list[str] = []
        self.opened: list[tuple[str, Network, str, int]] = []
        self._problems = problems
        self._failures = failures

    def __call__(
        self, model_dir: Path, network: Network, backend: str, precision: str, threads: int
    ) -> FakeEngine:
        if problem := self._problems.get(backend):
            raise EngineError(problem)
        self.opened.append((backend, network, precision, threads))
        return FakeEngine(f"{backend} {network}", self.log, self._failures.get(backend))


class Ticks:
    """A clock that moves 0.1 s whenever it is read."""

    def __init__(self) -> None:
        self._ticks = itertools.count()

    def __call__(self) -> float:
        return 0.1 * next(self._ticks)


def test_both_networks_of_every_candidate_run_and_are_closed(tiny_model: Path, tmp_path: Path):
    opener = Opener()
    choice = choose(tiny_model, 3, cache=tmp_path / "c.json", timer=Ticks(), opener=opener)
    names = [(backend, network) for backend in CANDIDATES for network in ("vision", "sound")]
    assert opener.opened == [(*name, "fp32", 3) for name in names]
    for backend, network in names:
        assert opener.log.count(f"{backend} {network}") >= 4
        assert opener.log.count(f"close {backend} {network}") == 1
    assert choice.backend in CANDIDATES
    assert choice.precision == "fp32"
    assert choice.origin == "measured now"


class SpentTime:
    """A clock that moves only as engines spend time."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("fast", CANDIDATES)
def test_the_fastest_wins(fast: str, tiny_model: Path, tmp_path: Path):
    clock = SpentTime()

    class Costly(FakeEngine):
        def infer(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
            clock.now_s += 0.01 if self.name.startswith(fast) else 1000.0
            return super().infer(inputs)

    def opener(_folder: Path, network: Network, backend: str, *_rest: object) -> FakeEngine:
        return Costly(f"{backend} {network}", [], None)

    choice = choose(tiny_model, 1, cache=tmp_path / "c.json", timer=clock, opener=opener)
    assert choice.backend == fast


def test_the_fastest_total_is_taken_from_memory(tiny_model: Path, tmp_path: Path):
    path = tmp_path / "c.json"
    choose(tiny_model, 1, cache=path, timer=Ticks(), opener=Opener())
    content = json.loads(path.read_text())
    (entry,) = content["entries"].values()
    entry["measurements"] = [
        {"backend": "openvino", "precision": "fp32", "vision_ms": 5.0, "sound_ms": 40.0},
        {"backend": "onnxruntime", "precision": "fp32", "vision_ms": 20.0, "sound_ms": 24.5},
    ]
    path.write_text(json.dumps(content))
    choice = choose(tiny_model, 1, cache=path, opener=Opener())
    assert choice.backend == "onnxruntime"
    assert choice.report().splitlines()[1:] == [
        "  onnxruntime/fp32: vision 20.0 ms, sound 24.5 ms",
        "  openvino/fp32: vision 5.0 ms, sound 40.0 ms",
    ]


def test_eight_bits_are_tried_where_the_model_has_both_graphs(own_model: Path, tmp_path: Path):
    def tried(precision: str) -> set[str]:
        opener = Opener()
        path = tmp_path / f"{len(list(own_model.iterdir()))}-{precision}.json"
        choose(own_model, 1, precision, cache=path, timer=Ticks(), opener=opener)
        return {name for _, _, name, _ in opener.opened}

    (own_model / "vision.int8.onnx").write_bytes((own_model / "vision.onnx").read_bytes())
    assert tried("auto") == {"fp32"}
    (own_model / "sound.int8.onnx").write_bytes((own_model / "sound.onnx").read_bytes())
    assert tried("auto") == {"int8", "fp32"}
    assert tried("fp32") == {"fp32"}
    assert tried("int8") == {"int8"}


def test_the_faster_precision_is_chosen_and_remembered(own_model: Path, tmp_path: Path):
    clock = SpentTime()
    for network in ("vision", "sound"):
        graph = (own_model / f"{network}.onnx").read_bytes()
        (own_model / f"{network}.int8.onnx").write_bytes(graph)

    class Costly(FakeEngine):
        def infer(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
            clock.now_s += 0.01 if self.name == "onnxruntime int8" else 1000.0
            return super().infer(inputs)

    def opener(_folder: Path, _network: Network, backend: str, precision: str, _: int):
        return Costly(f"{backend} {precision}", [], None)

    for _ in range(2):
        choice = choose(own_model, 1, cache=tmp_path / "c.json", timer=clock, opener=opener)
        assert (choice.backend, choice.precision) == ("onnxruntime", "int8")
    assert "measured earlier" in choice.origin


def test_a_gpu_is_taken_unmeasured(own_model: Path, tmp_path: Path):
    def chosen(precision: str) -> tuple[str, str, str]:
        path, opener = tmp_path / "c.json", Opener()
        choice = choose(own_model, 1, precision, cache=path, opener=opener, gpu=lambda: "Orin")
        assert not opener.opened
        return choice.backend, choice.precision, choice.report()

    assert chosen("auto")[:2] == ("tensorrt", "fp32")
    for network in ("vision", "sound"):
        (own_model / f"{network}.fp16.onnx").write_bytes(b"")
    assert chosen("auto") == ("tensorrt", "fp16", "engine tensorrt/fp16: not measured, on Orin")
    assert chosen("fp32")[1] == "fp32"


def test_a_second_run_remembers(tiny_model: Path, tmp_path: Path):
    path = tmp_path / "new" / "c.json"
    first = choose(tiny_model, 1, cache=path, timer=Ticks(), opener=Opener())
    opener = Opener()
    second = choose(tiny_model, 1, cache=path, opener=opener)
    assert not opener.opened
    assert (second.backend, second.measurements) == (first.backend, first.measurements)
    assert str(path) in second.report()
    assert set(path.parent.iterdir()) == {path, path.with_suffix(".lock")}


def test_other_graphs_or_threads_are_measured_again(own_model: Path, tmp_path: Path):
    path = tmp_path / "c.json"
    choose(own_model, 1, cache=path, timer=Ticks(), opener=Opener())
    more_threads, other_graph = Opener(), Opener()
    choose(own_model, 2, cache=path, timer=Ticks(), opener=more_threads)
    with (own_model / "sound.onnx").open("ab") as graph:
        graph.write(b"\0")
    choose(own_model, 1, cache=path, timer=Ticks(), opener=other_graph)
    assert more_threads.opened
    assert other_graph.opened
    assert len(json.loads(path.read_text())["entries"]) == 3


@pytest.mark.parametrize(
    ("at", "is_measured"), [(0, True), (1_500_000, False), (-1, True), (None, True)]
)
def test_of_a_graph_the_nodes_and_ports_count_and_not_its_weights(
    at: int | None, is_measured: bool, own_model: Path, tmp_path: Path
):
    graph = own_model / "sound.onnx"
    content = bytearray(3_000_000)
    graph.write_bytes(content)
    choose(own_model, 1, cache=tmp_path / "c.json", timer=Ticks(), opener=Opener())
    if at is None:
        content += b"\0"
    else:
        content[at] ^= 1
    graph.write_bytes(content)
    again = Opener()
    choose(own_model, 1, cache=tmp_path / "c.json", timer=Ticks(), opener=again)
    assert bool(again.opened) == is_measured


def test_without_a_driver_no_bindings_are_asked(monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr("engines.auto.is_installed", lambda name: True)
    monkeypatch.setattr("engines.cuda.device", lambda: asked.append("device"))
    monkeypatch.setattr("engines.cuda.has_driver", lambda: False)
    assert auto.usable_gpu() is None
    assert not asked


def test_what_cannot_run_is_passed_over_with_its_reason(tiny_model: Path, tmp_path: Path):
    for opener in (Opener({"openvino": "no AVX"}), Opener(failures={"openvino": "no AVX"})):
        path = tmp_path / f"{id(opener)}.json"
        choice = choose(tiny_model, 1, cache=path, timer=Ticks(), opener=opener)
        assert choice.backend == "onnxruntime"
        assert "openvino/fp32: no AVX" in choice.report()
        again = choose(tiny_model, 1, cache=path, opener=Opener())
        assert "openvino/fp32: no AVX" in again.report()


def test_nothing_that_runs_is_an_error_with_every_reason(tiny_model: Path, tmp_path: Path):
    path = tmp_path / "c.json"
    with pytest.raises(EngineError, match=r"openvino/fp32: no AVX; onnxruntime/fp32: no memory"):
        choose(
            tiny_model,
            1,
            cache=path,
            opener=Opener({"openvino": "no AVX", "onnxruntime": "no memory"}),
        )
    with pytest.raises(EngineError, match=r"^truncated$"):
        choose(tiny_model, 1, cache=path, opener=Opener(dict.fromkeys(CANDIDATES, "truncated")))
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b'{"version": 0}',
        b'{"version": 1, "entries": 3}',
        b'{"version": 1, "entries": {"KEY": 3}}',
        b'{"version": 1, "entries": {"KEY": {"measurements": []}}}',
        b'{"version": 1, "entries": {"KEY": {"measurements": [{"backend": "abacus"}]}}}',
        b'{"version": 1, "entries": {"KEY": {"measurements": [{"backend": "openvino"}]}}}',
        b'{"version": 1, "entries": {"KEY": {"measurements": [3]}}}',
        b'{"version": 1, "entries": {"KEY": {"measurements":'
        b' [{"backend": "openvino", "vision_ms": NaN, "sound_ms": 1.0}]}}}',
        b'{"version": 1, "entries": {"KEY": {"measurements":'
        b' [{"backend": "openvino", "vision_ms": "1", "sound_ms": 1.0}]}}}',
        b'{"version": 1, "entries": {"KEY": {"measurements":'
        b' [{"backend": "openvino", "precision": "fp32", "vision_ms": -5.0, "sound_ms": 1.0}]}}}',
        b"[" * 100_000,
        b" " * (5 << 20),
    ],
)
def test_a_corrupt_cache_is_measured_over(content: bytes, tiny_model: Path, tmp_path: Path):
    path = tmp_path / "c.json"
    choose(tiny_model, 1, cache=path, timer=Ticks(), opener=Opener())
    (key,) = json.loads(path.read_text())["entries"]
    path.write_bytes(content.replace(b"KEY", key.encode()))
    opener = Opener()
    choose(tiny_model, 1, cache=path, timer=Ticks(), opener=opener)
    assert opener.opened
    assert key in json.loads(path.read_text())["entries"]


def test_a_cache_that_cannot_be_written_is_told_not_raised(tiny_model: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "c.json"  # a file stands where its folder would
    choice = choose(tiny_model, 1, cache=path, timer=Ticks(), opener=Opener())
    assert "not remembered" in choice.report()
    assert str(path) in choice.report()


def test_a_precision_without_graphs_is_refused(tiny_model: Path, tmp_path: Path):
    with pytest.raises(EngineError, match="no int8 graph"):
        choose(tiny_model, 1, "int8", cache=tmp_path / "c.json", opener=Opener())


def test_a_missing_graph_is_named(own_model: Path, tmp_path: Path):
    (own_model / "vision.onnx").unlink()
    with pytest.raises(EngineError, match=r"vision\.onnx cannot be read"):
        choose(own_model, 1, cache=tmp_path / "c.json", opener=Opener())


def test_the_cache_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert memory.default_path() == tmp_path / "cache" / "live-pixel-player" / "engines.json"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        expected = tmp_path / "home" / ".cache" / "live-pixel-player" / "engines.json"
        assert memory.default_path() == expected


def test_old_memories_are_forgotten(tmp_path: Path):
    path = tmp_path / "c.json"
    for index in range(70):
        assert memory.remember(path, f"key {index}", {"index": index}) is None
    entries = json.loads(path.read_text())["entries"]
    assert list(entries) == [f"key {index}" for index in range(6, 70)]


def test_a_full_disk_keeps_nothing_of_what_was_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(_descriptor: int, _mode: str) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    told = memory.remember(tmp_path / "cache" / "c.json", "key", {})
    assert told is not None
    assert told.endswith("cannot be written: No space left on device")
    assert not list((tmp_path / "cache").iterdir())


def test_real_engines_can_be_chosen(tiny_model: Path, tmp_path: Path):
    choice = choose(tiny_model, 1, cache=tmp_path / "c.json")
    assert [entry.problem for entry in choice.measurements] == [None] * len(CANDIDATES)
    assert choice.backend == choice.measurements[0].backend
    assert auto.choose(tiny_model, 1, cache=tmp_path / "c.json").backend == choice.backend


def test_a_guess_measures_nothing_and_knows_what_was_measured(
    own_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cache = tmp_path / "c.json"
    monkeypatch.setattr("engines.auto.is_installed", lambda backend: backend == "onnxruntime")
    first = auto.guess(own_model, 1, cache=cache)
    assert (first.backend, first.is_guess, first.measurements) == ("onnxruntime", True, ())
    assert "not measured on this machine yet" in first.report()
    assert "fastest" not in first.report()
    assert not cache.exists()
    measured = auto.choose(own_model, 1, cache=cache)
    then = auto.guess(own_model, 1, cache=cache)
    assert not then.is_guess
    assert (then.backend, then.precision) == (measured.backend, measured.precision)


def test_who_comes_while_another_measures_waits_and_need_not(own_model: Path, tmp_path: Path):
    cache, opener = tmp_path / "c.json", Opener()
    done = []
    with held(cache.with_suffix(".lock")):
        thread = threading.Thread(
            target=lambda: done.append(choose(own_model, 1, cache=cache, opener=opener))
        )
        thread.start()
        thread.join(0.2)
        assert not done
        assert opener.opened == []
        kept = {"backend": "onnxruntime", "precision": "fp32", "vision_ms": 1.0, "sound_ms": 1.0}
        asked = auto._Asked(own_model, 1, "auto", None)
        assert memory.remember(cache, asked.key(), {"measurements": [kept]}) is None
    thread.join(20)
    assert done[0].origin.startswith("measured earlier")
    assert opener.opened == []


def test_what_bench_has_measured_is_known_to_steps_as_well(own_model: Path, tmp_path: Path):
    cache = tmp_path / "c.json"
    choose(own_model, 1, cache=cache, timer=Ticks(), opener=Opener())
    assert not auto.guess(own_model, 1, newest=3, cache=cache).is_guess
