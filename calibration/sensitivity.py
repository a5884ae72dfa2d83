"""Which convolutions suffer from eight bits: each is quantised alone, and the output compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from calibration.graphs import convolutions
from calibration.quantize import quantized
from engines.protocol import Network

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffering:
    """One convolution: the error of the network's output where it alone is quantised."""

    layer: str
    error_db: float  # energy of the difference over that of the output


def sensitivity(simple: ModelProto, inputs: Floats) -> list[Suffering]:
    """All convolutions of a graph of ``calibration.quantize.simplified``, the worst first.

    Args:
        simple: float32.
        inputs: (n, …) what the network gets.
    """
    wanted = outputs(simple, inputs)
    layers = [node.name for node in convolutions(simple)]
    sums = [node.name for node in simple.graph.node if node.op_type == "Add"]
    found = []
    for layer in layers:
        others = {name for name in layers if name != layer} | set(sums)
        alone = quantized(simple, inputs, kept=others)
        found.append(Suffering(layer=layer, error_db=error_db(wanted, outputs(alone, inputs))))
    return sorted(found, key=lambda one: -one.error_db)


def outputs(model: ModelProto, inputs: Floats) -> Floats:
    """What a graph of one input and one output gives for each of ``inputs``, on this processor."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    found: Floats = np.concatenate([session.run(None, {name: row[None]})[0] for row in inputs])
    return found


def error_db(wanted: Floats, found: Floats) -> float:
    """Energy of the difference over that of ``wanted``, in decibels."""
    difference = np.square(found.astype(np.float64) - wanted).sum()
    return float(10 * np.log10(difference / np.square(wanted.astype(np.float64)).sum() + 1e-20))


def as_table(found: Mapping[Network, list[Suffering]]) -> str:
    """Markdown, a convolution a line, by network."""
    lines = ["| network | layer | error alone, dB |", "|---|---|---|"]
    lines += [
        f"| {network} | {one.layer} | {one.error_db:.1f} |"
        for network, all_of in found.items()
        for one in all_of
    ]
    return "\n".join(lines)
