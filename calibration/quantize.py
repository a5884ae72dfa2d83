"""Graphs in eight bits: Q/DQ pairs around every convolution and every sum of two branches.

Weights get a scale for each output channel, activations one for each tensor, both symmetric, from
the ranges seen in a calibration set: what TensorRT, ONNX Runtime and OpenVINO all read from the one
file. The arithmetic of the quantiser is ONNX Runtime's own.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from calibration.graphs import (
    COLUMNS,
    CONVOLUTIONS,
    fix_columns,
    free_columns,
    preparation,
)

_SUM = "Add"


class _Inputs(CalibrationDataReader):  # type: ignore[misc]
    def __init__(
        self, name: str, inputs: NDArray[np.float32], others: Mapping[str, NDArray[Any]]
    ) -> None:
        self._name = name
        self._rows: Iterator[NDArray[np.float32]] = iter(inputs)
        self._others = others

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        row = next(self._rows, None)
        return None if row is None else {self._name: row[np.newaxis], **self._others}


def simplified(model: ModelProto) -> ModelProto:
    """The same, with batch norms folded into convolutions: what is quantised."""
    freed, columns = free_columns(model)
    with tempfile.TemporaryDirectory(prefix="calibration-") as scratch:
        source, target = Path(scratch) / "graph.onnx", Path(scratch) / "simple.onnx"
        onnx.save(freed, source)
        quant_pre_process(source, target, skip_symbolic_shape=True)
        simple = onnx.load(target)
    return fix_columns(simple, *columns) if columns else simple


def quantized(
    simple: ModelProto, inputs: NDArray[np.float32], *, kept: Names[str] = ()
) -> ModelProto:
    """``simple`` (see ``simplified``) with Q/DQ pairs.

    Args:
        simple: float32.
        inputs: (n, …) what its one input gets.
        kept: names of nodes that stay in float32.
    """
    left = preparation(simple) | set(kept) | _sums_with_constants(simple)
    freed, columns = free_columns(simple)
    others = {COLUMNS: np.array(columns, np.int64)} if columns else {}
    with tempfile.TemporaryDirectory(prefix="calibration-") as scratch:
        source, target = Path(scratch) / "simple.onnx", Path(scratch) / "int8.onnx"
        onnx.save(freed, source)
        silence = logging.getLogger()
        level = silence.level
        silence.setLevel(logging.ERROR)  # it recommends the preparation that was just made
        try:
            quantize_static(
                source,
                target,
                _Inputs(simple.graph.input[0].name, inputs, others),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=sorted(CONVOLUTIONS | {_SUM}),
                nodes_to_exclude=sorted(left),
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                extra_options={
                    # TensorRT has symmetric scales only, and biases in float.
                    "ActivationSymmetric": True,
                    "WeightSymmetric": True,
                    "QuantizeBias": False,
                },
            )
        finally:
            silence.setLevel(level)
        eight = onnx.load(target)
    return fix_columns(eight, *columns) if columns else eight


def _sums_with_constants(model: ModelProto) -> set[str]:
    """They are no branches that meet, and a quantised constant stops TensorRT."""
    weights = {tensor.name for tensor in model.graph.initializer}
    constants = {n.output[0] for n in model.graph.node if n.op_type == "Constant"}
    return {
        node.name
        for node in model.graph.node
        if node.op_type == _SUM and any(name in weights | constants for name in node.input)
    }
