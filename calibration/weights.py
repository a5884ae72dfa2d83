"""Graphs whose weights have fewer bits, and all else thirty-two: for networks that remember.

What they remember is an input of their next step, where errors add up: quantised as a window's
graph is, ears that stream lose several decibels. A file of a half or a quarter of the size is what
is gained; engines unpack the weights as they load them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from calibration.graphs import convolutions

_MOST = 127.0
_OUTPUTS = {"Conv": 0, "ConvTranspose": 1}  # the axis of a kernel's outputs


def packed(model: ModelProto) -> ModelProto:
    """``model`` (float32), every convolution's kernel as bytes with a scale for each output."""
    small = ModelProto()
    small.CopyFrom(model)
    weights = {tensor.name: tensor for tensor in small.graph.initializer}
    unpacking: list[NodeProto] = []
    for node in convolutions(small):
        name = node.input[1]
        if name in weights:
            axis = _OUTPUTS[node.op_type]
            kernel, scale = _rounded(numpy_helper.to_array(weights.pop(name)), axis)
            parts = {"bytes": kernel, "scale": scale, "zero": np.zeros(len(scale), np.int8)}
            unpacking.append(
                helper.make_node(
                    "DequantizeLinear", [f"{name}_{part}" for part in parts], [name], axis=axis
                )
            )
            for part, values in parts.items():
                packed_part = numpy_helper.from_array(values, f"{name}_{part}")
                weights[packed_part.name] = packed_part
    kept = list(weights.values())
    nodes = [*unpacking, *small.graph.node]
    del small.graph.initializer[:], small.graph.node[:]
    small.graph.initializer.extend(kept)
    small.graph.node.extend(nodes)
    return small


def in_half(model: ModelProto) -> ModelProto:
    """``model`` (float32), every convolution's kernel as float16."""
    small = ModelProto()
    small.CopyFrom(model)
    kernels = {node.input[1] for node in convolutions(small)}
    unpacking = []
    for tensor in small.graph.initializer:
        if tensor.name in kernels:
            name, half = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
            unpacking.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*unpacking, *small.graph.node]
    del small.graph.node[:]
    small.graph.node.extend(nodes)
    return small


def _rounded(
    kernel: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    others = tuple(place for place in range(kernel.ndim) if place != axis)
    largest = np.abs(kernel).max(axis=others)
    scale = (np.maximum(largest, 1e-12) / _MOST).astype(np.float32)
    wide = scale.reshape([-1 if place == axis else 1 for place in range(kernel.ndim)])
    return np.rint(kernel / wide).astype(np.int8), scale
