"""Graphs in floats of eight bits (E4M3), made from those in integers of eight bits.

The pairs stand where they stood; their scales take the largest value to 448, the largest of the
format, in place of 127. P. Micikevicius et al., "FP8 formats for deep learning", 2022. TensorRT
computes in them on GPUs of compute capability 8.9 and newer; ONNX Runtime can, slowly, and judges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_LARGEST, _INT8_LARGEST = 448.0, 127.0
_OPSET = 19  # the first whose pairs take these floats
_ENDINGS = ("_quantized", "_bytes")  # of a kernel's name, as the two quantisers have it


def as_float8(eight: ModelProto, simple: ModelProto) -> ModelProto:
    """``eight`` (int8, see ``quantized`` and ``packed``) with floats in place of integers.

    Args:
        eight: symmetric, Q/DQ.
        simple: what it was made from: kernels are rounded once, from there.
    """
    model = ModelProto()
    model.CopyFrom(eight)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    kernels = {tensor.name: tensor for tensor in simple.graph.initializer}
    widened: set[str] = set()
    for node in model.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        value, scale, zero = node.input
        if zero in constants and constants[zero].data_type == TensorProto.INT8:
            _replace(constants[zero], np.zeros(tuple(constants[zero].dims), np.float32))
        if scale not in widened:
            widened.add(scale)
            scales = numpy_helper.to_array(constants[scale]) * np.float32(_INT8_LARGEST / _LARGEST)
            constants[scale].CopyFrom(numpy_helper.from_array(scales.astype(np.float32), scale))
        if value in constants and constants[value].data_type == TensorProto.INT8:
            scales = _along(node, numpy_helper.to_array(constants[scale]), constants[value])
            source = kernels.get(_original(value))
            if source is not None:
                parts = numpy_helper.to_array(source) / scales
            else:
                integers = numpy_helper.to_array(constants[value])
                parts = integers.astype(np.float32) * np.float32(_LARGEST / _INT8_LARGEST)
            _replace(constants[value], np.clip(parts, -_LARGEST, _LARGEST))
    del model.graph.value_info[:]  # they would tell the old types
    for opset in model.opset_import:
        if opset.domain == "":
            opset.version = max(opset.version, _OPSET)
    model.ir_version = max(model.ir_version, 9)
    return model


def _replace(tensor: TensorProto, values: NDArray[np.float32]) -> None:
    floats = helper.make_tensor(
        tensor.name, TensorProto.FLOAT8E4M3FN, values.shape, values.astype(np.float32).ravel()
    )
    if floats.int32_data:  # as it may be written, in nearly twice as many bytes
        floats.raw_data = bytes(floats.int32_data)
        floats.ClearField("int32_data")
    tensor.CopyFrom(floats)


def _original(name: str) -> str:
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name


def _along(
    node: NodeProto, scales: NDArray[np.float32], kernel: TensorProto
) -> NDArray[np.float32]:
    """In the shape in which they divide a kernel."""
    if scales.ndim == 0:
        return scales
    axis = next((entry.i for entry in node.attribute if entry.name == "axis"), 1)
    return scales.reshape([-1 if place == axis else 1 for place in range(len(kernel.dims))])
