"""A model folder as a live run sees it: its description, its synthesizer, its graphs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from engines.errors import EngineError
from engines.protocol import FloatArray, Network
from pixelplayer.spec import ModelSpec, SpecError
from pixelplayer.vocabulary import Vocabulary

PRECISIONS = ("fp32", "fp16", "int8", "fp8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model folder.

    ``scale`` is float32 (K,) and ``bias`` a number: the synthesizer's, so that the mask logit of
    a visual vector v at a point of the sound components s is ``sum_k scale_k v_k s_k + bias``.
    """

    spec: ModelSpec
    scale: FloatArray
    bias: float
    folder: Path
    vocabulary: Vocabulary | None  # None: the model names no instruments


def open_model(folder: Path) -> Model:
    """Read a model folder's ``model.json`` and its synthesizer; no inference runtime is needed.

    Raises:
        EngineError: a file is missing, unreadable or contradicts the other.
    """
    spec = read_spec(folder)
    path = folder / "weights.safetensors"
    try:
        with safe_open(path, framework="numpy") as tensors:
            scale = np.asarray(tensors.get_tensor("synthesizer.scale"), np.float32)
            bias = np.asarray(tensors.get_tensor("synthesizer.bias"), np.float32)
    except FileNotFoundError:
        raise EngineError(f"{path} is missing; see docs/models.md") from None
    except (OSError, SafetensorError) as error:
        raise EngineError(f"{path} cannot be read ({error}); see docs/models.md") from error
    for name, array, shape in (("scale", scale, (spec.channels,)), ("bias", bias, (1,))):
        if array.shape != shape:
            raise EngineError(
                f"{path}: synthesizer.{name} is {array.shape}, but model.json asks for {shape}; "
                "see docs/models.md"
            )
        if not np.isfinite(array).all():
            raise EngineError(
                f"{path}: synthesizer.{name} has values that are not finite; "
                "use another checkpoint (--model DIR)"
            )
    try:
        vocabulary = Vocabulary.read(folder, spec.channels)
    except SpecError as error:
        raise EngineError(str(error)) from error
    return Model(spec=spec, scale=scale, bias=float(bias[0]), folder=folder, vocabulary=vocabulary)


def read_spec(folder: Path) -> ModelSpec:
    """``folder/model.json``.

    Raises:
        EngineError: it is missing or wrong.
    """
    try:
        return ModelSpec.load(folder)
    except SpecError as error:
        raise EngineError(str(error)) from error


def resolve_precision(precision: str) -> str:
    """What ``auto`` stands for: the graph as trained, fp32."""
    return "fp32" if precision == "auto" else precision


def has_graph(folder: Path, network: Network, precision: str) -> bool:
    """Whether a model has one of its networks in a precision: see ``graph_path``."""
    try:
        return graph_path(folder, network, precision).exists()
    except EngineError:
        return False


def whole_network(folder: Path, network: Network, precision: str) -> Network:
    """The same; of ``sound``, where whole windows have a graph of their own, ``window``."""
    if network == "sound" and has_graph(folder, "window", precision):
        return "window"
    return network


def graph_path(folder: Path, network: Network, precision: str) -> Path:
    """The ONNX file of one network in one precision: ``sound.onnx``, ``sound.int8.onnx``.

    Args:
        folder: the model's.
        network: which of them.
        precision: ``auto`` or one of ``PRECISIONS``; ``auto`` is the graph as trained, fp32.

    Raises:
        EngineError: the precision is unknown, or the model has no such graph.
    """
    if precision in ("auto", "fp32"):
        return folder / f"{network}.onnx"
    if precision not in PRECISIONS:
        raise EngineError(f"unknown precision {precision!r}; use auto or one of {list(PRECISIONS)}")
    path = folder / f"{network}.{precision}.onnx"
    if not path.exists():
        raise EngineError(
            f"the model in {folder} has no {precision} graph ({path.name} is missing); "
            "use --precision fp32"
        )
    return path
