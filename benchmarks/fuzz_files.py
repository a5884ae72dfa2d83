"""Damaged files of every kind that the player reads, and the readers that a run gives them to.

All of them are made from files that the project writes itself, so small that thousands are read in
minutes.
"""

from __future__ import annotations

import json
import shutil
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.fuzz_kept import (
    SESSION_FILES,
    read_calibration_set,
    read_devices,
    read_session,
    write_kept,
)
from benchmarks.mutations import damaged_bytes, damaged_json, json_text, strange
from calibration.collection import CalibrationError
from engines import memory
from engines.auto import CANDIDATES, recalled
from engines.errors import EngineError
from engines.model import open_model
from engines.protocol import Network
from engines.registry import open_engine
from engines.store import EngineKey, Store
from pixelplayer.spec import SpecError
from pixelplayer.stft import low_delay, symmetric
from pixelplayer.warp import LogFrequencyWarp
from realtime.command_line import parse
from realtime.compose import compose
from realtime.dial import DIALS, dial_at
from realtime.errors import UsageError
from realtime.options import Options
from realtime.plain import PlainError
from realtime.plan import Plan
from realtime.sources.media import MediaSource, Want
from realtime.sources.pacing import FastPace
from tests.realtime.sources.media_files import noise, write_media, write_wav

