"""Writes a model's graphs in other precisions, and refuses those that cost too much."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto

from calibration.collection import CalibrationError, Collection
from calibration.float8 import as_float8
from calibration.graphs import convolutions, read_graph
from calibration.half import halved
from calibration.quantize import quantized, simplified
from calibration.sensitivity import Suffering, sensitivity
from calibration.steps import quantized_like
from calibration.trials import Cost, Outcome, Trial, cost, judged
from calibration.weights import in_half, packed
from engines.errors import TooFarOffError
from engines.model import Model, graph_path, has_graph
from engines.protocol import Engine, Network
from engines.registry import open_engine
from pixelplayer.pictures import prepared

NETWORKS: tuple[Network, ...] = ("vision", "sound")
RECORD = "precisions.json"
MOST_KEPT = 4  # convolutions of each network that may stay in float32 before int8 is given up
_SENSITIVITY_INPUTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One precision of a model: what it costs, and which convolutions stayed in float32."""

    precision: str
    lost: Cost
    kept: tuple[str, ...] = ()
    suffering: dict[Network, list[Suffering]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What candidates are held against, and with what."""

    model: Model
    backend: str
    threads: int
    scenes: Sequence[Trial]
    most_lost_db: float

    def outcome(self, folder: Path, precision: str) -> Outcome:
        """What the graphs in ``folder`` make of the scenes."""

        def open_network(network: Network, grid: tuple[int, int]) -> Engine:
            return open_engine(folder, network, self.backend, precision, self.threads, grid=grid)

        return judged(self.model, open_network, self.scenes)


def check_folder(folder: Path, precisions: int) -> None:
    """See that graphs in so many precisions can be written, before minutes are spent on them.

    Raises:
        CalibrationError: a folder takes nothing or is full, or ``precisions.json`` is damaged.
    """
    _record(folder)
    graphs = [path for path in folder.glob("*.onnx") if "." not in path.stem]
    needed = precisions * sum(path.stat().st_size for path in graphs)  # each has half of it or less
    try:
        places = {"copy the model, and give --model": folder}
        places["set TMPDIR to another"] = Path(tempfile.gettempdir())  # where they are judged
        for mend, place in places.items():
            with tempfile.TemporaryFile(dir=place):
                free = shutil.disk_usage(place).free
            if free < needed:
                raise CalibrationError(
                    f"{place} has {free / 1e6:.0f} MB left, and up to {needed / 1e6:.0f} are "
                    f"written; free space there, or {mend}"
                )
    except OSError as error:
        raise CalibrationError(
            f"{folder} cannot be written: {error.strerror}; make it writable, or copy the model "
            "and give --model"
        ) from error


def _record(folder: Path) -> dict[str, Any]:
    """What is known of the precisions that a model has.

    Raises:
        CalibrationError: its ``precisions.json`` is damaged.
    """
    path = folder / RECORD
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CalibrationError(f"{path} is damaged ({reason}); remove it") from error
    if not isinstance(known, dict):
        raise CalibrationError(f"{path} is damaged (no object); remove it")
    return known


def write_fp16(bench: Bench, reference: Outcome) -> Written:
    """``vision.fp16.onnx``, ``sound.fp16.onnx`` and ``window.fp16.onnx`` in the model's folder.

    Of ears that stream the weights alone have sixteen bits.

    Raises:
        CalibrationError: a weight does not fit, or it costs more than it may.
    """
    # Batch norms are folded first: their variances may be more than sixteen bits hold.
    half_sound = in_half if bench.model.spec.sound.is_streaming else halved
    graphs: dict[Network, ModelProto] = {
        network: (half_sound if network == "sound" else halved)(
            simplified(_fp32(bench.model, network))
        )
        for network in _judged(bench.model)
    }
    lost = _lost(bench, reference, graphs, "fp16")
    written = Written(precision="fp16", lost=lost)
    _accept(bench, written)
    _keep(bench.model.folder, graphs, written)
    return written


def write_eight_bits(
    bench: Bench, reference: Outcome, collection: Collection, precision: str
) -> Written:
    """``vision``, ``sound`` and ``window.int8.onnx`` in the model's folder, or ``….fp8.onnx``.

    As long as it costs more than it may, the convolutions that suffer most go back to float32, one
    of each network at a time. Of ears that stream the weights alone have eight bits. Where whole
    windows have a graph of their own, it has the same convolutions in float32. Where the model has
    steps with a cache, ``step.int8.onnx`` is quantised as ``sound.int8.onnx`` is, and so is
    ``stretch.int8.onnx``, of ears that stream.

    Raises:
        CalibrationError: it costs more than it may with ``MOST_KEPT`` of them left.
    """
    inputs = {
        "vision": prepared(collection.pictures, bench.model.spec.vision.picture),
        "sound": collection.log_magnitudes[:, np.newaxis],
    }
    simple = {network: simplified(_fp32(bench.model, network)) for network in _judged(bench.model)}
    streams = bench.model.spec.sound.is_streaming
    whole: tuple[Network, ...] = ("vision",) if streams else NETWORKS
    small = {network: packed(simple[network]) for network in NETWORKS if network not in whole}
    suffering = {
        network: sensitivity(simple[network], inputs[network][:_SENSITIVITY_INPUTS])
        for network in whole
    }
    if precision == "fp8":  # of the engines on a processor one knows it
        bench = replace(bench, backend="onnxruntime")
    for count in range(MOST_KEPT + 1):
        kept = {network: [one.layer for one in suffering[network][:count]] for network in whole}
        graphs = small | {
            network: quantized(simple[network], inputs[network], kept=kept[network])
            for network in whole
        }
        if "window" in simple:
            left = _same(simple["sound"], kept["sound"], simple["window"])
            graphs["window"] = quantized(simple["window"], inputs["sound"], kept=left)
        if precision == "fp8":
            graphs = {network: as_float8(graphs[network], simple[network]) for network in graphs}
        written = Written(
            precision=precision,
            lost=_lost(bench, reference, graphs, precision),
            kept=tuple(f"{network}:{layer}" for network in whole for layer in kept[network]),
            suffering=suffering,
        )
        if written.lost.sdr_db <= bench.most_lost_db:
            break
    _accept(bench, written)
    if bench.model.spec.sound.step_columns and precision == "int8":
        graphs["step"] = quantized_like(simplified(_fp32(bench.model, "step")), graphs["sound"])
    if precision == "int8" and has_graph(bench.model.folder, "stretch", "fp32"):
        graphs["stretch"] = packed(simplified(_fp32(bench.model, "stretch")))
    _keep(bench.model.folder, graphs, written)
    return written


def _judged(model: Model) -> tuple[Network, ...]:
    """The networks, and the graph for whole windows where there is one."""
    return (*NETWORKS, "window") if has_graph(model.folder, "window", "fp32") else NETWORKS


def _same(simple: ModelProto, layers: Sequence[str], window: ModelProto) -> list[str]:
    """The convolutions of the graph for whole windows that are ``layers`` of the other.

    They come in the same order, on the way up one for every tap.
    """
    names, others = ([node.name for node in convolutions(one)] for one in (simple, window))
    half = len(names) // 2
    taps = (len(others) - half) // half
    left: list[str] = []
    for place in map(names.index, layers):
        first = half + taps * (place - half)
        left += [others[place]] if place < half else others[first : first + taps]
    return left


def _fp32(model: Model, network: Network) -> ModelProto:
    return read_graph(graph_path(model.folder, network, "fp32"))


def _lost(
    bench: Bench, reference: Outcome, graphs: dict[Network, ModelProto], precision: str
) -> Cost:
    """Of the graph for whole windows, and of the one for some of their columns, what loses more."""
    some = {network: graph for network, graph in graphs.items() if network != "window"}
    costs = [_cost(bench, reference, some, precision)]
    if "window" in graphs:
        costs.append(_cost(bench, reference, graphs, precision))
    return max(costs, key=lambda one: one.sdr_db)


def _cost(
    bench: Bench, reference: Outcome, graphs: dict[Network, ModelProto], precision: str
) -> Cost:
    with tempfile.TemporaryDirectory(prefix="calibration-") as scratch:
        folder = Path(scratch)
        for name in ("model.json", "weights.safetensors", *(f"{one}.onnx" for one in graphs)):
            shutil.copy(bench.model.folder / name, folder / name)
        for network, graph in graphs.items():
            onnx.save(graph, folder / f"{network}.{precision}.onnx")
        try:
            return cost(reference, bench.outcome(folder, precision))
        except TooFarOffError:  # no engine would take it: all is lost
            return Cost(sdr_db=math.inf, in_place=1.0, vision_cosine=0.0, sound_cosine=0.0)


def _accept(bench: Bench, written: Written) -> None:
    if written.lost.sdr_db > bench.most_lost_db:
        raise CalibrationError(
            f"{written.precision} would lose {written.lost.sdr_db:.2f} dB SDR, more than "
            f"{bench.most_lost_db:.2f}, with {len(written.kept)} convolutions left in fp32; "
            "nothing was written. Give a larger calibration set, or allow more with --most-lost-db"
        )


def _keep(folder: Path, graphs: dict[Network, ModelProto], written: Written) -> None:
    """Put the graphs beside the others, and what is known of them into ``precisions.json``."""
    known = _record(folder)
    known[written.precision] = {"lost": asdict(written.lost), "kept_in_fp32": list(written.kept)}
    with tempfile.TemporaryDirectory(dir=folder, prefix=".precision-") as scratch:
        for network, graph in graphs.items():
            onnx.save(graph, Path(scratch) / f"{network}.{written.precision}.onnx")
        text = json.dumps(known, indent=2, allow_nan=False) + "\n"
        (Path(scratch) / RECORD).write_text(text, encoding="utf-8")
        for path in sorted(Path(scratch).iterdir()):
            path.replace(folder / path.name)