REFUSALS = (SpecError, EngineError, UsageError, PlainError, CalibrationError)
_MOST_STEPS = 400  # of a source: what a damaged time says would otherwise last for hours
_RATES_HZ = (8_000, 44_100, 192_000)
_MODELS = ("whole", "streaming")


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file: what it looks like whole, and who reads it.

    ``wholes`` names files under the folder of whole ones. ``read`` is given the damaged file's
    bytes, the whole file's name, the folder of whole files and one to write into.
    """

    wholes: tuple[str, ...]
    read: Callable[[bytes, str, Path, Path], None]


def write_wholes(folder: Path) -> None:
    """One whole file of each kind, under the names that ``KINDS`` has for them."""
    from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model  # loads torch

    write_tiny_model(folder / "whole")
    write_tiny_model(folder / "streaming", tiny_streaming_spec())
    for name in _MODELS:
        _name_instruments(folder / name / "model.json")
    (folder / "engines").mkdir()
    store = Store(folder / "engines")
    store.keep(_KEY, b"an engine, compiled" * 20, 1.5, {"parity": 0.001, "median_ms": 2.5})
    for name in ("manifest.json", "engine.bin"):
        shutil.copy(folder / "engines" / _KEY.digest / name, folder / name)
    measured = [
        {"backend": name, "precision": "fp32", "vision_ms": 1.5, "sound_ms": 2.5}
        for name in CANDIDATES
    ]
    memory.remember(folder / "engines.json", _MEMORY_KEY, {"measurements": measured})
    for name, text in _TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    line = [
        "--demo",
        "--duration",
        "1",
        "--pace",
        "fast",
        "--engine",
        "onnxruntime",
        "--view",
        "none",
    ]
    plan = compose(parse([*line, "--model", str(folder / "whole")]), {}, lambda _: None)
    (folder / "plan.json").write_text(plan.with_addresses(Path("/tmp/none")).to_json(), "utf-8")
    _write_media(folder)
    write_kept(folder)


def _name_instruments(path: Path) -> None:
    described = json.loads(path.read_text(encoding="utf-8"))
    channels = described["channels"]
    described["classes"] = [f"instrument_{number}" for number in range(3)]
    described["class_vectors"] = [[0.25 * (number + 1)] * channels for number in range(3)]
    path.write_text(json.dumps(described), encoding="utf-8")


def _write_media(folder: Path) -> None:
    samples = noise(6_000, 2)
    short: dict[str, Any] = {"frames": 4, "samples": samples, "layout": "stereo"}
    write_media(folder / "clip.mp4", video_codec="libx264", audio_codec="aac", **short)
    write_media(folder / "clip.mkv", **short)
    write_media(folder / "clip.webm", video_codec="libvpx", audio_codec="libopus", rate_hz=48_000,
                **short)  # fmt: skip
    write_media(folder / "clip.avi", audio_codec="mp2", **short)
    write_media(folder / "clip.mp3", samples=samples, layout="stereo", audio_codec="libmp3lame")
    write_media(folder / "clip.flac", samples=samples, layout="stereo", audio_codec="flac")
    write_wav(folder / "sound.wav", samples, 44_100)
    with wave.open(str(folder / "bytes.wav"), "wb") as file:
        file.setparams((1, 1, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 8)


def damaged(kind: FileKind, folder: Path, rng: Random) -> tuple[str, bytes]:
    """The name of a whole file of ``kind``, and its bytes after an accident."""
    name = rng.choice(kind.wholes)
    whole = (folder / name).read_bytes()
    if name.endswith(".json") and rng.random() < 0.8:
        return name, json_text(rng, damaged_json(rng, json.loads(whole)))
    if name in _TEXTS and rng.random() < 0.7:
        return name, _with_other_values(rng, whole.decode()).encode("utf-8", "replace")
    return name, damaged_bytes(rng, whole)


def _with_other_values(rng: Random, text: str) -> str:
    lines = text.splitlines()
    for _ in range(rng.choice((1, 1, 2))):
        place = rng.randrange(len(lines))
        key = lines[place].partition(" = ")[0]
        lines[place] = f"{key} = {json_text(rng, strange(rng)).decode()}"
    return "\n".join(lines)


def _read_description(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    """Everything that a run makes of model.json, up to its graphs."""
    model = wholes / name.partition("/")[0]
    shutil.copy(model / "weights.safetensors", scratch)
    (scratch / "model.json").write_bytes(data)
    spec = open_model(scratch).spec
    for lookahead in DIALS:
        dial_at(spec, lookahead)
    for rate_hz in _RATES_HZ:
        analysis = spec.audio.at_rate(rate_hz)
        low_delay(analysis)
        symmetric(analysis)
        warp = LogFrequencyWarp(spec.audio, analysis)
        heard = warp.log_magnitude(np.ones((analysis.bins, 2), np.complex64))
        assert np.isfinite(heard).all()
    spec.vision.grid_for(9, 16)
    for network in ("vision", "sound"):
        shutil.copy(model / f"{network}.onnx", scratch)
        _open(scratch, network, "onnxruntime")


def _read_weights(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    shutil.copy(wholes / name.partition("/")[0] / "model.json", scratch)
    (scratch / "weights.safetensors").write_bytes(data)
    open_model(scratch)


def _graph_reader(backend: str) -> Callable[[bytes, str, Path, Path], None]:
    """Opens and runs a graph in one of the engines."""

    def read(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
        model, _, file = name.partition("/")
        shutil.copy(wholes / model / "model.json", scratch)
        (scratch / file).write_bytes(data)
        _open(scratch, "vision" if file.startswith("vision") else "sound", backend)

    return read


def _open(folder: Path, network: Network, backend: str) -> None:
    with open_engine(folder, network, backend, "fp32", 1, grid=(2, 3)) as engine:
        engine.infer({one.name: np.zeros(one.shape, np.float32) for one in engine.inputs})


def _read_engine(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    """Nothing is refused here: a damaged engine is built again."""
    store = Store(scratch)
    shutil.copytree(wholes / "engines", scratch, dirs_exist_ok=True)
    (scratch / _KEY.digest / name).write_bytes(data)
    whole = store.load(_KEY)
    assert whole is None or whole == (wholes / "engine.bin").read_bytes()
    for manifest in store.entries():
        manifest.describe()
    store.keep(_KEY, b"another", 0.1, {})
    assert store.load(_KEY) == b"another"


def _read_memory(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    path = scratch / name
    path.write_bytes(data)
    for one in recalled(path, _MEMORY_KEY):
        assert one.total_ms > 0
    assert memory.remember(path, "another", {"a": 1}) is None
    assert memory.recall(path, "another") == {"a": 1}


def _read_settings(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    path = scratch / name
    path.write_bytes(data)
    options = parse(["--config", str(path)])
    assert Options.from_plain(json.loads(json.dumps(options.to_plain()))) == options


def _read_plan(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    plan = Plan.from_json(data.decode("utf-8", "replace"))
    for stage in plan.stages:
        plan.ways(stage)
        plan.listens(stage)
    Options.from_plain(plan.options)
    Plan.from_json(plan.to_json())


def _read_clip(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    _play(data, scratch / name, "both")


def _read_sound(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    _play(data, scratch / name, "audio")


def _play(data: bytes, path: Path, want: Want) -> None:
    path.write_bytes(data)
    source = MediaSource(str(path), stream="s", pace=FastPace(), want=want)
    try:
        source.open()
        for step in range(_MOST_STEPS):
            source.step(step, {})
            if source.finished:
                break
        source.stats()
    finally:
        source.close()


_MEMORY_KEY = "0" * 64
_KEY = EngineKey(
    graph_sha256="1" * 64,
    runtime="openvino",
    runtime_version="1.0",
    device="a processor",
    capability="FP32",
    precision="fp32",
    shapes={"picture": (1, 3, 64, 64)},
    options={"threads": 1, "fast": True},
)
_TEXTS = {
    "player.toml": (
        'source = "clip.mp4"\nspeaker = "none"\nobjects = 3\nlookahead = "studio"\n'
        'engine = "onnxruntime"\nduration = 2.5\npace = "fast"\nrecord = "take"\n'
    ),
    "demo.toml": 'demo = true\nduration = 10\nlookahead = 93.0\nview = "web"\nplace = "threads"\n',
}


def _of_models(*files: str) -> tuple[str, ...]:
    return tuple(f"{model}/{file}" for model in _MODELS for file in files)


_GRAPHS = _of_models("vision.onnx", "sound.onnx")
KINDS: Mapping[str, FileKind] = MappingProxyType(
    {
        "model.json": FileKind(_of_models("model.json"), _read_description),
        "safetensors": FileKind(_of_models("weights.safetensors"), _read_weights),
        "ONNX": FileKind(_GRAPHS, _graph_reader("onnxruntime")),
        "ONNX in OpenVINO": FileKind(_GRAPHS, _graph_reader("openvino")),
        "engine manifest": FileKind(("manifest.json",), _read_engine),
        "engine": FileKind(("engine.bin",), _read_engine),
        "engines.json": FileKind(("engines.json",), _read_memory),
        "settings": FileKind(tuple(_TEXTS), _read_settings),
        "plan": FileKind(("plan.json",), _read_plan),
        "clip": FileKind(("clip.mp4", "clip.mkv", "clip.webm", "clip.avi"), _read_clip),
        "sound": FileKind(("sound.wav", "bytes.wav", "clip.flac", "clip.mp3"), _read_sound),
        "session": FileKind(SESSION_FILES, read_session),
        "devices.json": FileKind(("devices.json",), read_devices),
        "calibration set": FileKind(("calibration.npz",), read_calibration_set),
    }
)
# Of every hundred damaged files, how many are of which kind; a clip takes most of the time.
SHARES: Mapping[str, int] = MappingProxyType(
    {
        "model.json": 14, "safetensors": 10, "ONNX": 14, "ONNX in OpenVINO": 2,
        "engine manifest": 6, "engine": 2, "engines.json": 6, "settings": 6, "plan": 6,
        "clip": 11, "sound": 11, "session": 6, "devices.json": 3, "calibration set": 3,
    }
)  # fmt: skip
